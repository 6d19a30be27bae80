"""A choice among hundreds, written at once: Django's own widget renders a template for each option."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class LongSelect(forms.Select):
    """Plain options, without groups."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        chosen = {True: " selected", False: ""}
        options = format_html_join(
            "", '<option value="{}"{}>{}</option>', ((key, chosen[key == value], label) for key, label in self.choices)
        )
        return format_html(
            "<select{}>{}</select>", flatatt(self.build_attrs(self.attrs, {"name": name, **(attrs or {})})), options
        )
