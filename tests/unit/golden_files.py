"""Golden files: a source row, what it is mapped with, and the document, error or rule that must come out.

Write a new file without ``expected`` and run with ``UPDATE_GOLDEN=1`` to have it filled in; then read it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from connections.connectors.base import Row
from connections.errors import DependencyMissing, MappingError
from syncs.engine.flow import FlowDefinition, Held, MapContext, Skip, Target, encode

FOLDER = Path(__file__).parent / "golden"
Case = dict[str, Any]


class GoldenFiles:
    """The files of some flows of an integration.

    ``keyed``: places in documents ("invoices.lines") where names are keys of records. ``optional``: places that may be
    empty altogether.
    """

    def __init__(
        self,
        integration: str,
        flows: Iterable[FlowDefinition],
        *,
        keyed: Collection[str] = (),
        optional: Collection[str] = (),
    ) -> None:
        self.flows = {flow.key: flow for flow in flows}
        self.keyed, self.optional = keyed, optional
        every = sorted((FOLDER / integration).glob("*.json"))
        self.files = [path for path in every if load(path)["flow"] in self.flows]

    def check(self, path: Path) -> None:
        case = load(path)
        found = json.loads(encode(self.outcome(case)))
        if os.environ.get("UPDATE_GOLDEN") and "expected" not in case:
            text = json.loads(path.read_text()) | {"expected": found}
            path.write_text(json.dumps(text, indent=2, ensure_ascii=False) + "\n")
        assert found == case.get("expected")

    def outcome(self, case: Case) -> Case:
        flow = self.flows[case["flow"]]
        row = Row(case["key"], "", case["row"])
        summary = flow.summary(row)
        found: Case = {"title": summary.title, "match_key": summary.match_key}
        try:
            mapped = flow.map(row, context_of(flow, case))
        except Skip as skip:
            return found | {"rule": skip.rule}
        except DependencyMissing as missing:
            return found | {"waits_for": list(missing.waits_for), "code": missing.code, "text": missing.text}
        except (Held, MappingError) as error:
            return found | {"code": error.code, "text": error.text}
        touches = {"touches": [list(reference) for reference in mapped.touches]} if mapped.touches else {}
        return found | {"document": mapped.document} | touches

    def unfilled(self) -> set[str]:
        """Places in documents that are empty in every file."""
        fields: set[str] = set()
        filled: set[str] = set()

        def visit(name: str, value: Any) -> None:
            if isinstance(value, dict):
                for key, inner in value.items():
                    visit(f"{name}.{'*' if name in self.keyed else key}", inner)
                return
            if isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
                for inner in value:
                    visit(name, inner)
                return
            if name not in self.optional:
                fields.add(name)
            if value not in ("", None):
                filled.add(name)

        for path in self.files:
            case = load(path)
            visit(case["flow"], case["expected"].get("document", {}))
        return fields - filled


def load(path: Path) -> Case:
    case: Case = json.loads(path.read_text(), parse_float=Decimal)
    return case


def context_of(flow: FlowDefinition, case: Case) -> MapContext:
    options = {option.name: option.default for option in flow.options} | case.get("options", {})
    targets = {
        (kind, key): Target(target["id"], target.get("status", "synced"), target.get("ids", {}))
        for kind, group in case.get("targets", {}).items()
        for key, target in group.items()
    }
    since = datetime.fromisoformat(case["since"]) if "since" in case else None
    confirmed = case.get("confirmed", False)
    return MapContext(options, case.get("capabilities", {}), targets, since=since, confirmed=confirmed)
