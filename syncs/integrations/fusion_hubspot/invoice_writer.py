"""Delivers invoices: invoice, line items, associations, what vanished, status. Every step may be repeated.

The invoice goes first, so that no line item ever stands without one: a refused invoice leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from connections.connectors.base import Document
from connections.errors import ConnectorError
from syncs.engine.flow import Held, Item, WriteContext
from syncs.integrations.fusion_hubspot.writing import (
    KEY,
    associate_new,
    clean,
    dissociate_old,
    intend,
    put,
    without_empty,
)

INVOICE, LINE, CONTACT, COMPANY = "invoices", "line_items", "contacts", "companies"
AMOUNT = "hs_amount_billed"
INVOICE_TO_LINE, INVOICE_TO_CONTACT, INVOICE_TO_COMPANY = 409, 177, 179
STEPS = {
    ("draft", "open"): ("open",),
    ("draft", "paid"): ("open", "paid"),
    ("draft", "voided"): ("open", "voided"),
    ("open", "paid"): ("paid",),
    ("open", "voided"): ("voided",),
    ("paid", "voided"): ("voided",),
    ("paid", "open"): ("open",),
}
REACHED = {"open": ("open", "paid"), "voided": ("voided",), "paid": ("paid",)}
"""Statuses in which a step has been taken already."""


@dataclass(slots=True)
class Draft:
    """An item with what HubSpot holds of it: its lines' IDs by key, its associations and its status.

    ``attached`` are the lines that surely hang on the invoice already.
    """

    item: Item
    document: Document
    id: str = ""
    lines: dict[str, str] = field(default_factory=dict)
    known_lines: dict[str, str] = field(default_factory=dict)
    known_documents: Document = field(default_factory=dict)
    attached: set[str] = field(default_factory=set)
    contact: str = ""
    company: str = ""
    status: str = "draft"
    trusted: bool = False
    sent_lines: Document = field(default_factory=dict)

    def ids(self) -> Document:
        return {
            "invoice": self.id,
            "lines": self.lines,
            "contact": self.contact,
            "company": self.company,
            "status": self.status,
        }


def write_invoices(items: Sequence[Item], context: WriteContext) -> None:
    doubtful = intend(context, items, (INVOICE, LINE), _adds_lines)
    drafts = _put_invoices(context, [_draft(item) for item in items], doubtful)
    _put_lines(context, drafts, doubtful)
    _associate(context, drafts)
    _archive_vanished(context, _alive(drafts))
    _advance_status(context, _alive(drafts))
    for draft in drafts:
        _conclude(draft, context)


def _adds_lines(item: Item) -> bool:
    return not item.document["lines"].keys() <= item.delivered.get("ids", {}).get("lines", {}).keys()


def _draft(item: Item) -> Draft:
    """After an attempt that failed half-way, every line is sent and associated again."""
    delivered = item.delivered
    ids = delivered.get("ids", {})
    sound = item.trusted
    return Draft(
        item=item,
        document=item.document,
        id=ids.get("invoice", ""),
        known_lines=ids.get("lines", {}),
        known_documents=delivered.get("document", {}).get("lines", {}) if sound else {},
        attached=set(ids.get("lines", {}).values()) if sound else set(),
        contact=ids.get("contact", ""),
        company=ids.get("company", ""),
        status=ids.get("status", "draft"),
        trusted=sound,
    )


def _alive(drafts: Sequence[Draft]) -> list[Draft]:
    return [draft for draft in drafts if not draft.item.status]


def _put_invoices(context: WriteContext, drafts: Sequence[Draft], doubtful: set[str]) -> list[Draft]:
    rows = {
        draft.item.row.key: (
            without_empty(draft.document["invoice"], draft.item.delivered.get("document", {}).get("invoice", {})),
            draft.id,
        )
        for draft in drafts
    }
    results = put(context, INVOICE, rows, doubtful)
    written, strangers = [], []
    for draft in drafts:
        result = results[draft.item.row.key]
        if isinstance(result, ConnectorError):
            draft.item.failed(result)
            continue
        draft.item.created = result.created
        if result.created or (draft.id and draft.id != result.id):
            draft.known_lines, draft.known_documents, draft.attached = {}, {}, set()
            draft.contact = draft.company = ""
            draft.status = "draft"
        elif not (draft.id and draft.trusted):
            strangers.append(draft)
        draft.id = result.id
        written.append(draft)
    _learn(context, strangers)
    return written


def _learn(context: WriteContext, drafts: Sequence[Draft]) -> None:
    """Invoices of which we know too little: written before a crash or by an earlier installation, or only half."""
    if not drafts:
        return
    ids = [draft.id for draft in drafts]
    statuses = _statuses(context, ids)
    attached = context.destination.associations(INVOICE, LINE, ids)
    line_ids = [line for lines in attached.values() for line in lines]
    keys = context.destination.read(LINE, line_ids, properties=[KEY]) if line_ids else {}
    for draft in drafts:
        draft.status = statuses.get(draft.id, "draft")
        found = {keys[line]["properties"].get(KEY) or line: line for line in attached.get(draft.id, ()) if line in keys}
        draft.known_lines = draft.known_lines | found
        draft.attached = set(found.values())


def _put_lines(context: WriteContext, drafts: Sequence[Draft], doubtful: set[str]) -> None:
    rows: dict[str, tuple[Document, str]] = {}
    owner: dict[str, Draft] = {}
    for draft in drafts:
        for key, properties in draft.document["lines"].items():
            if draft.known_documents.get(key) == properties and key in draft.known_lines:
                draft.lines[key] = draft.known_lines[key]
                continue
            owner[key] = draft
            rows[key] = properties, draft.known_lines.get(key, "")
            draft.sent_lines[key] = properties
    uncertain = [key for key, draft in owner.items() if draft.item.row.key in doubtful]
    for key, result in put(context, LINE, rows, uncertain).items():
        if isinstance(result, ConnectorError):
            owner[key].item.failed(result)
        else:
            owner[key].lines[key] = result.id


def _associate(context: WriteContext, drafts: Sequence[Draft]) -> None:
    """Of failed ones too: a line that was delivered belongs to its invoice although another was refused."""
    lines: dict[tuple[str, str], Item] = {}
    contacts: dict[tuple[str, str], Item] = {}
    companies: dict[tuple[str, str], Item] = {}
    old_contacts: dict[tuple[str, str], Item] = {}
    old_companies: dict[tuple[str, str], Item] = {}
    for draft in drafts:
        lines.update(((draft.id, line), draft.item) for line in draft.lines.values() if line not in draft.attached)
        contact, company = draft.document["contact"], draft.document["company"]
        if contact and (contact != draft.contact or not draft.trusted):
            contacts[draft.id, contact] = draft.item
        if draft.contact and contact != draft.contact:
            old_contacts[draft.id, draft.contact] = draft.item
        if company != draft.company or not draft.trusted:
            companies[draft.id, company] = draft.item
        if draft.company and company != draft.company:
            old_companies[draft.id, draft.company] = draft.item
        draft.contact, draft.company = contact, company
    associate_new(context, INVOICE, LINE, INVOICE_TO_LINE, lines)
    associate_new(context, INVOICE, CONTACT, INVOICE_TO_CONTACT, contacts)
    associate_new(context, INVOICE, COMPANY, INVOICE_TO_COMPANY, companies)
    dissociate_old(context, INVOICE, CONTACT, old_contacts)
    dissociate_old(context, INVOICE, COMPANY, old_companies)


def _archive_vanished(context: WriteContext, drafts: Sequence[Draft]) -> None:
    owner = {
        line: draft for draft in drafts for key, line in draft.known_lines.items() if key not in draft.document["lines"]
    }
    if not owner:
        return
    for line, error in context.destination.archive(LINE, list(owner)).items():
        owner[line].item.failed(error)


def _advance_status(context: WriteContext, drafts: Sequence[Draft]) -> None:
    """open before voided and paid. Paid comes last in a run: HubSpot sets it by itself once the payments are there."""
    wanted = {draft.item.row.key: STEPS.get((draft.status, draft.document["status"]), ()) for draft in drafts}
    for step in ("open", "voided", "paid"):
        moving = [draft for draft in drafts if step in wanted[draft.item.row.key] and not draft.item.status]
        if step == "paid":
            moving = _to_be_marked_paid(context, moving)
        if not moving:
            continue
        results = context.destination.update(INVOICE, [(draft.id, _step(context, draft, step)) for draft in moving])
        refused = {draft.id for draft in moving if isinstance(results[draft.id], ConnectorError)}
        there = _statuses(context, refused)
        for draft in moving:
            result, now = results[draft.id], there.get(draft.id, draft.status)
            if not isinstance(result, ConnectorError):
                draft.status = step
            elif now != draft.status and now in REACHED[step]:
                draft.status = now  # the answer to an earlier try was lost, and HubSpot has gone on by itself
            elif "paid" in (step, draft.status):
                _keeps_status(draft, result)
            else:
                draft.item.failed(result)


def _step(context: WriteContext, draft: Draft, status: str) -> Document:
    """Some accounts show a new mirror with an amount of zero until it is written a second time."""
    again = {name: draft.document["invoice"][name] for name in (AMOUNT,) if name in draft.document["invoice"]}
    return {"hs_invoice_status": status, **(clean(context, INVOICE, again) if draft.item.created else {})}


def _to_be_marked_paid(context: WriteContext, drafts: Sequence[Draft]) -> list[Draft]:
    if not drafts:
        return []
    if not context.all_read:
        for draft in drafts:
            _come_back(draft, context)
        return []
    there = _statuses(context, [draft.id for draft in drafts])
    left: list[Draft] = []
    for draft in drafts:
        if there.get(draft.id) == "paid":
            draft.status = "paid"
        else:
            left.append(draft)
    return left


def _statuses(context: WriteContext, ids: Collection[str]) -> dict[str, str]:
    """The status of each invoice in HubSpot now; a deleted one is left out."""
    if not ids:
        return {}
    records = context.destination.read(INVOICE, list(ids), properties=["hs_invoice_status"])
    return {id_: record["properties"].get("hs_invoice_status") or "draft" for id_, record in records.items()}


def _keeps_status(draft: Draft, refusal: ConnectorError) -> None:
    """Some accounts take 'paid' from payments only, and never take it back. The balance is right all the same."""
    draft.item.describe(replace(draft.item.mapped, document={**draft.document, "status": draft.status}))
    draft.item.answer["note"] = (
        f"HubSpot keeps it {draft.status}; the balance due is right. HubSpot says: {refusal.text}"
    )


def _come_back(draft: Draft, context: WriteContext) -> None:
    """Delivered as open; read again at the end of this run, when the payments have been delivered."""
    draft.item.describe(replace(draft.item.mapped, document={**draft.document, "status": "open"}))
    draft.item.retry_at = context.now


def _conclude(draft: Draft, context: WriteContext) -> None:
    item = draft.item
    item.destination_id, item.ids = draft.id, draft.ids()
    item.sent = {"invoice": draft.document["invoice"], "lines": draft.sent_lines, "status": draft.status}
    item.answer |= {"invoice": draft.id, "status": draft.status}
    if item.status:
        return
    if party := draft.document.get("waits_for_contact_of"):
        item.failed(
            Held(
                "The invoice stands in HubSpot as a draft. HubSpot opens it only with a contact, and this customer has "
                "none: add a contact to the customer in Fusion, or set a stand-in contact in the customers flow.",
                waits_for=("customers", party),
                code="contact_missing",
            )
        )
        return
    item.synced(draft.id, item.ids, created=item.created)
