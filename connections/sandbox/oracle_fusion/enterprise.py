"""What the administrators of the pod have set up: the names, codes and ids a document may use.

REST creates none of these (docs.oracle.com, fasrp api-order-management-sales-orders-order-hub.html): what is not
listed here does not exist on this pod.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from .money import EXPONENTS, RATES, UNITS, minor
from .seed_names import ITEMS

FIRST_UNIT_ID = 300000000000100


@dataclass(frozen=True)
class Value:
    """An entry of a list of values. ``code`` is the short form, ``name`` what people read."""

    id: int
    code: str
    name: str


@dataclass(frozen=True)
class Item(Value):
    """A product: its code is the item number. ``price`` is the list price in the ledger's currency."""

    price: Decimal
    unit: str

    def list_price(self, currency: str) -> Decimal:
        return minor(self.price / RATES[currency], currency)


class Values:
    """A list of values: ``what`` says in an error what is missing."""

    def __init__(self, what: str, values: Iterable[Value]) -> None:
        self.what = what
        self.values = tuple(values)

    def __iter__(self) -> Iterator[Value]:
        return iter(self.values)

    def named(self, name: str) -> Value:
        return next(value for value in self.values if value.name == name)


def _numbered(first: int, pairs: Iterable[tuple[str, str]]) -> list[Value]:
    return [Value(first + index, code, name) for index, (code, name) in enumerate(pairs)]


_ENTITIES = {
    "US Operations": "US Operations Inc.",
    "EU Operations": "EU Operations GmbH",
    "UK Operations": "UK Operations Ltd",
    "JP Operations": "JP Operations K.K.",
    "GCC Operations": "GCC Operations W.L.L.",
}
_CURRENCIES = {"USD": "US Dollar", "EUR": "Euro", "GBP": "Pound Sterling", "JPY": "Yen", "KWD": "Kuwaiti Dinar"}
_PRICES = {
    "AS100": "410.10",
    "AS205": "38.75",
    "BX310": "6.40",
    "BX311": "9.85",
    "CT400": "1250",
    "CT480": "1990",
    "SV900": "145",
    "SV910": "320",
    "KB020": "27.90",
    "FL077": "64.50",
    "LB500": "12.30",
    "DR001": "500",
}
_MEASURED = {"SV900": "Hr", "SV910": "Mo", "LB500": "Rl"}

UNIT_VALUES = Values("business unit", _numbered(FIRST_UNIT_ID, (("", name) for name in UNITS.values())))
LEGAL_ENTITIES = Values(
    "legal entity", _numbered(300000000000200, (("", _ENTITIES[unit.name]) for unit in UNIT_VALUES))
)
CURRENCIES = Values("currency", _numbered(1, ((code, _CURRENCIES[code]) for code in EXPONENTS)))
ORDER_TYPES = Values("order type", _numbered(1, (("STD", "Standard Orders"), ("SVC", "Service Orders"))))
MEASURES = Values(
    "unit of measure",
    _numbered(1, (("Ea", "Each"), ("Hr", "Hour"), ("Mo", "Month"), ("Bx", "Box"), ("Rl", "Roll"), ("Kg", "Kilogram"))),
)
PRODUCTS = Values(
    "item",
    [
        Item(300000000000500 + index, number, text, Decimal(_PRICES[number]), _MEASURED.get(number, "Ea"))
        for index, (number, text) in enumerate(ITEMS)
    ],
)
STYLES = Values("document style", _numbered(1, (("", "Purchase Order"),)))
LINE_TYPES = Values("line type", _numbered(1, (("GOODS", "Goods"), ("SERVICES", "Services"))))
CATEGORIES = Values(
    "category",
    _numbered(
        300000000000600,
        (("MISC.GENERAL", "Miscellaneous"), ("OFFICE.SUPPLIES", "Office Supplies"), ("IT.SERVICES", "IT Services")),
    ),
)
BUYERS = Values(
    "buyer",
    _numbered(
        300000000000700,
        (("finance.operations@pod.example", "Operations, Finance"), ("ellen.marsh@pod.example", "Marsh, Ellen")),
    ),
)
ORGANIZATIONS = Values(
    "ship-to organization", _numbered(300000000000800, (("M1", "Main Warehouse"), ("W2", "West Warehouse")))
)
LOCATIONS = Values(
    "location", _numbered(300000000000900, (("HQ", "Headquarters"), ("MAIN", "Main Warehouse"), ("WEST", "West Dock")))
)
DESTINATIONS = Values("destination type", _numbered(1, (("EXPENSE", "Expense"), ("INVENTORY", "Inventory"))))
OFFERED: dict[str, list[str]] = {
    "business units": [value.name for value in UNIT_VALUES],
    "order types": [value.code for value in ORDER_TYPES],
    "buyers": [value.code for value in BUYERS],
    "locations": [value.name for value in LOCATIONS],
    "categories": [value.code for value in CATEGORIES],
}
"""What the options of the orders ask for, in the form in which Fusion takes it."""
CHARGE_ACCOUNTS = Values(
    "charge account",
    _numbered(300000000001000, (("", "101.10.60540.000.000"), ("", "101.20.60540.000.000"), ("", "101.00.14110.000"))),
)


def entity_of(unit: str) -> Value:
    """The legal entity a business unit buys for unless another one is named."""
    return LEGAL_ENTITIES.named(_ENTITIES[unit])
