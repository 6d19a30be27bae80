"""What a text typed into the search may mean: a number, a name or an ID, each asked in a way that an index answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from django.db.models import Q

from connections.connectors import registry
from syncs.names.matching import normalise

LONGEST = 255
NAMED = ~Q(match_key="")
_OUR_NUMBER = re.compile(r"#(\d{1,18})")


def ways(text: str) -> Iterator[Q]:
    """From the closest meaning to the widest; the first under which something is found is what was meant."""
    text = " ".join(text.split())[:LONGEST]
    if not text:
        return
    yield exactly(text)
    yield beginning(text)
    if name := normalise(text):
        # Only companies are normalised: few enough to be looked through.
        yield NAMED & Q(match_key__contains=name)


def exactly(text: str) -> Q:
    """Borne as a number, name or ID, however it is spelt: capitals and blanks count for nothing."""
    text = " ".join(text.split())
    spelt = spellings(text)
    ids = list(dict.fromkeys([*spelt, *_vendors_spellings(text)]))
    found = Q(title__in=spelt) | Q(source_key__in=ids) | Q(destination_id__in=ids) | Q(reference__in=spelt)
    if name := normalise(text):
        found |= Q(match_key=name)
    if ours := _OUR_NUMBER.fullmatch(text):
        found |= Q(pk=int(ours[1]))
    return found


def beginning(text: str) -> Q:
    found = Q(destination_id__startswith=text)
    for spelling in spellings(text):
        found |= Q(title__startswith=spelling)
    if name := normalise(text):
        found |= NAMED & Q(match_key__startswith=name)
    return found


def spellings(text: str) -> list[str]:
    """As it was typed, without blanks, and in the capitals that numbers usually have."""
    close = text.replace(" ", "")
    return list(dict.fromkeys(_capitals([text, close])))


def _capitals(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (text, text.upper(), text.lower(), text.capitalize())


def _vendors_spellings(text: str) -> Iterator[str]:
    for connector in registry.all():
        yield from connector.spellings(text)
