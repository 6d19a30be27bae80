"""Form fields as Django's own templates make them, but without a template for each of a hundred options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

Widget = Mapping[str, Any]
_INPUTS = ("checkbox", "date", "datetime", "email", "hidden", "input", "number", "password", "text", "time", "url")


class Renderer(DjangoTemplates):
    """Selects and inputs are written directly; everything else comes from the templates."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        written = _WRITERS.get(template_name)
        if written is None:
            return super().render(template_name, context, request)
        return SafeString("".join(written(context["widget"])).strip())


def _input(widget: Widget) -> Iterator[str]:
    yield f'<input type="{conditional_escape(widget["type"])}" name="{conditional_escape(widget["name"])}"'
    if widget["value"] is not None:
        yield f' value="{conditional_escape(widget["value"])}"'
    yield f"{_attributes(widget)}>"


def _select(widget: Widget) -> Iterator[str]:
    yield f'<select name="{conditional_escape(widget["name"])}"{_attributes(widget)}>'
    for name, options, _ in widget["optgroups"]:
        if name:
            yield f'\n  <optgroup label="{conditional_escape(name)}">'
        for one in options:
            value, label = conditional_escape(one["value"]), conditional_escape(one["label"])
            yield f'\n  <option value="{value}"{_attributes(one)}>{label}</option>\n'
        if name:
            yield "\n  </optgroup>"
    yield "\n</select>"


def _attributes(widget: Widget) -> str:
    return "".join(_attribute(name, value) for name, value in widget["attrs"].items() if value is not False)


def _attribute(name: str, value: Any) -> str:
    said = f" {conditional_escape(name)}"
    return said if value is True else f'{said}="{conditional_escape(value)}"'


_WRITERS: dict[str, Callable[[Widget], Iterator[str]]] = {
    "django/forms/widgets/select.html": _select,
    **{f"django/forms/widgets/{kind}.html": _input for kind in _INPUTS},
}
