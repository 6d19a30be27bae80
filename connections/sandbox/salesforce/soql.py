"""SOQL: text to a tree (source: SOQL and SOSL reference, v66)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .errors import Refusal
from .values import parse_date, parse_datetime

MAX_LENGTH = 100_000
MAX_OFFSET = 2_000
_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<time>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2}))"
    r"|(?P<date>\d{4}-\d{2}-\d{2})"
    r"|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.\w+)*(?::\d+)?)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),]))",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
RANGES = frozenset({
    "YESTERDAY", "TODAY", "TOMORROW", "LAST_WEEK", "THIS_WEEK", "NEXT_WEEK", "LAST_MONTH", "THIS_MONTH",
    "NEXT_MONTH", "LAST_90_DAYS", "NEXT_90_DAYS", "LAST_YEAR", "THIS_YEAR", "NEXT_YEAR",
})  # fmt: skip
_KEYWORDS = frozenset({
    "FROM", "WHERE", "ORDER", "LIMIT", "OFFSET", "AND", "OR", "NOT", "IN", "LIKE", "ASC", "DESC", "NULLS",
    "GROUP", "HAVING", "FOR", "WITH",
})  # fmt: skip
OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Literal:
    """A value; ``kind`` is string, number, bool, null, date, datetime or range. ``pattern``: its form for LIKE."""

    kind: str
    value: Any
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A field path as written, and where."""

    text: str
    at: int


@dataclass(slots=True)
class Condition:
    path: Name
    operator: str
    values: list[Literal]


@dataclass(slots=True)
class Group:
    """``AND``, ``OR`` or ``NOT`` over its parts."""

    operator: str
    parts: list[Any]


@dataclass(slots=True)
class Query:
    text: str
    fields: list[Any] = field(default_factory=list)  # Name or Query
    count: bool = False
    source: Name = field(default_factory=lambda: Name("", 0))
    where: Any = None
    order: list[tuple[Name, bool, bool]] = field(default_factory=list)  # path, descending, nulls last
    limit: int | None = None
    offset: int = 0


def malformed(message: str) -> Refusal:
    return Refusal(400, "MALFORMED_QUERY", message)


def located(text: str, at: int, message: str) -> str:
    """An error text with the place, as the vendor words it."""
    start = max(0, at - 30)
    snippet = text[start : at + 30].replace("\n", " ")
    return f"\n{snippet}\n{' ' * (at - start)}^\nERROR at Row:1:Column:{at + 1}\n{message}"


@dataclass(slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found, position = [], 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if not match or match.lastgroup is None:
            raise malformed(located(text, position, f"unexpected token: '{text[position : position + 10].strip()}'"))
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return [*found, _Token("end", "<EOF>", end)]


def _unescape(text: str) -> tuple[str, str]:
    r"""Value and LIKE pattern of a string: ``\_`` and ``\%`` stay escaped in the pattern only."""
    value, pattern, rest = [], [], iter(text[1:-1])
    for character in rest:
        plain, kept = character, character
        if character == "\\":
            escape = next(rest)
            if escape == "u":
                digits = "".join(next(rest, "") for _ in range(4))
                if not re.fullmatch(r"[0-9a-fA-F]{4}", digits):
                    raise malformed(f"Illegal unicode sequence '\\u{digits}'")
                plain = kept = chr(int(digits, 16))
            elif escape in "_%":
                plain, kept = escape, "\\" + escape
            elif escape in _ESCAPES:
                plain = kept = _ESCAPES[escape]
            else:
                raise malformed(f"Invalid string literal '{text}'. Illegal character sequence '\\{escape}'")
            kept = "\\\\" if kept == "\\" else kept
        value.append(plain)
        pattern.append(kept)
    return "".join(value), "".join(pattern)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.position = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.position]

    def fail(self) -> Refusal:
        return malformed(located(self.text, self.token.at, f"unexpected token: '{self.token.text}'"))

    def next(self) -> _Token:
        token = self.token
        self.position += 1
        return token

    def keyword(self, *words: str) -> bool:
        """Step over the words if they come next."""
        ahead = self.tokens[self.position : self.position + len(words)]
        if len(ahead) < len(words) or any(t.text.upper() != w for t, w in zip(ahead, words, strict=True)):
            return False
        self.position += len(words)
        return True

    def expect(self, word: str) -> None:
        if not self.keyword(word):
            raise self.fail()

    def name(self) -> Name:
        token = self.token
        if token.kind != "name" or token.text.upper() in _KEYWORDS or ":" in token.text:
            raise self.fail()
        self.position += 1
        return Name(token.text, token.at)

    def integer(self) -> int:
        if self.token.kind != "number" or not self.token.text.isdigit():
            raise self.fail()
        return int(self.next().text)

    def query(self, *, nested: bool) -> Query:
        query = Query(self.text)
        self.expect("SELECT")
        if not nested and self.keyword("COUNT", "(", ")"):
            query.count = True
        else:
            query.fields = self.fields(nested=nested)
        self.expect("FROM")
        query.source = self.name()
        if self.keyword("WHERE"):
            query.where = self.condition()
        if self.keyword("ORDER", "BY"):
            query.order = self.order()
        if self.keyword("LIMIT"):
            query.limit = self.integer()
        if self.keyword("OFFSET"):
            query.offset = self.integer()
        return query

    def fields(self, *, nested: bool) -> list[Any]:
        found: list[Any] = []
        while True:
            if self.token.text == "(" and not nested:
                self.next()
                found.append(self.query(nested=True))
                self.expect(")")
            else:
                found.append(self.name())
            if not self.keyword(","):
                return found

    def order(self) -> list[tuple[Name, bool, bool]]:
        found = []
        while True:
            name = self.name()
            descending = self.keyword("DESC")
            if not descending:
                self.keyword("ASC")
            last = False
            if self.keyword("NULLS"):
                last = self.keyword("LAST")
                if not last:
                    self.expect("FIRST")
            found.append((name, descending, last))
            if not self.keyword(","):
                return found

    def condition(self) -> Any:
        """Conditions joined by one of AND and OR; both on one level need parentheses (source: SOQL reference)."""
        parts = [self.term()]
        operator = ""
        while self.token.text.upper() in ("AND", "OR"):
            word = self.token.text.upper()
            if operator and word != operator:
                raise self.fail()
            operator = word
            self.next()
            parts.append(self.term())
        return Group(operator, parts) if operator else parts[0]

    def term(self) -> Any:
        if self.keyword("NOT"):
            return Group("NOT", [self.term()])
        if self.keyword("("):
            inner = self.condition()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        path = self.name()
        if self.keyword("NOT", "IN"):
            return Condition(path, "NOT IN", self.literals())
        word = self.token.text.upper()
        if word in ("IN", "INCLUDES", "EXCLUDES"):
            self.next()
            return Condition(path, word, self.literals())
        operator = "!=" if word == "<>" else word
        if operator not in OPERATORS and operator != "LIKE":
            raise self.fail()
        self.next()
        return Condition(path, operator, [self.literal()])

    def literals(self) -> list[Literal]:
        self.expect("(")
        found = [self.literal()]
        while self.keyword(","):
            found.append(self.literal())
        self.expect(")")
        return found

    def literal(self) -> Literal:
        token = self.token
        upper = token.text.upper()
        if token.kind == "string":
            found = Literal("string", *_unescape(token.text))
        elif token.kind == "time" and (moment := parse_datetime(token.text[:19] + _zone(token.text))):
            found = Literal("datetime", moment)
        elif token.kind == "date" and (day := parse_date(token.text)):
            found = Literal("date", day)
        elif token.kind == "number":
            found = Literal("number", float(token.text))
        elif upper in ("TRUE", "FALSE"):
            found = Literal("bool", upper == "TRUE")
        elif upper == "NULL":
            found = Literal("null", None)
        elif upper in RANGES or re.fullmatch(r"(LAST|NEXT)_N_DAYS:\d+", upper):
            found = Literal("range", upper)
        else:
            raise self.fail()
        self.next()
        return found


def _zone(text: str) -> str:
    found = re.search(r"(Z|[+-]\d{2}:?\d{2})$", text)
    return found[1] if found else "Z"


def parse(text: str) -> Query:
    """The tree of a query. Raises :class:`Refusal`."""
    if len(text) > MAX_LENGTH:
        raise malformed("SOQL statement exceeds maximum length of 100000 characters")
    parser = _Parser(text)
    query = parser.query(nested=False)
    if parser.token.kind != "end":
        raise parser.fail()
    if query.offset > MAX_OFFSET:
        raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
    return query
