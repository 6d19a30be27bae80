"""A reconciliation in plain sentences: what agrees, what does not, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from mlconnector.templatetags.shown import money
from syncs.attention.causes import cause_of
from syncs.models import Report, ReportLine
from syncs.reporting.reconciliation import LINES, OPEN_BALANCE, Comparison
from syncs.reporting.selectors import DIFFERS, EXTRA, MISSING, Group

ORDER = ("invoices", "credit memos", "payments", LINES, OPEN_BALANCE)
SUMS = (LINES, OPEN_BALANCE)
"""What belongs to the records named before: they are compared by amount, not counted as records."""
BECAUSE = {
    "waiting": ("waits", "wait"),
    "held": ("is held for a decision", "are held for a decision"),
    "rejected": ("was rejected", "were rejected"),
    "skipped": ("is left out by a rule", "are left out by a rule"),
    "synced": ("was delivered", "were delivered"),
    "": ("was not read by a run yet", "were not read by a run yet"),
}
SET_ASIDE = ("is set aside", "are set aside")
RULES = {
    "credit": "credits, which reduce the balance of what they credit",
    "reversed": "reversed in the source",
}


def ordered(rows: Iterable[Comparison]) -> list[Comparison]:
    return sorted(rows, key=lambda row: (*_place(row.what), row.currency))


def _place(what: str) -> tuple[int, str]:
    return (ORDER.index(what) if what in ORDER else len(ORDER), what)


def sentence(title: str, rows: Sequence[Comparison], groups: Sequence[Group], there: str) -> str:
    """``there`` is what the destination is called."""
    if not rows:
        return f"{title}: neither side has anything."
    parts = [_agreeing(rows, groups), *_documents(rows, groups, there), *_sums(rows)]
    return f"{title}: {'; '.join(part for part in parts if part)}."


def _agreeing(rows: Sequence[Comparison], groups: Sequence[Group]) -> str:
    said, named = [], 0
    for what in _kinds(rows):
        there_are = sum(row.source_count for row in rows if row.what == what)
        bad = sum(group.number for group in groups if group.what == what and group.side != EXTRA)
        if there_are:
            number = f"{there_are:,} {one_or_many(what, there_are)}"
            said.append(f"{there_are - bad:,} of {number}" if bad else f"all {number}" if there_are > 1 else number)
            named += there_are
    return f"{listed(said)} {'agrees' if named == 1 else 'agree'}" if said else ""


def _kinds(rows: Sequence[Comparison]) -> list[str]:
    return sorted({row.what for row in rows if row.what not in SUMS}, key=_place)


def _documents(rows: Sequence[Comparison], groups: Sequence[Group], there: str) -> list[str]:
    places = [(what, side) for what in _kinds(rows) for side in (MISSING, EXTRA, DIFFERS)]
    found = {place: [group for group in groups if (group.what, group.side) == place] for place in places}
    return [_differing(*place, chosen, there) for place, chosen in found.items() if chosen]


def _differing(what: str, side: str, groups: Sequence[Group], there: str) -> str:
    number = sum(group.number for group in groups)
    named, single = f"{number:,} {one_or_many(what, number)}", number == 1
    if side == MISSING:
        amount = _money((group.currency, group.source_total) for group in groups)
        why = f"it {because(groups[0].status, groups[0].code, groups[0].aside)}" if single else _why(groups)
        return f"{named} over {amount} {'is' if single else 'are'} missing in {there}: {why}"
    if side == EXTRA:
        amount = _money((group.currency, group.destination_total) for group in groups)
        return f"{named} over {amount} {'stands' if single else 'stand'} in {there} only"
    amount = _money((group.currency, group.destination_total - group.source_total) for group in groups)
    return f"{named} {'differs' if single else 'differ'} in {'its' if single else 'their'} amount, by {amount} in all"


def _why(groups: Sequence[Group]) -> str:
    reasons: dict[tuple[str, str, bool], int] = {}
    for group in groups:
        place = group.status, group.code, group.aside
        reasons[place] = reasons.get(place, 0) + group.number
    most_first = sorted(reasons.items(), key=lambda one: -one[1])
    return listed([f"{number:,} {because(*place, number)}" for place, number in most_first])


def because(status: str, code: str, aside: bool, number: int = 1) -> str:
    words = SET_ASIDE if aside else BECAUSE.get(status, BECAUSE[""])
    said = words[0] if number == 1 else words[1]
    if not code or status == "synced":
        return said
    title = cause_of(code).title
    return f"{said} ({title[:1].lower()}{title[1:]})"


def _sums(rows: Sequence[Comparison]) -> list[str]:
    said = []
    for what, named in ((LINES, "the sum of the lines"), (OPEN_BALANCE, "the open balance")):
        chosen = [row for row in rows if row.what == what]
        amounts = [(row.currency, row.destination_total - row.source_total) for row in chosen]
        apart = [(currency, amount) for currency, amount in amounts if amount]
        if apart:
            said.append(f"{named} differs by {_money(apart)}")
        elif what == LINES and any(not row.equal for row in chosen):
            said.append("the number of lines differs")
        elif chosen and what == OPEN_BALANCE:
            said.append(f"{named} agrees")
    return said


def _money(amounts: Iterable[tuple[str, Decimal]]) -> str:
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return listed([money(amount, currency) for currency, amount in sorted(sums.items())])


def one_or_many(what: str, number: int) -> str:
    return what.removesuffix("s") if number == 1 else what


def listed(said: Sequence[str]) -> str:
    """'a, b and c'."""
    return " and ".join(filter(None, (", ".join(said[:-1]), said[-1]))) if said else ""


def rule(name: str) -> str:
    """Why something is left out on purpose."""
    return RULES.get(name) or cause_of(name).title


# One record -----------------------------------------------------------------------------------------------------------


def side_of(line: ReportLine) -> str:
    if line.destination_amount is None:
        return MISSING
    return EXTRA if line.source_amount is None else DIFFERS


def state(line: ReportLine, here: str, there: str) -> str:
    """``here`` and ``there`` are what source and destination are called."""
    if line.destination_amount is None:
        return f"In another month or currency in {there}" if line.destination_id else f"Missing in {there}"
    if line.source_amount is None:
        return f"In another month or currency in {here}" if line.source_key else f"Only in {there}"
    return "Amounts differ" if line.source_amount != line.destination_amount else "Number of lines differs"


def reason(line: ReportLine, report: Report) -> str:
    """Why one record differs, as far as its own story tells."""
    record = line.record
    if record is None:
        return "No run has read it yet." if line.source_key else "It is not known here: the source did not send it."
    if record.updated_at >= report.created_at:
        return "It moved while the reconciliation was made, or after. Look at the next one."
    if record.status == "synced" and line.destination_amount is None:
        return "It was delivered and is not there any more."
    if record.status == "synced":
        return "It was delivered; one of the sides changed since."
    said = because(record.status, record.error_code, record.set_aside is not None)
    return f"It {said}."
