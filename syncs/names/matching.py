"""When two companies are one. Pure; finds candidates, and binds only where nothing speaks against it.

``keys`` narrows thousands down to a few, ``compare`` looks at two of them closely. Only equal names can be the same by
themselves; everything that merely looks alike is for a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from hashlib import blake2b

from syncs.names.alike import Likeness, folded, likeness, numbers, other_names, spelled_out, telling
from syncs.names.companies import Name, parse
from syncs.names.countries import country_code

SAME, NEAR, DIFFERENT = "same", "near", "different"
TAX, DUNS, CLOSE = "tax:", "duns:", "~"
NUMBER_TAIL = 8
LEAST_DIGITS = 5
SURE = 0.95
_PLAIN = re.compile(r"[^A-Z0-9]+")
_PREFIX = re.compile(r"^([A-Z]{2})(?=[A-Z]?\d)")
_TAX_TAIL = re.compile(r"(?:MWST|TVA|IVA|VAT|MVA|HR)$")
_STREET = re.compile(r"(strasse|street|str|st)$")
_ZIP_PLUS_4 = re.compile(r"^(\d{5})\d{4}$")


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a company besides its key. Empty text is unknown."""

    name: str
    tax_number: str = ""
    duns: str = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""

    def evidence(self) -> dict[str, str]:
        """What is known, as it is stored."""
        return {name: value for name in FIELDS if (value := getattr(self, name))}

    @classmethod
    def known(cls, evidence: Mapping[str, str]) -> Identity:
        return cls(*(evidence.get(name, "") for name in FIELDS))


FIELDS = tuple(one.name for one in fields(Identity))


@dataclass(frozen=True, slots=True)
class Judgement:
    """``verdict`` is same, near or different, ``score`` 0 to 1, ``reasons`` what speaks for and against, in words.

    ``certain``: an equal tax or D-U-N-S number says so, whatever the names.
    """

    verdict: str
    score: float
    reasons: list[str] = field(default_factory=list)
    certain: bool = False


def normalise(name: str) -> str:
    """A company name without case, accents, script, punctuation, legal form and leading article.

    'ACME Corp.' and 'Acme Corporation' give the same text. A name of nothing but a legal form keeps it.
    """
    return " ".join(parse(name).core)


# Index keys -----------------------------------------------------------------------------------------------------------


def keys(identity: Identity) -> list[str]:
    """The normalised name first, then numbers, then keys of close names. Two that may be the same share one."""
    name = normalise(identity.name)
    found = [name] if name else []
    if number := _tax(identity.tax_number):
        found.append(f"{TAX}{number[-NUMBER_TAIL:]}")
    if duns := _duns(identity.duns):
        found.append(f"{DUNS}{duns}")
    found += [f"{CLOSE}{_short(key)}" for key in _close_keys(parse(identity.name), _postal(identity.postal_code))]
    return list(dict.fromkeys(found))


def exact_keys(identity: Identity) -> list[str]:
    """Those by which only equal names and numbers meet."""
    return [key for key in keys(identity) if not key.startswith(CLOSE)]


def _close_keys(name: Name, postal: str) -> Iterable[str]:
    for words in (name.core, *other_names(name.core)):
        # Names with other numbers are never close
        suffix = " ".join(sorted(numbers(words).elements()))
        yield from (f"{key} {suffix}" for key in _close_name_keys(telling(words), postal))
    if name.said:
        # A form that is taken for part of the name on one side only
        suffix = " ".join(sorted(numbers(name.core).elements()))
        yield f"{_by_beginnings(telling(_all_words(name)))} {suffix}"


def _by_beginnings(words: Iterable[str]) -> str:
    return "w" + " ".join(sorted(folded(word)[:3] for word in words))


def _close_name_keys(words: list[str], postal: str) -> Iterable[str]:
    if not words:
        return
    plain = [folded(word) for word in spelled_out(words)]
    joined = "".join(folded(word) for word in words)
    # Word order, abbreviations, and what is mistyped behind the third letter
    yield _by_beginnings(words)
    yield _by_beginnings(spelled_out(words))
    # A typing error leaves the other half of the name as it is; lengths differ by one or two then
    half = len(joined) // 2
    for length in {half, half - 1}:
        if length >= 3:
            yield f"b{joined[:length]}"
            yield f"e{joined[0]} {joined[-length:]}"
    if len(words) >= 3:
        yield "i" + "".join(word[0] for word in words)
    elif len(words) == 1 and 2 <= len(words[0]) <= 6:
        yield f"i{words[0]}"
    if postal:
        yield f"p{postal} {plain[0][:3]}"


def _short(key: str) -> str:
    return f"{key[0]}{blake2b(key.encode(), digest_size=8).hexdigest()}"


# Comparing ------------------------------------------------------------------------------------------------------------


def compare(ours: Identity, theirs: Identity) -> Judgement:
    """What speaks for and against two companies being one, in reasons for a person. Symmetric but for the words."""
    one, other = parse(ours.name), parse(theirs.name)
    agrees, differs = _numbers(ours, theirs)
    certain = bool(agrees)
    places, elsewhere = _places(ours, theirs)
    agrees += places
    against = differs + elsewhere
    if one.core and one.core == other.core:
        against = [*_names_against(one, other, ours, theirs), *against]
        score = max(0.5, (1.0 if certain or not against else 0.95) - 0.1 * len(against))
        reasons = ["The names are equal.", *agrees, *against]
        return Judgement(NEAR if against else SAME, score, reasons, certain)
    like = _likeness(one, other)
    if certain:
        return Judgement(NEAR, max(0.9, like.score), [*agrees, "The names differ.", *against], certain=True)
    # A name that may be mistyped and stands somewhere else is another company
    if like.close and not differs and not _abroad(ours, theirs) and (not elsewhere or like.score >= SURE):
        return Judgement(NEAR, like.score - 0.1 * len(against), [like.reason, *agrees, *against])
    if like.contained and _one_address(ours, theirs) and not differs:
        return Judgement(NEAR, max(like.score, 0.75), [like.reason, *agrees])
    return Judgement(DIFFERENT, min(like.score, 0.5), ["The names differ.", *agrees, *against])


def _likeness(one: Name, other: Name) -> Likeness:
    if not (one.core and other.core):
        return Likeness(0.0)
    if sorted(_all_words(one)) == sorted(_all_words(other)):
        return Likeness(0.97, close=True, reason="The names have the same words in another order.")
    found = [likeness(one.core, other.core)]
    for this, that in ((one, other), (other, one)):
        for name in other_names(this.core):
            core = parse(" ".join(name)).core
            alike = Likeness(0.95, close=True) if core == that.core else likeness(core, that.core)
            if alike.close:
                found.append(alike._replace(score=min(alike.score, 0.9), reason="One name is given as the other's."))
    return max(found, key=lambda like: (like.close, like.score))


def _all_words(name: Name) -> list[str]:
    return [*name.core, *" ".join(name.said).split()]


def _names_against(one: Name, other: Name, ours: Identity, theirs: Identity) -> list[str]:
    """Why equal normalised names may still be two companies."""
    found = []
    if one.letters and other.letters and one.letters != other.letters:
        found.append("The names are written with different characters that only sound alike.")
    if one.forms and other.forms and not _forms_agree(one.forms, other.forms):
        found.append(f"The legal forms differ: {_said(one)} and {_said(other)}.")
    elif one.odd != other.odd:
        found.append(f"“{_said(one if one.odd else other)}” may be a part of the name or a legal form.")
    elif _form_abroad(one, other, theirs.country) or _form_abroad(other, one, ours.country):
        found.append(f"The legal form {_said(one if one.countries else other)} does not exist in the other's country.")
    if {one.article, other.article} not in ({""}, {"", "the"}) and one.article != other.article:
        found.append(f"Only one of the names begins with “{(one.article or other.article).capitalize()}”.")
    return found


def _forms_agree(one: Sequence[frozenset[str]], other: Sequence[frozenset[str]]) -> bool:
    return len(one) == len(other) and all(a & b for a, b in zip(one, other, strict=True))


def _form_abroad(one: Name, other: Name, country: str) -> bool:
    """A GmbH on one side, and on the other the name alone in a country that has none."""
    code = country_code(country)
    return bool(one.countries and not other.forms and code and code not in one.countries)


def _said(name: Name) -> str:
    return " ".join(name.said).upper()


def _numbers(ours: Identity, theirs: Identity) -> tuple[list[str], list[str]]:
    agrees, differs = [], []
    tax, their_tax = _tax(ours.tax_number), _tax(theirs.tax_number)
    if tax and their_tax:
        if _one_number(ours.tax_number, theirs.tax_number):
            agrees.append("The tax numbers are equal.")
        else:
            differs.append(f"The tax numbers differ: {ours.tax_number} and {theirs.tax_number}.")
    duns, their_duns = _duns(ours.duns), _duns(theirs.duns)
    if duns and their_duns:
        if duns == their_duns:
            agrees.append("The D-U-N-S numbers are equal.")
        else:
            differs.append(f"The D-U-N-S numbers differ: {ours.duns} and {theirs.duns}.")
    return agrees, differs


def _places(ours: Identity, theirs: Identity) -> tuple[list[str], list[str]]:
    agrees, against = [], []
    if _abroad(ours, theirs):
        against.append(f"The countries differ: {ours.country} and {theirs.country}.")
    city, postal = _agree(_city(ours), _city(theirs)), _agree(_postal(ours.postal_code), _postal(theirs.postal_code))
    if _one_address(ours, theirs):
        agrees.append("The addresses are equal.")
    elif postal or city:
        agrees.append("The postal codes are equal." if postal else "The cities are equal.")
    elif city is postal is False and ours.street and theirs.street:
        here, there = (f"{one.postal_code} {one.city}" for one in (ours, theirs))
        against.append(f"The addresses differ: {here} and {there}.")
    return agrees, against


def _agree(one: str, other: str) -> bool | None:
    """None where one of them is unknown."""
    return (one == other) if one and other else None


def _one_address(ours: Identity, theirs: Identity) -> bool:
    places = (_agree(_postal(ours.postal_code), _postal(theirs.postal_code)), _agree(_street(ours), _street(theirs)))
    return all(places) and _agree(_city(ours), _city(theirs)) is not False and not _abroad(ours, theirs)


def _abroad(ours: Identity, theirs: Identity) -> bool:
    return _agree(country_code(ours.country), country_code(theirs.country)) is False


@lru_cache(maxsize=20_000)
def _plain(text: str) -> str:
    return "".join(parse(text).core)


def _city(identity: Identity) -> str:
    return folded(_plain(identity.city))


def _street(identity: Identity) -> str:
    words = (_STREET.sub("str", word) for word in parse(identity.street).core)
    return folded("".join(words))


@lru_cache(maxsize=20_000)
def _postal(text: str) -> str:
    code = re.sub(r"^[A-Z]{1,3}-(?=\d)", "", text.upper().strip())
    plain = _PLAIN.sub("", code)
    return match[1] if (match := _ZIP_PLUS_4.match(plain)) else plain


@lru_cache(maxsize=20_000)
def _tax(text: str) -> str:
    """A tax number without its wrapping: 'DE 123 456 789' → '123456789'. Empty for what is none ('n/a', zeros)."""
    plain = _TAX_TAIL.sub("", _PLAIN.sub("", text.upper()))
    if plain.startswith("CHE"):
        plain = plain[3:]
    elif (match := _PREFIX.match(plain)) and (country_code(match[1]) or match[1] == "EL"):
        plain = re.sub(r"B\d\d$", "", plain[2:]) if match[1] == "NL" else plain[2:]
    digits = [character for character in plain if character.isdigit()]
    return plain if len(digits) >= LEAST_DIGITS and len(set(digits)) > 1 else ""


def _one_number(one: str, other: str) -> bool:
    """Equal but for their wrapping; a French VAT number ends with the company's SIREN."""
    codes = [_prefix_of(text) for text in (one, other)]
    if all(codes) and codes[0] != codes[1]:
        return False
    a, b = sorted((_tax(one), _tax(other)), key=len)
    return a == b or (len(a) > NUMBER_TAIL and b.endswith(a))


def _prefix_of(text: str) -> str:
    match = _PREFIX.match(_PLAIN.sub("", text.upper()))
    return country_code(match[1]) if match else ""


@lru_cache(maxsize=20_000)
def _duns(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    return digits.zfill(9) if LEAST_DIGITS <= len(digits) <= 9 and len(set(digits)) > 1 else ""
