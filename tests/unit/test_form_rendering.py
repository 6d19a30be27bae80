"""Fields written directly are what Django's templates would have made of them, letter by letter."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe

from mlconnector.form_rendering import Renderer

CHOICES = [
    ("", "Any"),
    (1, "One & <only>"),
    ("Named", [("a'b", 'Quoted "so"'), (2, mark_safe("<b>safe</b>"))]),
    (None, 7),
]
WIDGETS: list[tuple[forms.Widget, Any]] = [
    (forms.Select(choices=CHOICES), 1),
    (forms.Select(choices=CHOICES, attrs={"required": True, "disabled": False, "data-x": 'a"<'}), "a'b"),
    (forms.Select(), None),
    (forms.SelectMultiple(choices=CHOICES), ["1", "2"]),
    (forms.NullBooleanSelect(), True),
    (forms.TextInput(attrs={"maxlength": 120, "placeholder": "<&>"}), 'O\'Neil & "sons" <x>'),
    (forms.TextInput(), ""),
    (forms.NumberInput(attrs={"min": 1}), 1234567),
    (forms.EmailInput(), "a@b.example"),
    (forms.URLInput(), None),
    (forms.PasswordInput(), "never shown"),
    (forms.PasswordInput(render_value=True), "shown"),
    (forms.HiddenInput(), 5),
    (forms.DateInput(format="%Y-%m-%d"), date(2026, 2, 1)),
    (forms.CheckboxInput(), True),
    (forms.CheckboxInput(attrs={"class": "action-select"}), False),
    (forms.CheckboxInput(check_test=lambda _: False), "17"),
    (forms.RadioSelect(choices=CHOICES), 1),
    (forms.Textarea(), "<text>"),
]


@pytest.mark.parametrize(("widget", "value"), WIDGETS)
def test_as_the_templates_do(widget: forms.Widget, value: Any) -> None:
    def rendered(renderer: Any) -> str:
        return widget.render("na<me", value, attrs={"id": "id_name"}, renderer=renderer)

    assert rendered(Renderer()) == rendered(DjangoTemplates())
    assert hasattr(rendered(Renderer()), "__html__")
