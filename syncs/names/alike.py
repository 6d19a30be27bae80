"""How much two names look alike that are not equal: order, spelling, abbreviations, initials. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

ABBREVIATIONS: dict[str, str] = {
    # What is meant: how it is written. A short form may be meant in several ways.
    "international": "intl int inter internat internacional internazionale internationale internationaal",
    "national": "natl nat nacional nationale nazionale",
    "manufacturing": "mfg manuf mfr mfrs",
    "service": "services svc svcs srv srvs serv servs servicios servizi",
    "technology": "tech techn technol technologies technologie tecnologia tecnologias",
    "technical": "tech techn",
    "engineering": "eng engr engg engrg ing",
    "industry": "ind inds indus industries industrie industria industrias sanayi san",
    "trading": "trdg trad ticaret tic",
    "brothers": "bros bro gebruder gebr gebrueder freres hermanos hnos fratelli flli",
    "associates": "assoc assocs assn",
    "association": "assoc assn",
    "management": "mgmt mgt mngt",
    "development": "dev devt dvlpt",
    "distribution": "dist distr distrib",
    "laboratory": "lab labs laboratories laboratorium laboratoire laboratoires laboratorios",
    "pharmaceutical": "pharma pharm pharmaceuticals pharmaceutica",
    "electric": "elec",
    "electronic": "elec electron electronics elektronik",
    "equipment": "equip eqpt",
    "product": "prod prods products productos",
    "construction": "constr const construcciones",
    "transport": "transp trans transportation transportes transporti",
    "system": "systems sys syst systeme systemes sistemas",
    "solution": "solutions soln solns sol",
    "supply": "supp supplies",
    "group": "grp gruppe groupe grupo gruppo",
    "holding": "holdings hldg hldgs",
    "university": "univ universitat universite universidad",
    "hospital": "hosp",
    "department": "dept",
    "center": "ctr cntr centre zentrum centrum centro",
    "american": "amer am",
    "chemical": "chem chemicals",
    "consulting": "cons consult",
    "communication": "communications comm comms",
    "saint": "st ste sankt sint san santa",
    "doctor": "dr",
    "street": "str strasse st",
    "avenue": "ave av",
    "road": "rd",
    "machine": "mach machines machinery maschinen",
    "software": "sw sftw",
    "building": "bldg",
    "warehouse": "whse",
    "packaging": "pkg pkging",
    "marketing": "mktg",
    "advertising": "adv",
    "financial": "fin fincl",
}
LITTLE = frozenset("and of for the de du des del di da do dos der fur von".split())  # noqa: SIM905 - reads better
NEVER_MISTYPED = frozenset(
    "north south east west northern southern eastern western northeast northwest southeast southwest import export "  # noqa: SIM905
    "imports exports micro macro inter intra electric electronic electronics alpha beta gamma delta upper lower "
    "first second third marine marina metal medal father mother women woman".split()
)
SISTERS = frozenset(
    "holding holdings beteiligung beteiligungs beteiligungen verwaltung verwaltungs immobilien property properties "  # noqa: SIM905
    "realty estate finance financial capital investment investments leasing foundation stiftung pension trust fund "
    "import export ventures insurance bank".split()
)
"""Words that make a sister company of the same house, often at the same address."""
OTHERWISE = (("dba",), ("aka",), ("fka",), ("ta",), ("trading", "as"), ("doing", "business", "as"), ("formerly",),
             ("formerly", "known", "as"), ("also", "known", "as"), ("vormals",), ("previously",))  # fmt: skip
_MARKS = frozenset(marker[0] for marker in OTHERWISE)
ROMAN = frozenset("i ii iii iv v vi vii viii ix x xi xii".split())  # noqa: SIM905
FOLDS = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        *((r"ey|ay|ei|ai", "ai"), (r"ae", "a"), (r"oe", "o"), (r"ue", "u"), (r"our(?=$|[^aeiou])", "or")),
        *((r"ph", "f"), (r"sch", "sh"), (r"ck|kh|c|q", "k"), (r"tz|ts|z", "s"), (r"w", "v"), (r"[yj]", "i")),
        *((r"th", "t"), (r"x", "ks"), (r"re$", "er"), (r"(.)\1+", r"\1")),
        (r"(?<=...)ie?s$|(?<=....)s$|(?<=...)ie?$", ""),
    )
)
"""Letters that sound alike in one language or another, doubled ones, and plurals."""
_DIGITS = re.compile(r"\d+")
VOWEL = re.compile(r"[aeiou]")


class Likeness(NamedTuple):
    """``close``: a person should look. ``contained``: one is a part of the other, which says little by itself."""

    score: float
    close: bool = False
    contained: bool = False
    reason: str = ""


@lru_cache(maxsize=50_000)
def folded(word: str) -> str:
    """A word as it sounds, roughly: 'mueller' and 'muller', 'harbour' and 'harbor' give the same."""
    if word.isdigit():
        return word
    for pattern, by in FOLDS:
        word = pattern.sub(by, word)
    return word


@cache
def _meanings() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word, shorts in ABBREVIATIONS.items():
        for short in (word, *shorts.split()):
            found.setdefault(short, []).append(word)
    return {short: tuple(words) for short, words in found.items()}


def meanings(word: str) -> tuple[str, ...]:
    """What a word may stand for, itself where it is no abbreviation."""
    return _meanings().get(word, (word,))


def telling(words: Iterable[str]) -> list[str]:
    """Without little words."""
    words = list(words)
    return [word for word in words if word not in LITTLE] or words


def spelled_out(words: Iterable[str]) -> list[str]:
    """Without little words, abbreviations written out in the likeliest way."""
    return [meanings(word)[0] for word in telling(words)]


@lru_cache(maxsize=50_000)
def other_names(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The names in 'Foo dba Bar': each of the two, besides the whole."""
    if _MARKS.isdisjoint(words):
        return []
    for marker in sorted(OTHERWISE, key=len, reverse=True):
        for place in range(1, len(words) - len(marker)):
            if tuple(words[place : place + len(marker)]) == marker:
                return [tuple(words[:place]), tuple(words[place + len(marker) :])]
    return []


@lru_cache(maxsize=50_000)
def likeness(one: tuple[str, ...], other: tuple[str, ...]) -> Likeness:
    """Of the words of two names that are not equal. Symmetric."""
    if other < one:
        one, other = other, one
    if numbers(one) != numbers(other):
        return Likeness(0.3, reason="The numbers in the names differ.")
    a, b = telling(one), telling(other)
    if a == b:
        return Likeness(0.98, close=True, reason="The names differ only in little words like 'and'.")
    if sorted(a) == sorted(b):
        return Likeness(0.97, close=True, reason="The names have the same words in another order.")
    if "".join(a) == "".join(b):
        return Likeness(0.96, close=True, reason="The names differ only in what is written together.")
    if sorted(map(folded, a)) == sorted(map(folded, b)) or _joined(a) == _joined(b):
        return Likeness(0.95, close=True, reason="The names differ only in spelling.")
    if _initials(one, other) or _initials(other, one):
        return Likeness(0.8, close=True, reason="One name is the initials of the other.")
    return _by_words(a, b)


def _joined(words: Iterable[str]) -> str:
    return folded("".join(map(folded, words)))


def numbers(words: Iterable[str]) -> Counter[str]:
    """Digits wherever they stand, and Roman numbers as words of their own."""
    words = list(words)
    return Counter([number for word in words for number in _DIGITS.findall(word)] + [w for w in words if w in ROMAN])


def _initials(short: Sequence[str], long: Sequence[str]) -> bool:
    if len(short) != 1 or len(long) < 3 or not 3 <= len(short[0]) <= 6:
        return False
    return short[0] in ("".join(word[0] for word in long), "".join(word[0] for word in telling(long)))


def _by_words(a: list[str], b: list[str]) -> Likeness:
    left, right = _without_common(a, b)
    mistyped = shortened = 0
    common = len(a) - len(left)
    for word in list(left):
        short = next((one for one in right if shortened_for(word, one)), None)
        found = short or next((one for one in right if mistyped_for(word, one)), None)
        if found is None:
            continue
        shortened += short is not None
        mistyped += short is None
        left.remove(word)
        right.remove(found)
    ratio = OSA.normalized_similarity(" ".join(sorted(a)), " ".join(sorted(b)))
    if not left and not right:
        # Where no word is certain, one error is the most
        if mistyped <= max(common, 1) and (common or not shortened):
            reason = "One name is abbreviated." if not mistyped else "The names differ by what may be a typing error."
            return Likeness(max(0.85, ratio), close=True, reason=reason)
        return Likeness(ratio)
    if len(a) != len(b) and _joined_error(a, b):
        return Likeness(max(0.85, ratio), close=True, reason="The names differ by what may be a typing error.")
    if not (left and right) and common and not SISTERS & {*left, *right}:
        return Likeness(ratio, contained=True, reason="One name is a part of the other.")
    return Likeness(ratio)


def _without_common(a: Sequence[str], b: Sequence[str]) -> tuple[list[str], list[str]]:
    left, right = list(a), list(b)
    for word in a:
        found = next((one for one in right if folded(one) == folded(word)), None)
        if found is not None:
            left.remove(word)
            right.remove(found)
    return left, right


def mistyped_for(one: str, other: str) -> bool:
    """Few enough errors for the length, and not another word that exists ('north' and 'south')."""
    if {one, other} <= NEVER_MISTYPED or one.isdigit() or other.isdigit():
        return False
    longer = max(len(one), len(other))
    if longer < 5 or (one[0] != other[0] and longer < 9):
        return False
    allowed = 1 if longer < 9 else 2
    return bool(OSA.distance(one, other, score_cutoff=allowed) <= allowed)


def shortened_for(one: str, other: str) -> bool:
    if set(meanings(one)) & set(meanings(other)):
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < 3 or len(long) < len(short) + 3 or long[0] != short[0]:
        return False
    if long.startswith(short):
        return True
    if VOWEL.search(short) or short[-1] != long[-1]:
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)


def _joined_error(a: Sequence[str], b: Sequence[str]) -> bool:
    one, other = _joined(a), _joined(b)
    allowed = 0 if min(len(one), len(other)) < 10 else 1
    return bool(one[0] == other[0] and OSA.distance(one, other, score_cutoff=allowed) <= allowed)
