"""How values look on pages: instants in the tenant's zone, money with its currency, statuses with a sign and a word."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.forms import BoundField
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from iso4217 import Currency

from mlconnector.times import zone_called

register = template.Library()

TONES = {
    "good": {
        "succeeded",
        "synced",
        "healthy",
        "ok",
        "created",
        "updated",
        "done",
        "confirmed",
        "decided",
        "on",
        "ready",
        "approved",
        "agrees",
    },
    "busy": {"running", "queued"},
    "wait": {"waiting", "untested", "warning", "partial", "held", "issues", "differs"},
    "bad": {"failed", "rejected", "broken", "failing", "stuck"},
}
WORDS = {
    "ok": "Passed",
    "warning": "Note",
    "untested": "Not tested yet",
    "broken": "Needs attention",
    "held": "Held",
    "on": "On",
    "off": "Off",
    "issues": "Records need attention",
    "failing": "Last run failed",
    "stuck": "Part of it stands still",
}
SIGNS = {"good": "✓", "busy": "●", "wait": "!", "bad": "✕", "quiet": "–"}
ACRONYMS = {"id": "ID", "ids": "IDs", "zip": "postcode", "url": "URL", "erp": "ERP", "vat": "VAT", "sku": "SKU"}
COMPOUNDS = {"firstname": "first name", "lastname": "last name", "jobtitle": "job title", "mobilephone": "mobile phone"}
MINUS = "−"


def zone_of(context: Any) -> ZoneInfo:
    tenant = context.get("tenant")
    return zone_called(tenant.time_zone if tenant else "UTC")


@register.simple_tag(takes_context=True)
def when(context: Any, instant: datetime | str | None, empty: str = "–", *, inline: bool = False) -> SafeString | str:
    """An instant as people say it, in the tenant's zone; the exact one on hover. A text that is no instant stays.

    ``inline``: within a sentence, where 'today' begins small.
    """
    if isinstance(instant, str):
        parsed = parse_datetime(instant)
        if parsed is None or parsed.tzinfo is None:
            return instant or empty
        instant = parsed
    if instant is None:
        return empty
    local = instant.astimezone(zone_of(context))
    exact = f"{local:%A %d %B %Y, %H:%M:%S} {local.tzname()} ({instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ})"
    return format_html('<time datetime="{}" title="{}">{}</time>', instant.isoformat(), exact, _said(local, inline))


def _said(local: datetime, inline: bool) -> str:
    now = timezone.now().astimezone(local.tzinfo)
    days = (local.date() - now.date()).days
    day = {0: "Today", -1: "Yesterday", 1: "Tomorrow"}.get(days)
    if day:
        return f"{day.lower() if inline else day} {local:%H:%M}"
    year = "" if local.year == now.year else f" {local.year}"
    return f"{local.day} {local:%b}{year}, {local:%H:%M}"


@register.filter
def duration(seconds: float | timedelta | None) -> str:
    """'2 min 5 s'; empty for what is not known."""
    if seconds is None:
        return ""
    whole = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    if not whole:
        return "under 1 s"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@register.filter
def every(minutes: int) -> str:
    """A cadence in words."""
    if minutes == 1440:
        return "once a day"
    if minutes % 60 == 0:
        return "every hour" if minutes == 60 else f"every {minutes // 60} hours"
    return "every minute" if minutes == 1 else f"every {minutes} minutes"


@lru_cache(maxsize=400)
def places(currency: str) -> int:
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        return 2
    return 2 if exponent is None else exponent


@register.filter
def money(amount: Decimal | None, currency: str) -> str:
    """'1,234.50 EUR' with the currency's own minor units; more only where the amount has them."""
    if amount is None:
        return "–"
    exponent = amount.normalize().as_tuple().exponent
    needed = max(places(currency), -exponent if isinstance(exponent, int) else 0)
    text = f"{abs(amount):,.{needed}f}"
    return f"{MINUS if amount < 0 else ''}{text} {currency}".strip()


@register.filter
def tone(status: str) -> str:
    return next((name for name, statuses in TONES.items() if status in statuses), "quiet")


@register.simple_tag
def chip(status: str, word: str = "") -> SafeString:
    """A status: never by colour alone."""
    of = tone(status)
    said = word or WORDS.get(status) or status.replace("_", " ").capitalize()
    return format_html(
        '<span class="chip {}"><span class="sign" aria-hidden="true">{}</span>{}</span>', of, SIGNS[of], said
    )


@register.filter
def actor(name: str) -> str:
    """Who did it, for people: 'user:ann@example.com' is Ann's address."""
    kind, _, rest = name.partition(":")
    if kind in ("user", "member") and rest:
        return rest
    if kind in ("program", "key") and rest:
        return f"Program {rest}"
    if kind == "operator" and rest:
        return f"Operator {rest}"
    return {"worker": "ml-connector", "schedule": "The schedule", "": "–"}.get(name, name)


@register.filter
@lru_cache(maxsize=4000)
def words(name: str) -> str:
    """A system's field name in plain words: 'hs_invoice_date' is 'Invoice date'."""
    bare = name.removeprefix("hs_").removesuffix("__c")
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=\d)", " ", bare).replace("_", " ").replace(".", " ")
    parts = [COMPOUNDS.get(part.lower(), ACRONYMS.get(part.lower(), part)) for part in text.split()]
    said = " ".join(part if part.isupper() else part.lower() for part in parts)
    return f"{said[:1].upper()}{said[1:]}" if said else name


@register.filter
def plain(value: Any) -> str:
    """A value of a document: dates without their midnight, yes and no, nothing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool) or value in ("true", "false"):
        return "Yes" if value in (True, "true") else "No"
    text = str(value)
    if re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00(\.000)?Z", text):
        return text[:10]
    return text


@register.filter
def is_number(value: Any) -> bool:
    return bool(re.fullmatch(r"-?\d{1,15}([.,]\d+)?", str(value)))


@register.filter
def described(field: BoundField) -> BoundField:
    """The field with what a screen reader needs to read its help and its error along with it."""
    ids = [f"{field.auto_id}_help"] if field.help_text else []
    if field.errors:
        ids.append(f"{field.auto_id}_error")
    if ids:
        field.field.widget.attrs["aria-describedby"] = " ".join(ids)
    return field


@register.filter
def widget(field: BoundField) -> str:
    return type(field.field.widget).__name__.lower()


SECTIONS = {"syncs:list": ("/syncs/", "/runs/", "/previews/"), "syncs:attention": ("/attention/", "/matches/")}
"""Pages that belong to an entry of the menu without standing below its address."""


@register.inclusion_tag("parts/nav_item.html", takes_context=True)
def nav(context: Any, name: str, label: str, icon: str) -> dict[str, Any]:
    url = reverse(name)
    path = context["request"].path
    current = path == url or (url != "/" and path.startswith(SECTIONS.get(name, (url,))))
    return {"url": url, "label": label, "icon": icon, "current": current}


@register.filter
def get(mapping: Any, key: Any) -> Any:
    return mapping.get(key)
