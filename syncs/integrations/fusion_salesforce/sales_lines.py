"""The products of an opportunity as lines of a sales order, and both as facts to compare. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from connections.connectors.base import Document
from connections.errors import MappingError
from syncs.integrations.fusion_salesforce.comparing import NAME, Facts, day, figure
from syncs.integrations.fusion_salesforce.values import flag
from syncs.money import decimal, json_number, plain, rounded

PRICE_DECIMALS = Decimal("0.000001")
"""A price per piece may be finer than the currency; the amount of the line never is."""


def lines(products: Sequence[Mapping[str, Any]], currency: str, options: Mapping[str, Any]) -> list[Document]:
    return [_line(product, place, currency, options) for place, product in enumerate(products, 1)]


def midnight(day_: date) -> str:
    """Business dates are never shifted: midnight UTC."""
    return f"{day_.isoformat()}T00:00:00+00:00"


def _line(product: Mapping[str, Any], place: int, currency: str, options: Mapping[str, Any]) -> Document:
    name = product_name(product, place)
    quantity = _quantity(product, name)
    line: Document = {
        "SourceTransactionLineId": str(product["Id"]),
        "SourceTransactionLineNumber": str(place),
        "SourceTransactionScheduleId": "1",
        "SourceScheduleNumber": "1",
        "ProductNumber": _code(product, name),
        "OrderedQuantity": json_number(quantity),
        "OrderedUOMCode": options["unit"],
        "TransactionCategoryCode": "ORDER",
    }
    if product.get("ServiceDate"):
        line["RequestedShipDate"] = midnight(date.fromisoformat(day(product["ServiceDate"])))
    if options["prices"] == "opportunity":
        line["charges"] = [_charge(product, name, quantity, currency, options["unit"])]
    return line


def product_name(product: Mapping[str, Any], place: int) -> str:
    of_product = (product.get("Product2") or {}).get("Name")
    return str(of_product or product.get("Name") or product.get("ProductCode") or f"line {place}")


def _code(product: Mapping[str, Any], name: str) -> str:
    code = str(product.get("ProductCode") or "").strip()
    if not code:
        raise MappingError(
            f"The product “{name}” has no product code in Salesforce, so Fusion does not know which item it is. Enter "
            "its Fusion item number as the product code there, then replay.",
            code="product_without_code",
        )
    return code


def _quantity(product: Mapping[str, Any], name: str) -> Decimal:
    quantity = decimal(product.get("Quantity"))
    if quantity is None or quantity <= 0:
        asked = "no quantity" if quantity is None else f"a quantity of {plain(quantity)}"
        raise MappingError(
            f"The product “{name}” has {asked}. Only more than zero can be ordered; returns are entered in Fusion. "
            "Correct it in Salesforce: the change is read by itself.",
            code="product_quantity",
        )
    return quantity


def _charge(product: Mapping[str, Any], name: str, quantity: Decimal, currency: str, unit: str) -> Document:
    """What the customer pays: the total, which has the discount in it already."""
    amount, price = decimal(product.get("TotalPrice")), decimal(product.get("UnitPrice"))
    if amount is None and price is None:
        raise MappingError(
            f"The product “{name}” has no price. Enter one in Salesforce: the change is read by itself.",
            code="product_without_price",
        )
    amount = rounded(quantity * price if amount is None and price is not None else amount or Decimal(0), currency)
    listed = decimal(product.get("ListPrice"))
    net = _per_piece(amount, quantity)
    parts = [
        (
            "LIST_PRICE",
            net if listed is None else listed,
            amount if listed is None else rounded(listed * quantity, currency),
        ),
        ("NET_PRICE", net, amount),
    ]
    key = str(product["Id"])
    return {
        "SourceChargeId": key,
        "ChargeDefinitionCode": "QP_SALE_PRICE",
        "ChargeSubtypeCode": "ORA_PRICE",
        "PriceTypeCode": "ONE_TIME",
        "ApplyTo": "PRICE",
        "PricedQuantity": json_number(quantity),
        "PricedQuantityUOMCode": unit,
        "ChargeCurrencyCode": currency,
        "PrimaryFlag": True,
        "RollupFlag": False,
        "SequenceNumber": 1,
        "chargeComponents": [
            {
                "SourceChargeId": key,
                "SourceChargeComponentId": f"{key}:{usage}",
                "PriceElementCode": f"QP_{usage}",
                "PriceElementUsageCode": usage,
                "SequenceNumber": place,
                "ChargeCurrencyCode": currency,
                "ChargeCurrencyUnitPrice": json_number(each),
                "ChargeCurrencyExtendedAmount": json_number(extended),
                "HeaderCurrencyCode": currency,
                "HeaderCurrencyUnitPrice": json_number(each),
                "HeaderCurrencyExtendedAmount": json_number(extended),
                "RollupFlag": False,
            }
            for place, (usage, each, extended) in enumerate(parts, 1)
        ],
    }


def _per_piece(amount: Decimal, quantity: Decimal) -> Decimal:
    return (amount / quantity).quantize(PRICE_DECIMALS)


def facts(ordered: Iterable[Mapping[str, Any]]) -> dict[str, Facts]:
    """Of the lines of an order's body."""
    found: dict[str, Facts] = {}
    for line in ordered:
        fact = {NAME: line["ProductNumber"], "quantity": figure(line["OrderedQuantity"])}
        for charge in line.get("charges") or ():
            fact["amount"] = figure(charge["chargeComponents"][-1]["HeaderCurrencyExtendedAmount"])
        fact["ship date"] = day(line.get("RequestedShipDate"))
        found[line["SourceTransactionLineId"]] = fact
    return found


def standing(order: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Facts]:
    """Of the lines of an order in Fusion. Ship dates count only where the opportunity asks for one."""
    dated = {line["SourceTransactionLineId"] for line in body["lines"] if line.get("RequestedShipDate")}
    found: dict[str, Facts] = {}
    for line in order.get("lines") or ():
        if flag(line.get("CanceledFlag")):
            continue
        key = str(line.get("SourceTransactionLineId"))
        found[key] = {
            NAME: str(line.get("ProductNumber")),
            "quantity": figure(line.get("OrderedQuantity")),
            "amount": figure(line.get("ExtendedAmount")),
            **({"ship date": day(line.get("RequestedShipDate"))} if key in dated else {}),
        }
    return found
