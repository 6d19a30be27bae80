"""The two grammars of the ``q`` parameter, parsed into one small tree.

Version 1: ``expr;expr``, where ``;`` means AND, the attribute may be left out after ``and`` (``Num>=10 and <= 30``),
values are quoted or bare and ``*`` is a wildcard. Version 2 and later: row-match expressions with ``and``, ``or``,
parentheses, strings in single quotes and ``LIKE`` with ``*``. Source: docs.oracle.com, Set the REST Framework
Version. BETWEEN, IN, IS NULL, ``<>``, UPPER() and the doubled quote are not confirmed for every pod, so each can be
refused.

The parser knows neither attributes nor types: that is the compiler's part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FEATURES = frozenset({"or", "in", "between", "null", "not_equal", "upper", "doubled_quote", "like", "child"})
COMPARISONS = frozenset({"=", "<>", "!=", ">", ">=", "<", "<="})
_KEYWORDS = frozenset({"and", "or", "in", "between", "is", "like", "not", "null", "upper"})
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*')
      | (?P<double>"[^"]*")
      | (?P<operator>>=|<=|<>|!=|=|>|<)
      | (?P<mark>[();,])
      | (?P<word>[^\s'"()<>=!,;]+)
    )""",
    re.VERBOSE,
)


class QError(ValueError):
    """The text is no expression of the grammar in force; the message says where."""


@dataclass(frozen=True)
class Literal:
    """A value as written; ``quoted`` tells a string from a bare word."""

    text: str
    quoted: bool


@dataclass(frozen=True)
class Comparison:
    """``attribute operator values``; operators are those of COMPARISONS, like, in, between, null and not null."""

    attribute: str
    operator: str
    values: tuple[Literal, ...] = ()
    upper: bool = False


@dataclass(frozen=True)
class Junction:
    kind: str  # "and" or "or"
    terms: tuple[Expression, ...]


Expression = Comparison | Junction


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str

    @property
    def keyword(self) -> str:
        lowered = self.text.lower()
        return lowered if self.kind == "word" and lowered in _KEYWORDS else ""


@dataclass(frozen=True)
class Query:
    """A parsed ``q``. ``lenient``: written in the version 1 style, so bare values may stand for strings."""

    expression: Expression
    lenient: bool


def parse(text: str, version: int = 4, refused: frozenset[str] = frozenset(), strict: bool = False) -> Query:
    """Parse ``q`` as framework version ``version`` does.

    ``refused``: features of FEATURES this pod does not take. ``strict``: no version 1 form from version 2 on, and no
    row-match expression below; without it both styles are accepted everywhere, as on live pods. Raises :class:`QError`.
    """
    tokens = _tokens(text)
    lenient = version < 2 or any(token.text == ";" and token.kind == "mark" for token in tokens)
    if strict and version >= 2 and lenient:
        raise QError("';' is not part of a row-match expression")
    if strict and version < 2 and any(token.text in ("(", ")") or token.keyword == "or" for token in tokens):
        raise QError("a row-match expression needs REST-Framework-Version 2 or later")
    return Query(_Parser(tokens, lenient, refused).parse(), lenient)


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise QError(f"unexpected character at position {position + 1}")
        tokens.append(_Token(match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
    if not tokens:
        raise QError("the expression is empty")
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token], lenient: bool, refused: frozenset[str]) -> None:
        self.tokens = tokens
        self.lenient = lenient
        self.refused = refused
        self.position = 0
        self.attribute = ""

    def parse(self) -> Expression:
        terms = [self._any()]
        while self._take_mark(";"):
            if self._peek() is None:
                break
            self.attribute = ""
            terms.append(self._any())
        left = self._peek()
        if left is not None:
            raise QError(f"unexpected {left.text!r}")
        return _junction("and", terms)

    def _any(self) -> Expression:
        terms = [self._all()]
        while self._take_keyword("or"):
            self._need("or")
            terms.append(self._all())
        return _junction("or", terms)

    def _all(self) -> Expression:
        terms = [self._term()]
        while self._take_keyword("and"):
            terms.append(self._term())
        return _junction("and", terms)

    def _term(self) -> Expression:
        if self._take_mark("("):
            inner = self._any()
            if not self._take_mark(")"):
                raise QError("a closing parenthesis is missing")
            return inner
        upper = self._operand()
        return self._comparison(upper)

    def _operand(self) -> bool:
        """Read the attribute, or keep the last one where version 1 leaves it out; whether it stands in UPPER()."""
        token = self._peek()
        if token is None:
            raise QError("the expression ends too early")
        if token.kind == "operator" and self.lenient and self.attribute:
            return False
        if token.keyword == "upper" and self._peek(1) == _Token("mark", "("):
            self._need("upper")
            self.position += 2
            self.attribute = self._word()
            if not self._take_mark(")"):
                raise QError("UPPER( is not closed")
            return True
        self.attribute = self._word()
        return False

    def _comparison(self, upper: bool) -> Comparison:
        token = self._next()
        if token.kind == "operator":
            if token.text in ("<>", "!="):
                self._need("not_equal")
            return self._compare(token.text, upper)
        if token.keyword == "like":
            self._need("like")
            return Comparison(self.attribute, "like", (self._value(),), upper)
        if token.keyword == "in":
            self._need("in")
            return Comparison(self.attribute, "in", self._list(), upper)
        if token.keyword == "between":
            self._need("between")
            low = self._value()
            if not self._take_keyword("and"):
                raise QError("BETWEEN needs two values joined by AND")
            return Comparison(self.attribute, "between", (low, self._value()), upper)
        if token.keyword == "is":
            self._need("null")
            negated = self._take_keyword("not")
            if not self._take_keyword("null"):
                raise QError("IS needs NULL or NOT NULL")
            return Comparison(self.attribute, "not null" if negated else "null")
        raise QError(f"an operator is missing before {token.text!r}")

    def _compare(self, operator: str, upper: bool) -> Comparison:
        value = self._value()
        if self.lenient and "*" in value.text and operator == "=":
            self._need("like")
            operator = "like"
        return Comparison(self.attribute, "<>" if operator == "!=" else operator, (value,), upper)

    def _list(self) -> tuple[Literal, ...]:
        if not self._take_mark("("):
            raise QError("IN needs a list in parentheses")
        values = [self._value()]
        while self._take_mark(","):
            values.append(self._value())
        if not self._take_mark(")"):
            raise QError("the list of IN is not closed")
        return tuple(values)

    def _value(self) -> Literal:
        token = self._next()
        if token.keyword == "upper" and self._take_mark("("):
            self._need("upper")
            inner = self._value()
            if not self._take_mark(")"):
                raise QError("UPPER( is not closed")
            return Literal(inner.text.upper(), inner.quoted)
        if token.kind == "string":
            text = token.text[1:-1]
            if "''" in text:
                self._need("doubled_quote")
            return Literal(text.replace("''", "'"), True)
        if token.kind == "double" and self.lenient:
            return Literal(token.text[1:-1], True)
        if token.kind == "word" and not token.keyword:
            return Literal(self._bare(token.text), False)
        raise QError(f"a value is missing before {token.text!r}")

    def _bare(self, text: str) -> str:
        """A bare value; in the version 1 style it may hold blanks."""
        words = [text]
        while self.lenient:
            token = self._peek()
            if token is None or token.kind != "word" or token.keyword:
                break
            words.append(token.text)
            self.position += 1
        return " ".join(words)

    def _word(self) -> str:
        token = self._next()
        if token.kind != "word" or token.keyword:
            raise QError(f"an attribute is missing before {token.text!r}")
        return token.text

    def _peek(self, ahead: int = 0) -> _Token | None:
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def _next(self) -> _Token:
        token = self._peek()
        if token is None:
            raise QError("the expression ends too early")
        self.position += 1
        return token

    def _take_mark(self, mark: str) -> bool:
        token = self._peek()
        taken = token is not None and token.kind == "mark" and token.text == mark
        self.position += taken
        return taken

    def _take_keyword(self, keyword: str) -> bool:
        token = self._peek()
        taken = token is not None and token.keyword == keyword
        self.position += taken
        return taken

    def _need(self, feature: str) -> None:
        if feature in self.refused:
            raise QError(f"{feature.replace('_', ' ')} is not supported here")


def _junction(kind: str, terms: list[Expression]) -> Expression:
    if len(terms) == 1:
        return terms[0]
    flat: list[Expression] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Junction) and term.kind == kind else (term,))
    return Junction(kind, tuple(flat))
