"""The rows of a mapping as a form: as many as there are, and two empty ones. Works without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from mlconnector.pages import number
from syncs.engine.expressions import LONGEST
from syncs.mapping import pages as mapping_pages
from syncs.mapping.mappings import LONGEST_CONSTANT, MOST_FIELDS, RowErrors
from syncs.mapping.schemas import Sample
from syncs.models import Flow

EMPTY_ROWS = 2
NAMES = {"to": "to", "in": "place", "from": "source", "value": "value"}
"""What overrides call a thing, and what the form does."""


class OwnFieldForm(forms.Form):
    """One field of one's own. ``example`` and ``problem``: what it gives for the example record."""

    example: Any = None
    problem = ""

    place = forms.ChoiceField(label="Of which record", required=False)
    to = forms.CharField(label="Field to fill", required=False, max_length=120)
    source = forms.CharField(label="Comes from", required=False, max_length=LONGEST)
    value = forms.CharField(label="Or is always", required=False, max_length=LONGEST_CONSTANT)
    remove = forms.BooleanField(label="Take this row out", required=False)

    def __init__(self, *args: Any, places: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = list(places.items())  # type: ignore[attr-defined]
        if len(places) < 2:
            del self.fields["place"]
        for name in ("to", "source"):
            self.fields[name].widget.attrs.update(autocomplete="off", spellcheck="false", autocapitalize="off")
        self.fields["source"].widget.attrs["list"] = "sources"
        self.fields["to"].widget.attrs["list"] = "targets"

    @property
    def row(self) -> dict[str, Any]:
        """As overrides say it; empty for a row that nobody filled in, or that is taken out."""
        given = {name: self[field].value() for name, field in NAMES.items() if field in self.fields}
        said = {name: str(value).strip() for name, value in given.items() if value not in (None, "")}
        return said if said.keys() - {"in"} and not self["remove"].value() else {}


class OwnFieldForms:
    """All rows. ``of`` shows what is stored, the constructor what was sent."""

    def __init__(self, sent: QueryDict | None = None, *, flow: Flow, rows: list[dict[str, Any]] | None = None) -> None:
        places = mapping_pages.labels_of(flow)
        self._stored = rows or []
        self.error = ""
        if sent is not None:
            count = min(number(sent.get("rows")) or 0, MOST_FIELDS + EMPTY_ROWS)
            self.forms = [OwnFieldForm(sent, places=places, prefix=f"field{place}") for place in range(count)]
        else:
            initial = [*(_initial(row) for row in self._stored), *({} for _ in range(EMPTY_ROWS))]
            self.forms = [
                OwnFieldForm(initial=each, places=places, prefix=f"field{place}") for place, each in enumerate(initial)
            ]

    @classmethod
    def of(cls, flow: Flow, overrides: Mapping[str, Any]) -> OwnFieldForms:
        return cls(flow=flow, rows=list(overrides.get("fields", ())))

    def overrides(self) -> dict[str, Any]:
        return {"fields": [form.row for form in self.forms if form.row]}

    def refuse(self, error: ValidationError) -> None:
        """Shows what is wrong at its row; at the top what is about all of them."""
        if not isinstance(error, RowErrors):
            self.error = " ".join(error.messages)
            return
        self.error = "Something is to be corrected below. Nothing was saved yet."
        filled = [form for form in self.forms if form.row]
        for place, texts in error.rows.items():
            for name, text in texts.items():
                filled[place].add_error(NAMES[name], text)

    def show_examples(self, sample: Sample) -> None:
        """By the rows as they are stored, which know the types of their fields; as they are sent otherwise."""
        for place, form in enumerate(self.forms):
            row = self._stored[place] if place < len(self._stored) else form.row
            if ("from" in row) != ("value" in row) and not form.errors:
                form.example, form.problem = mapping_pages.example_of(row, sample)


def _initial(row: Mapping[str, Any]) -> dict[str, Any]:
    return {field: row[name] for name, field in NAMES.items() if name in row}
