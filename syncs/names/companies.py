"""A company name taken apart: what it is called, its legal forms, its article. Pure and deterministic."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from anyascii import anyascii

from syncs.names.legal_forms import CLEANCO_LEAVES, CYRILLIC, FORMS, FRONT, NATIVE, TOGETHER, cleanco_terms

LONGEST_FORM, LONGEST_FRONT = 7, 4
AND = {"and", "und", "et", "y", "e", "i", "og", "och", "en", "ve", "kai"}
ARTICLES = frozenset(
    "the la le les el los las il lo gli der die das den det het os ang az".split()  # noqa: SIM905 - reads better
)
_WORD = re.compile(r"[a-z0-9]+")
_INITIALS = re.compile(r"(?<![a-z0-9])[a-z](?:[./] ?[a-z](?![a-z0-9]))+")
_CYRILLIC_WORD = re.compile(r"(?<![^\W\d_])([А-ЯЁІЇЄҐа-яёіїєґ]{2,5})(?![^\W\d_])")
_IN_NUMBERS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")


class Name(NamedTuple):
    """``core`` are the words that matter, ``forms`` the kinds of each legal form taken off, ``said`` as they stood.

    ``odd``: a form stood in front although another one ended the name, so that it may have been part of the name.
    ``letters`` are those of the name that are not Latin: writing them in Latin ones loses differences.
    """

    core: tuple[str, ...]
    forms: tuple[frozenset[str], ...] = ()
    said: tuple[str, ...] = ()
    countries: frozenset[str] = frozenset()
    article: str = ""
    odd: bool = False
    letters: str = ""


class Form(NamedTuple):
    kinds: frozenset[str]
    countries: frozenset[str]


@lru_cache(maxsize=50_000)
def parse(name: str) -> Name:
    text = _composed(name)
    native, text = _native_forms(text)
    words = _joined_letters(_conjunctions(_words(text)))
    front, back, article = [], [], ""
    while True:
        before = len(words)
        while found := _ending(words):
            back.append(found)
            words = _without_and(words[: -len(found)])
        if words[:-1] and (leading := _beginning(words)):
            front.append(leading)
            words = words[len(leading) :]
        if len(words) > 1 and words[0] in ARTICLES:
            article, words = article or words[0], words[1:]
        if len(words) == before:
            break
    said = (*(" ".join(one) for one in (*front, *back)), *native)
    forms = _one_of_pairs([(one, _forms()[tuple(one.split())]) for one in said if tuple(one.split()) in _forms()])
    return Name(
        core=tuple(words),
        forms=tuple(form.kinds for form in forms if form.kinds),
        said=tuple(said),
        countries=frozenset().union(*(form.countries for form in forms)),
        article=article,
        odd=bool(front) and any((" ".join(front[0]), " ".join(one)) not in TOGETHER for one in back),
        letters=_letters(text) if words else "",
    )


def _one_of_pairs(forms: list[tuple[str, Form]]) -> list[Form]:
    """'Oy Pohjola Ab' has one form, said in two languages."""
    if len(forms) == 2 and (forms[0][0], forms[1][0]) in TOGETHER:
        (_, one), (_, other) = forms
        return [Form(one.kinds | other.kinds, one.countries & other.countries)]
    return [form for _, form in forms]


def _composed(name: str) -> str:
    return unicodedata.normalize("NFKC", str(name)).replace("\u200b", "")


def _native_forms(text: str) -> tuple[list[str], str]:
    """Takes off the forms that must be recognised in their own letters."""
    found: list[str] = []
    for written, form in NATIVE:
        if written in text and text.replace(written, "").strip(" .,()（）"):
            text = text.replace(written, " ")
            found += [form] if form else []
    words = [match for match in _CYRILLIC_WORD.finditer(text) if match[1].casefold() in CYRILLIC]
    for match in reversed(words):
        rest = text[: match.start()], text[match.end() :]
        if not any(_has_letters(part) for part in rest) or all(_has_letters(part) for part in rest):
            continue
        found += [form] if (form := CYRILLIC[match[1].casefold()]) else []
        text = " ".join(rest)
    return found, text


def _has_letters(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _words(text: str) -> list[str]:
    text = anyascii(text).lower().replace("&", " and ").replace("+", " and ").replace("'", "").replace("`", "")
    text = _INITIALS.sub(lambda match: re.sub(r"[./ ]", "", match[0]), text)
    return _IN_NUMBERS.sub("", " ".join(_WORD.findall(text))).split()


def _conjunctions(words: Sequence[str]) -> list[str]:
    """'Müller und Sohn' and 'Müller & Sohn'. A single letter is one only between words: 'García y López'."""
    last = len(words) - 1

    def joins(place: int) -> bool:
        if words[place] not in AND or not 0 < place < last:
            return False
        return len(words[place]) > 1 or (len(words[place - 1]) > 1 and len(words[place + 1]) > 1)

    return ["and" if joins(place) else word for place, word in enumerate(words)]


def _joined_letters(words: Sequence[str]) -> list[str]:
    """'J P Morgan' as 'jp morgan', like 'J.P. Morgan'."""
    joined: list[str] = []
    letters = False
    for word in words:
        single = len(word) == 1 and word.isalpha()
        if single and letters:
            joined[-1] += word
        else:
            joined.append(word)
        letters = single
    return joined


def _ending(words: Sequence[str]) -> list[str]:
    """The longest legal form at the end that leaves something of the name."""
    for length in range(min(LONGEST_FORM, len(words) - 1), 0, -1):
        if tuple(words[-length:]) in _forms() and words[0] != "and":
            return list(words[-length:])
    return []


def _beginning(words: Sequence[str]) -> list[str]:
    for length in range(min(LONGEST_FRONT, len(words) - 1), 0, -1):
        if tuple(words[:length]) in _front():
            return list(words[:length])
    return []


def _without_and(words: list[str]) -> list[str]:
    while len(words) > 1 and words[-1] == "and":
        words = words[:-1]
    return words


def _letters(text: str) -> str:
    """Letters of other scripts, without marks that many leave out (accents, vowel points)."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = (c for c in plain if c in "\u3099\u309a" or unicodedata.category(c) != "Mn")
    return "".join(c for c in kept if ord(c) > 0x24F and (c.isalpha() or c in "\u3099\u309a"))


@cache
def _forms() -> dict[tuple[str, ...], Form]:
    found: dict[tuple[str, ...], Form] = {}
    for term in cleanco_terms():
        words = _spelled(term)
        if len("".join(words)) >= CLEANCO_LEAVES:
            found[words] = Form(frozenset(["".join(words)]), frozenset())
    for kinds, countries, spellings in FORMS:
        for spelling in spellings.split("; "):
            found[_spelled(spelling)] = Form(frozenset(kinds.split()), frozenset(countries.split()))
    return found


def _spelled(form: str) -> tuple[str, ...]:
    return tuple(_joined_letters(_conjunctions(_words(_composed(form)))))


@cache
def _front() -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(form.split()) for form in FRONT)
