"""Why records do not arrive, in words for the people who fix it. A code without a row here is shown as it is named."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from syncs import catalogue


class Fix(StrEnum):
    """The page of ours on which a whole class of problems is put right."""

    OPTIONS = "options"
    MAPPING = "mapping"
    MATCHES = "matches"
    SOURCE = "source"
    DESTINATION = "destination"
    PREPARE = "prepare"


@dataclass(frozen=True, slots=True)
class Cause:
    """A class of problems: what it is called, what to do about the whole class, and where.

    ``fix_flow`` is the flow whose options or mapping put it right, where it is another.
    """

    title: str
    advice: str = ""
    fix: Fix | None = None
    fix_flow: str = ""


AFTER_FIX = "When that is done, replay all of them here."
BY_ITSELF = "Nothing to do here: the records go by themselves."

GENERAL: dict[str, Cause] = {
    "match_ambiguous": Cause(
        "Which record is it?",
        "Look at both sides, then choose which one it is, create a new one, or leave it out.",
        Fix.MATCHES,
    ),
    "match_pending": Cause("Match being looked up", "Settled by itself once all names of the source are known."),
    "unknown_currency": Cause("Unknown currency", "Correct the currency in the source. The change is read by itself."),
    "bad_number": Cause("An amount is not a number", "Correct it in the source. The change is read by itself."),
    "mapping": Cause(
        "Something needed is missing in the source", "Complete the record there. The change is read by itself."
    ),
    "own_field": Cause(
        "A value does not fit a field of your own mapping",
        f"Open one to read which. Correct the record in the source, or change the mapping of the flow. {AFTER_FIX}",
        Fix.MAPPING,
    ),
    "conflict": Cause(
        "Another record holds its place", "Open the record to see which one, settle it there, then replay."
    ),
    "no_date": Cause("No date", "Complete the record in the source. The change is read by itself."),
    "source_hides_all": Cause(
        "The source shows nothing any more", "Check what our user may see there, then run again.", Fix.SOURCE
    ),
    "source_missing": Cause("Gone from the source", "The source does not show these records any more."),
    "outcome_unknown": Cause(
        "The answer was lost", "The next run asks whether the record arrived before writing again."
    ),
    "writing": Cause("Being delivered", "If this stays, the answer was lost and is being looked up."),
    "record": Cause("Refused by the destination", f"Open one to read the destination's words. {AFTER_FIX}"),
    "held": Cause("Waits for a person", "Open each record to decide."),
    "dependency_missing": Cause("Something it belongs to is not there yet", BY_ITSELF),
    "rate_limited": Cause("Too many calls", "The system asked us to slow down. The next run goes on."),
    "transient": Cause("The other system did not answer", "The next run tries again."),
}


def cause_of(code: str) -> Cause:
    """The general causes, and those of the integrations."""
    if code in GENERAL:
        return GENERAL[code]
    for integration in catalogue.all_integrations():
        if code in integration.causes:
            return integration.causes[code]
    return Cause(code.replace("_", " ").capitalize() or "No reason given")
