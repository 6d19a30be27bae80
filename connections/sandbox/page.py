"""The control page: what happened in the imaginary company, one button each."""

from __future__ import annotations

import html

from .events import Event
from .mail import Letter, render_letters

_FIELDS = {
    "customer_pays": (("invoice", "Invoice id, or empty for the oldest"), ("amount", "Amount, or empty for all")),
    "finance_completes_invoice": (("invoice", "Invoice id, or empty"),),
    "invoices_arrive": (("count", "How many (200)"), ("currency", "Currency (USD)")),
    "invoice_changes": (("invoice", "Invoice id, or empty"), ("how", "reprice, add or remove")),
    "new_customer": (("name", "Name, or empty"),),
    "credit_memo_for": (("invoice", "Invoice id, or empty for the oldest"),),
    "receipt_reversed": (("receipt", "Receipt id, or empty for the last"),),
}
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--accent:#1a66cc}
@media (prefers-color-scheme:dark){:root{--accent:#7ab3ff}}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:64rem;padding:1rem}
section>div{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr))}
form{border:1px solid var(--line);border-radius:.5rem;padding:1rem;display:flex;flex-direction:column;gap:.5rem}
h2{font-size:1.25rem;margin:1.5rem 0 .5rem}h3{font-size:1.05rem;margin:0}p{margin:0}
label{font-size:.85rem}input{width:100%;box-sizing:border-box;padding:.4rem;font:inherit}
button{font:inherit;padding:.5rem 1rem;border:1px solid var(--accent);border-radius:.4rem;background:none;
color:var(--accent);cursor:pointer;margin-top:auto}
details{border-bottom:1px solid var(--line);padding:.5rem 0}summary{cursor:pointer}a{color:var(--accent)}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:.5rem 0 0;padding-left:1rem}
[role=status]{border-left:.3rem solid var(--accent);padding:.5rem 1rem;overflow-wrap:anywhere}
"""


def render_page(
    happenings: dict[str, list[Event]],
    urls: dict[str, str],
    message: str = "",
    mail: list[Letter] | None = None,
    offered: dict[str, dict[str, list[str]]] | None = None,
) -> str:
    """The page; ``message`` is HTML and says what the last button did. ``mail``: None where it goes elsewhere.

    ``offered``: per system, the lists of values its administrators have set up.
    """
    status = f'<p role="status">{message}</p>' if message else ""
    sections = "".join(_section(system, events) for system, events in happenings.items())
    systems = sorted({name.partition(".")[0] for name in urls} - {"control"})
    switches = " · ".join(f'<a href="/switches/{name}">Switches of {_label(name)}</a>' for name in systems)
    addresses = "".join(f"<li>{html.escape(name)}: <code>{html.escape(url)}</code></li>" for name, url in urls.items())
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Sandbox: make something happen</title><style>{_STYLE}</style></head><body>
<h1>Make something happen</h1>
<p>This stands in for your systems. Press a button, then watch the change arrive on the other side.</p>
{status}<main>{sections}{_offered(offered or {})}{_mail(mail)}</main>
<h2>Addresses</h2><ul>{addresses}</ul>
<p><a href="/stats">What was called</a> · <a href="/faults">Faults in force</a> ·
{switches} · <a href="/health">Health</a></p>
</body></html>"""


def _mail(mail: list[Letter] | None) -> str:
    if mail is None:
        return ""
    shown = render_letters(mail) or "<p>None yet. Sign up, or invite someone.</p>"
    return f'<section id="mail"><h2>Mail sent by the product</h2>{shown}</section>'


def _offered(offered: dict[str, dict[str, list[str]]]) -> str:
    """What somebody who sets up a sync would ask an administrator for."""
    return "".join(
        f'<section id="values"><h2>What is set up in {_label(system)}</h2><ul>'
        + "".join(f"<li>{_label(what)}: {html.escape(', '.join(values))}</li>" for what, values in lists.items())
        + "</ul></section>"
        for system, lists in offered.items()
    )


def _section(system: str, events: list[Event]) -> str:
    forms = "".join(_form(event) for event in events if event.shown)
    return f"<section><h2>In {_label(system)}</h2><div>{forms}</div></section>" if forms else ""


def _label(system: str) -> str:
    return html.escape(system.replace("_", " ").title())


def _form(event: Event) -> str:
    inputs = "".join(
        f'<label for="{event.name}-{name}">{html.escape(label)}</label><input id="{event.name}-{name}" name="{name}">'
        for name, label in event.fields or _FIELDS.get(event.name, ())
    )
    return (
        f'<form method="post" action="/events/{event.name}"><h3>{html.escape(event.title)}</h3>'
        f"<p>{html.escape(event.text)}</p>{inputs}<button>{html.escape(event.title)}</button></form>"
    )
