"""One call after routing, and the small readers every handler shares."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connections.sandbox.http import Request, Response

from .errors import Refusal, not_found
from .org import Org
from .schema import SObject


@dataclass(slots=True)
class Call:
    """A routed request. ``version`` is the text in the path, ``parts`` what else stands there."""

    org: Org
    request: Request
    version: str
    parts: dict[str, str] = field(default_factory=dict)
    owner: object = field(default_factory=object)

    @property
    def number(self) -> float:
        return float(self.version)

    @property
    def base(self) -> str:
        return f"/services/data/v{self.version}"

    @property
    def allow_save(self) -> bool:
        """The duplicate rule header, known from version 52 on."""
        text = str(self.request.headers.get("sforce-duplicate-rule-header", "")).replace(" ", "").lower()
        return self.number >= 52 and "allowsave=true" in text

    def url(self, object_name: str, key: str) -> str:
        return f"{self.base}/sobjects/{object_name}/{key}"

    def body(self) -> dict[str, Any]:
        """The JSON object sent. Raises :class:`Refusal`."""
        try:
            found = json.loads(self.request.body)
        except ValueError:
            raise Refusal(
                400, "JSON_PARSER_ERROR", "Unexpected character or end of input at [line:1, column:1]"
            ) from None
        if not isinstance(found, dict):
            raise Refusal(400, "JSON_PARSER_ERROR", "The HTTP entity body is required to be an object")
        return found

    def flag(self, name: str, default: str = "false") -> bool:
        return (self.request.param(name, default) or "").lower() == "true"

    def sobject(self, part: str = "object") -> SObject:
        """The object in the path, or 404 where it is unknown or not granted."""
        found = self.org.visible().get(self.parts[part].lower())
        if found is None:
            raise not_found()
        return found


Handler = Callable[[Call], Response]


def truth(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
