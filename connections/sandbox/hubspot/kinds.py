"""The five object types served: names, type ids, scopes and default properties.

Sources: the scope table and type ids of HubSpot's published API description; guides below
https://developers.hubspot.com/docs/api-reference/latest/crm/objects/.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One object type. ``scopes`` hold alternatives: any one of them is enough."""

    name: str
    type_id: str
    code: int
    label: str
    read_scopes: tuple[str, ...]
    write_scopes: tuple[str, ...]
    schema_read_scopes: tuple[str, ...]
    schema_write_scopes: tuple[str, ...]
    created: str
    modified: str
    defaults: tuple[str, ...]
    default_group: str

    @property
    def shown(self) -> tuple[str, ...]:
        """Properties every answer carries, asked for or not."""
        return (*self.defaults, self.created, self.modified, "hs_object_id")


def _kind(code: int, name: str, type_id: str, label: str, stem: str, **other: tuple[str, ...] | str) -> Kind:
    """A type whose scopes follow the usual pattern; ``other`` overrides."""
    values: dict[str, tuple[str, ...] | str] = {
        "read_scopes": (f"crm.objects.{stem}.read",),
        "write_scopes": (f"crm.objects.{stem}.write",),
        "schema_read_scopes": (f"crm.objects.{stem}.read",),
        "schema_write_scopes": (f"crm.schemas.{stem}.write",),
        "created": "hs_createdate",
        "modified": "hs_lastmodifieddate",
        "defaults": (),
    }
    values.update(other)
    return Kind(code=code, name=name, type_id=type_id, label=label, **values)  # type: ignore[arg-type]


COMPANY = _kind(
    1, "companies", "0-2", "COMPANY", "companies",
    created="createdate", defaults=("name", "domain"), default_group="companyinformation",
)  # fmt: skip
CONTACT = _kind(
    2, "contacts", "0-1", "CONTACT", "contacts",
    created="createdate", modified="lastmodifieddate", defaults=("email", "firstname", "lastname"),
    default_group="contactinformation",
)  # fmt: skip
INVOICE = _kind(3, "invoices", "0-53", "INVOICE", "invoices", default_group="invoiceinformation")
LINE_ITEM = _kind(
    4, "line_items", "0-8", "LINE_ITEM", "line_items",
    read_scopes=("crm.objects.line_items.read", "e-commerce"),
    write_scopes=("crm.objects.line_items.write", "e-commerce"),
    schema_read_scopes=("crm.objects.line_items.read", "e-commerce"),
    schema_write_scopes=("e-commerce",), default_group="lineiteminformation",
)  # fmt: skip
PAYMENT = _kind(
    5, "commerce_payments", "0-101", "COMMERCE_PAYMENT", "commercepayments",
    schema_read_scopes=(
        "crm.schemas.commercepayments.read",
        "crm.schemas.commercepayments.write",
        "crm.objects.commercepayments.write",
    ),
    default_group="commercepaymentinformation",
)  # fmt: skip

KINDS: tuple[Kind, ...] = (COMPANY, CONTACT, INVOICE, LINE_ITEM, PAYMENT)
BY_CODE: dict[int, Kind] = {kind.code: kind for kind in KINDS}
_BY_NAME: dict[str, Kind] = {key: kind for kind in KINDS for key in (kind.name, kind.type_id)}

ALL_SCOPES: tuple[str, ...] = (
    *dict.fromkeys(
        scope
        for kind in KINDS
        for scope in (*kind.read_scopes, *kind.write_scopes, *kind.schema_read_scopes, *kind.schema_write_scopes)
    ),
    "tax_rates.read",
)


def find_kind(name: str) -> Kind | None:
    """The type for a path segment, which may be the name or the type id."""
    return _BY_NAME.get(name)
