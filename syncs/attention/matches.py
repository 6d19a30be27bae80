"""Questions of who is who, and the answers people and rules gave, for pages. By keyset, few queries for any number."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from mlconnector.tenants.models import Tenant
from syncs import catalogue
from syncs.attention import decisions
from syncs.engine.flow import HELD
from syncs.models import Flow, Record
from syncs.record_selectors import Choice, choices_for, flow_label, flows_of, keyset_page, records_of
from syncs.selectors import direction

QUESTIONS_PER_PAGE = 20
ANSWERS_PER_PAGE = 50
LIKELY = 0.9
UNANSWERED = Q(decision__isnull=True) | Q(decision__has_key="ask") | Q(next_attempt_at__isnull=True)


@dataclass(slots=True)
class Question:
    """A record and what it may be in the destination, best first. ``sides`` are the systems' names, ours first."""

    record: Record
    sides: tuple[str, str]
    choices: list[Choice]
    rivals: set[str] = field(default_factory=set)

    @property
    def flow_label(self) -> str:
        return flow_label(self.record.flow)

    @property
    def suggestion(self) -> Choice | None:
        """The one that is at least 90 % alike, if it is free, no other is, and no other question here asks for it."""
        likely = [one for one in self.choices if one.score is not None and one.score >= LIKELY]
        if len(likely) != 1 or likely[0].taken or likely[0].destination_id in self.rivals:
            return None
        return likely[0]


@dataclass(slots=True)
class QuestionPage:
    questions: list[Question]
    after: int | None
    number: int

    @property
    def suggested(self) -> bool:
        return any(question.suggestion for question in self.questions)


@dataclass(slots=True)
class Answer:
    """What was decided about a record, by whom, and where that stands (``decisions.stage``)."""

    record: Record
    sides: tuple[str, str]
    stage: str

    @property
    def flow_label(self) -> str:
        return flow_label(self.record.flow)


def matching_flows(tenant: Tenant) -> list[Flow]:
    """Flows in which records are recognised among those that stood there before."""
    return [flow for flow in flows_of(tenant) if catalogue.get(flow.sync.integration).flow(flow.key).matches]


def open_questions(tenant: Tenant, flows: list[Flow]) -> QuerySet[Record]:
    held = records_of(tenant, flows).filter(status=HELD, error_code__startswith="match_", set_aside__isnull=True)
    return held.filter(UNANSWERED)


def question_page(tenant: Tenant, *, after: int | None = None, size: int = QUESTIONS_PER_PAGE) -> QuestionPage:
    flows = {flow.pk: flow for flow in matching_flows(tenant)}
    asked = open_questions(tenant, list(flows.values()))
    page = keyset_page(asked, flows, after, size)
    return QuestionPage(questions_of(page.records), page.after, asked.count())


def questions_of(records: list[Record]) -> list[Question]:
    choices = choices_for(records)
    questions = [Question(record, _sides(record.flow), choices[record.pk]) for record in records]
    claimed: dict[tuple[int, str], int] = {}
    for question in questions:
        if best := question.suggestion:
            key = question.record.flow_id, best.destination_id
            claimed[key] = claimed.get(key, 0) + 1
    for question in questions:
        question.rivals = {
            id_ for (flow_id, id_), number in claimed.items() if number > 1 and flow_id == question.record.flow_id
        }
    return questions


def answer_page(
    tenant: Tenant, *, after: int | None = None, size: int = ANSWERS_PER_PAGE
) -> tuple[list[Answer], int | None]:
    """The answers that are in force, those of the newest records first; and where the next page starts."""
    flows = {flow.pk: flow for flow in matching_flows(tenant)}
    decided = records_of(tenant, flows.values()).filter(decision__isnull=False).exclude(decision__has_key="ask")
    in_force = ~Q(destination_id="") | Q(status=Record.Status.SKIPPED) | Q(next_attempt_at__isnull=False)
    page = keyset_page(decided.filter(in_force), flows, after, size)
    answers = [Answer(record, _sides(record.flow), decisions.stage(record)) for record in page.records]
    return [answer for answer in answers if answer.stage], page.after


def _sides(flow: Flow) -> tuple[str, str]:
    integration = catalogue.get(flow.sync.integration)
    return direction(integration, integration.flow(flow.key))
