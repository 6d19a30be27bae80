"""What a person reads when Fusion refuses an order."""

from __future__ import annotations

from typing import Any

import pytest

from connections.connectors.oracle_fusion.errors import TABLE, Deed, of_a_write
from connections.errors import ConnectorError, OutcomeUnknown, RateLimited
from connections.faults import TEXT_LIMIT, Failure

DEED = Deed("create", "this sales order", "sales orders")


def told(status: int, body: Any = None) -> ConnectorError:
    return of_a_write(TABLE.error(Failure(status, body=body, label="sales orders")), DEED)


def detail(text: str, path: str = "") -> dict[str, str]:
    return {"detail": text, "o:errorCode": "27014", "o:errorPath": path}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "Give a buyer.", "o:errorDetails": [detail("Give a buyer.")]}, "Give a buyer"),
        ({"detail": "One.\nTwo.", "o:errorDetails": [detail("One."), detail("Two.")]}, "One; Two"),
        ({"detail": "Not saved.", "o:errorDetails": [detail("Too long.", "/Number")]}, "Too long (Number); Not saved"),
        ({"detail": "Bad", "o:errorDetails": [detail("Quantity is 0", "/Quantity"), detail("")]}, "Quantity is 0; Bad"),
        ({"detail": "Twice", "o:errorDetails": [detail("Same"), detail("Same")]}, "Same; Twice"),
        ({"title": "Bad Request", "status": "400"}, "Bad Request"),
        ("plain text", "HTTP 400"),
        (None, "HTTP 400"),
    ],
)
def test_every_text_of_a_refusal_is_told_once(body: Any, words: str) -> None:
    error = told(400, body)
    assert error.code == "fusion_refused"
    assert error.text == (
        f"Oracle Fusion refused to create this sales order: {words}. Correct what it names, in the record or in "
        "Fusion's set-up, then replay it."
    )


def test_a_very_long_refusal_is_cut() -> None:
    assert (
        len(told(400, {"o:errorDetails": [detail(f"Problem {number}.") for number in range(900)]}).text) == TEXT_LIMIT
    )


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "fusion_no_privilege", "may not create sales orders"),
        (404, "fusion_not_visible", "hidden from the Fusion user"),
        (409, "fusion_changed_meanwhile", "changed"),
        (415, "fusion_media_type", "Tell support"),
    ],
)
def test_other_refusals_speak_of_writing(status: int, code: str, words: str) -> None:
    error = told(status)
    assert error.code == code
    assert words in error.text


def test_an_internal_error_tells_what_fusion_said_of_it() -> None:
    doubtful = OutcomeUnknown("Asked before sending.", detail={"said": ["The flexfield is not deployed"]})
    error = of_a_write(doubtful, DEED)
    assert isinstance(error, OutcomeUnknown)
    assert "The flexfield is not deployed" in error.text
    assert "before anything is sent again" in error.text


@pytest.mark.parametrize("error", [OutcomeUnknown("Asked before sending."), RateLimited("Slower.")])
def test_what_passes_by_itself_stays_as_it_is(error: ConnectorError) -> None:
    assert of_a_write(error, DEED) is error
