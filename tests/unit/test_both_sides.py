"""When two values mean the same, and who changed what where they do not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connections.connectors import registry
from connections.connectors.salesforce.values import long
from connections.sandbox.salesforce.ids import full_id
from syncs.both_sides import _lines, same
from syncs.engine.standing import Part, Place, place, stands


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, ""),
        ("5.00", 5),
        ("1190.00", Decimal("1190.0")),
        ("-7.50", -7.5),
        (True, "true"),
        ("2025-11-18T00:00:00Z", "2025-11-18"),
        ("2025-11-18T00:00:00Z", "2025-11-18T00:00:00.000Z"),
        ("2025-11-18T10:00:00+02:00", "2025-11-18T08:00:00Z"),
        ("two  blanks\n", "two blanks"),
    ],
)
def test_systems_say_the_same_in_other_forms(one: Any, other: Any) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0044", "44"),
        ("1e3", "1000"),
        ("", "0"),
        (None, False),
        ("a", "A"),
        ("2025-11-18", "2025-11-19"),
        ("2025-99-99", "x"),
    ],
)
def test_what_only_looks_alike_is_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)


def part(**values: Any) -> Part:
    return Part(("invoice",), "Invoice", values)


@pytest.mark.parametrize(
    ("ours", "delivered", "theirs", "standing"),
    [
        ("1", "1", "1", "agrees"),
        ("2", "1", "2", "agrees"),
        ("2", "1", "1", "source"),
        ("1", "1", "2", "destination"),
        ("3", "1", "2", "destination"),
        ("", "", "by hand", "filled"),
        ("1", "", "", "source"),
    ],
)
def test_it_is_said_who_changed_it(ours: str, delivered: str, theirs: str, standing: str) -> None:
    (line,) = _lines(part(status=ours), part(status=delivered), {"status": theirs}, asked=True)
    assert line.standing == standing


def test_what_another_flow_delivers_is_not_compared() -> None:
    found = list(_lines(part(Name="Acme", Role="Both"), part(Role="Both"), {"Role": "Both"}, asked=True))
    assert [(line.name, line.standing) for line in found] == [("Role", "agrees")]


def test_what_the_mapping_does_not_speak_of_stays_as_delivered() -> None:
    (line, role) = _lines(
        part(Name="Acme"), part(Name="Acme", Role="Both"), {"Name": "Acme", "Role": "Both"}, asked=True
    )
    assert (line.standing, role.standing, role.ours) == ("agrees", "agrees", "Both")


def test_a_new_part_follows_and_one_taken_off_is_a_change_of_the_source() -> None:
    (new,) = _lines(part(name="New"), None, None, asked=True)
    (gone,) = _lines(None, part(name="Old"), {"name": "Old"}, asked=True)
    assert (new.standing, gone.standing, gone.ours) == ("source", "source", None)


class Holding:
    """Two records of one kind. ``asked`` is every call."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str], list[str]]] = []

    def holding(self, kind: str, ids: Any, fields: Any) -> dict[str, Any]:
        self.asked.append((kind, list(ids), list(fields)))
        return {"1": {"name": "Kes", "hs_status": "open"}}


def test_a_kind_is_asked_once_and_what_was_cut_stands_as_delivered() -> None:
    holder = Holding()
    status = Part((), "Status", {"status": "paid"})
    places = [
        place(("company",), "Company", "companies", "1", {"name": "Kestrel"}, lengths={"name": 3}),
        Place(status, "companies", "1", {"status": "hs_status"}),
        place(("lines", "9"), "Line", "companies", "2", {"name": "x"}),
        place(("lines", "8"), "Not there yet", "companies", "", {"name": "y"}),
    ]
    assert stands(places, holder) == {("company",): {"name": "Kestrel"}, (): {"status": "open"}, ("lines", "9"): None}
    assert holder.asked == [("companies", ["1", "2"], ["name", "hs_status"])]


@pytest.mark.parametrize(
    ("connector", "config", "capabilities", "kind", "id_", "address"),
    [
        ("hubspot", {}, {"portal_id": "48"}, "invoices", "7", "https://app.hubspot.com/contacts/48/record/0-53/7"),
        (
            "hubspot",
            {"base_url": "https://api.hubapi.com"},
            {"portal_id": "48", "ui_domain": "app-eu1.hubspot.com"},
            "companies",
            "7",
            "https://app-eu1.hubspot.com/contacts/48/record/0-2/7",
        ),
        ("hubspot", {"base_url": "http://127.0.0.1:9"}, {"portal_id": "48"}, "invoices", "7", ""),
        ("hubspot", {}, {}, "invoices", "7", ""),
        ("hubspot", {}, {"portal_id": "48"}, "line_items", "7", ""),
        (
            "salesforce",
            {"my_domain_url": "https://acme.my.salesforce.com"},
            {},
            "account",
            "0015g0000000001AAA",
            "https://acme.my.salesforce.com/0015g0000000001AAA",
        ),
        ("salesforce", {"my_domain_url": "http://127.0.0.1:9"}, {}, "account", "0015g0000000001AAA", ""),
        ("salesforce", {"my_domain_url": "https://acme.my.salesforce.com"}, {}, "account", "../x", ""),
        ("oracle_fusion", {}, {}, "invoices", "300001", ""),
    ],
)
def test_links_lead_into_the_vendors_own_pages(
    connector: str, config: Any, capabilities: Any, kind: str, id_: str, address: str
) -> None:
    assert registry.get(connector).link(config, capabilities, kind, id_) == address


@pytest.mark.parametrize("short", ["0015g00000Xyz12", "a0B5e000001AbCd", "000000000000000", "AAAAAAAAAAAAAAA"])
def test_an_id_of_15_letters_is_known_by_its_18(short: str) -> None:
    assert long(short) == full_id(short)
    assert list(registry.get("salesforce").spellings(short)) == [full_id(short)]
    assert not registry.get("salesforce").spellings(long(short))
