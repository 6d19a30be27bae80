"""Objects and fields by the names our flows use, and what an org calls them: data, so that an org's own may be chosen.

Flows speak of kinds ("invoice") and of the fields below; ``Schema`` translates both ways and lets any other name pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connections.connectors.base import Document

KEY = "Fusion_Id__c"
TEXT, LONG_TEXT, NUMBER, CURRENCY, DATE, DATETIME, CHECKBOX, LOOKUP = (
    "Text",
    "LongText",
    "Number",
    "Currency",
    "Date",
    "DateTime",
    "Checkbox",
    "Lookup",
)
MONEY_SCALE = 3
"""The dinars of Kuwait, Bahrain, Tunisia and others have a thousand parts; a field of two decimals would round them."""
SCALES = {NUMBER: 6, CURRENCY: MONEY_SCALE}
PRECISION = 18


@dataclass(frozen=True, slots=True)
class Field:
    """``to`` is the kind a lookup leads to. ``key`` is unique over all records and an external id. ``scale``: decimals
    of a number, where its type's are not meant."""

    name: str
    type: str = TEXT
    length: int = 80
    key: bool = False
    to: str = ""
    scale: int | None = None

    @property
    def label(self) -> str:
        return self.name.removesuffix("__c").replace("_", " ")

    @property
    def decimals(self) -> int | None:
        """Of a field we make; None where it holds no number."""
        return SCALES.get(self.type) if self.scale is None else self.scale


@dataclass(frozen=True, slots=True)
class Kind:
    """``standard`` objects are the org's already; ``prefix`` numbers the records of the others."""

    key: str
    object: str
    label: str
    plural: str
    fields: tuple[Field, ...]
    prefix: str = ""

    @property
    def standard(self) -> bool:
        return not self.prefix


def _keyed(*fields: Field, key: str = KEY) -> tuple[Field, ...]:
    return (Field(key, key=True), *fields)


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind(
            "account",
            "Account",
            "Account",
            "Accounts",
            _keyed(
                Field("Fusion_Party_Number__c"),
                Field("Fusion_Account_Number__c"),
                Field("Fusion_Role__c"),
                Field("Fusion_Status__c"),
                # In the ledger's currency: a currency field would show it as money of the account's.
                Field("Fusion_Open_Balance__c", NUMBER, scale=MONEY_SCALE),
                Field("Fusion_Last_Sync__c", DATETIME),
            ),
        ),
        Kind(
            "invoice",
            "Fusion_Invoice__c",
            "Fusion Invoice",
            "Fusion Invoices",
            _keyed(
                Field("Account__c", LOOKUP, to="account"),
                Field("Number__c"),
                Field("Invoice_Date__c", DATE),
                Field("Due_Date__c", DATE),
                Field("Amount__c", CURRENCY),
                Field("Balance__c", CURRENCY),
                Field("Credited__c", CURRENCY),
                Field("Tax__c", CURRENCY),
                Field("Currency_Code__c", length=3),
                Field("Terms__c"),
                Field("Status__c"),
                Field("Completion__c"),
                Field("Type__c"),
                Field("Fusion_Updated__c", DATETIME),
            ),
            "FI-{00000000}",
        ),
        Kind(
            "invoice_line",
            "Fusion_Invoice_Line__c",
            "Fusion Invoice Line",
            "Fusion Invoice Lines",
            _keyed(
                Field("Invoice__c", LOOKUP, to="invoice"),
                Field("Line_Number__c", NUMBER),
                Field("Description__c", length=255),
                Field("Item__c"),
                Field("Quantity__c", NUMBER),
                Field("Unit_Price__c", NUMBER),
                Field("Line_Amount__c", CURRENCY),
                Field("Tax__c", CURRENCY),
            ),
            "FIL-{00000000}",
        ),
        Kind(
            "payment",
            "Fusion_Payment__c",
            "Fusion Payment",
            "Fusion Payments",
            _keyed(
                Field("Account__c", LOOKUP, to="account"),
                Field("Invoice__c", LOOKUP, to="invoice"),
                Field("Number__c"),
                Field("Receipt_Date__c", DATE),
                Field("Amount__c", CURRENCY),
                Field("Applied__c", CURRENCY),
                Field("Unapplied__c", CURRENCY),
                Field("Currency_Code__c", length=3),
                Field("Method__c"),
                Field("Invoices__c", length=255),
                Field("Status__c"),
                Field("Reversed_On__c", DATE),
            ),
            "FP-{00000000}",
        ),
        Kind(
            "opportunity",
            "Opportunity",
            "Opportunity",
            "Opportunities",
            _keyed(
                Field("Fusion_Order_Number__c"),
                Field("Fusion_Order_Status__c"),
                Field("Fusion_Error__c", length=255),
                key="Fusion_Order_Key__c",
            ),
        ),
        Kind(
            "purchase_order",
            "Purchase_Order__c",
            "Purchase Order",
            "Purchase Orders",
            _keyed(
                Field("Supplier__c", LOOKUP, to="account"),
                Field("Status__c"),
                Field("Ready_For_Fusion__c", CHECKBOX),
                Field("Currency_Code__c", length=3),
                Field("Needed_By__c", DATE),
                Field("Fusion_PO_Number__c"),
                Field("Fusion_PO_Status__c"),
                key="Fusion_PO_Id__c",
            ),
            "PO-{00000000}",
        ),
        Kind(
            "purchase_order_line",
            "Purchase_Order_Line__c",
            "Purchase Order Line",
            "Purchase Order Lines",
            (
                Field("Purchase_Order__c", LOOKUP, to="purchase_order"),
                Field("Item__c"),
                Field("Description__c", length=255),
                Field("Quantity__c", NUMBER),
                Field("Unit_Price__c", NUMBER),
                Field("UOM__c"),
            ),
            "POL-{00000000}",
        ),
    )
}
OBJECT_SETTINGS = ("invoice", "invoice_line", "payment", "purchase_order", "purchase_order_line")
"""Kinds whose object is a setting, ``<kind>_object``."""


def relation(field: str) -> str:
    """The name under which a lookup's record is reached: ``Account__c`` → ``Account__r``, ``XId`` → ``X``."""
    return f"{field[:-1]}r" if field.endswith("__c") else field.removesuffix("Id")


def parse_names(text: str) -> dict[str, dict[str, str]]:
    """Fields an org calls otherwise, from lines or commas of ``invoice.Balance__c = Open_Amount__c``.

    Raises ``ValueError`` naming the first line that cannot be understood.
    """
    names: dict[str, dict[str, str]] = {}
    for part in text.replace("\n", ",").split(","):
        if not part.strip():
            continue
        left, _, actual = (piece.strip() for piece in part.partition("="))
        kind, _, name = left.partition(".")
        known = KINDS[kind].fields if kind in KINDS else ()
        if name not in [field.name for field in known] or not actual.replace("_", "a").isalnum():
            raise ValueError(f"“{part.strip()}” is not understood: write kind.Field__c = Name_In_Your_Org__c.")
        names.setdefault(kind, {})[name] = actual
    return names


class Schema:
    """The names of one org."""

    def __init__(self, config: Mapping[str, str]) -> None:
        self._objects = {key: config.get(f"{key}_object") or kind.object for key, kind in KINDS.items()}
        self._out = parse_names(config.get("field_names") or "")
        for kind, fields in self._out.items():
            for field in KINDS[kind].fields:
                if field.type == LOOKUP and field.name in fields:
                    self._out[kind] = {**self._out[kind], relation(field.name): relation(fields[field.name])}
        self._back = {kind: {actual: name for name, actual in fields.items()} for kind, fields in self._out.items()}

    def object_of(self, kind: str) -> str:
        """The org's object; a name that is no kind stands for itself."""
        return self._objects.get(kind, kind)

    def field(self, kind: str, name: str) -> str:
        """The org's field, also along a path such as ``Account__r.Fusion_Id__c``."""
        head, dot, rest = name.partition(".")
        own = self._out.get(kind, {}).get(head, head)
        return f"{own}.{self.field(self._leads_to(kind, head), rest)}" if dot else own

    def ours(self, kind: str, name: str) -> str:
        """Our name of an org's field."""
        return self._back.get(kind, {}).get(name, name)

    def key(self, kind: str) -> str:
        """Our key field of a kind, by our name."""
        return next((field.name for field in KINDS[kind].fields if field.key), "") if kind in KINDS else KEY

    def out(self, kind: str, values: Mapping[str, object]) -> Document:
        """A document of ours in the org's names."""
        return dict(self._translated(kind, values, self._out))

    def back(self, kind: str, values: Mapping[str, object]) -> Document:
        """A record of the org in our names, without its ``attributes``."""
        return {name: value for name, value in self._translated(kind, values, self._back) if name != "attributes"}

    def _translated(
        self, kind: str, values: Mapping[str, object], names: Mapping[str, Mapping[str, str]]
    ) -> Iterator[tuple[str, object]]:
        table = names.get(kind, {})
        for name, value in values.items():
            new = table.get(name, name)
            if isinstance(value, Mapping) and name != "attributes":
                ours = name if names is self._out else new
                inner = dict(self._translated(self._leads_to(kind, ours), value, names))
                inner.pop("attributes", None)
                yield new, inner
            else:
                yield new, value

    @staticmethod
    def _leads_to(kind: str, name: str) -> str:
        """The kind a relation of ours leads to; standard objects stand under their own name."""
        for field in KINDS[kind].fields if kind in KINDS else ():
            if field.type == LOOKUP and relation(field.name) == name:
                return field.to
        return name.lower() if name.lower() in KINDS else name

    def creatable(self, kind: str) -> Iterable[Field]:
        """Fields of a kind that can be made in this org: those with a custom name."""
        return [field for field in KINDS[kind].fields if is_custom(self.field(kind, field.name))]


def is_custom(name: str) -> bool:
    """One we may create: custom, and not of a package."""
    return name.endswith("__c") and "__" not in name.removesuffix("__c")
