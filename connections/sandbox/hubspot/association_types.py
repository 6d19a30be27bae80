"""Association types HubSpot defines between the served objects. Direction matters.

Source: https://developers.hubspot.com/docs/api-reference/legacy/crm/associations/associate-records/guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import COMPANY, CONTACT, INVOICE, LINE_ITEM, PAYMENT, Kind

CATEGORY = "HUBSPOT_DEFINED"
PRIMARY = 1
CONTACT_TO_COMPANY = 279


@dataclass(frozen=True, slots=True, eq=False)
class AssociationType:
    """One direction of an association. ``label`` is None for the plain association of a pair of types."""

    id: int
    source: Kind
    target: Kind
    inverse: int
    label: str | None = None
    plain: bool = True

    def joins(self, one: Kind, other: Kind) -> bool:
        """Whether it is an association of two types, in either direction."""
        return (self.source is one and self.target is other) or (self.source is other and self.target is one)


def _both(
    source: Kind, target: Kind, forth: int, back: int, labels: tuple[str, str] | None = None
) -> tuple[AssociationType, AssociationType]:
    there, here = labels or (None, None)
    plain = labels is None
    return (
        AssociationType(forth, source, target, back, there, plain),
        AssociationType(back, target, source, forth, here, plain),
    )


ASSOCIATION_TYPES: dict[int, AssociationType] = {
    each.id: each
    for pair in (
        _both(INVOICE, CONTACT, 177, 178),
        _both(INVOICE, COMPANY, 179, 180),
        _both(INVOICE, LINE_ITEM, 409, 410),
        _both(INVOICE, PAYMENT, 541, 542),
        _both(PAYMENT, CONTACT, 387, 388),
        _both(PAYMENT, COMPANY, 389, 390),
        _both(PAYMENT, LINE_ITEM, 395, 396),
        _both(CONTACT, COMPANY, CONTACT_TO_COMPANY, 280),
        _both(CONTACT, COMPANY, PRIMARY, 2, ("Primary", "Primary")),
        _both(CONTACT, COMPANY, 931, 930, ("Billing contact", "Billing contact")),
        _both(COMPANY, COMPANY, 13, 14, ("Child company", "Parent company")),
    )
    for each in pair
}

_PLAIN: dict[tuple[int, int], AssociationType] = {
    (each.source.code, each.target.code): each for each in ASSOCIATION_TYPES.values() if each.plain
}


def plain_type(source: Kind, target: Kind) -> AssociationType | None:
    """The type a default association gets."""
    return _PLAIN.get((source.code, target.code))


def types_between(source: Kind, target: Kind) -> list[AssociationType]:
    """All types of one direction."""
    return [each for each in ASSOCIATION_TYPES.values() if each.source is source and each.target is target]
