from __future__ import annotations

import json
import logging

import pytest
import structlog

from mlconnector.logs import REDACTED, configure, logging_config, redact

CANARY = "canary-3f9a77c1"


@pytest.mark.parametrize(
    "value",
    [
        {"client_secret": CANARY},
        {"headers": {"Authorization": f"Bearer {CANARY}"}},
        {"deep": [{"password": CANARY}, {"access_token": CANARY}]},
        {"Set-Cookie": f"sessionid={CANARY}"},
        {"api_key": CANARY, "token": {"access": CANARY}},
        f"Authorization: Bearer {CANARY}",
        f"sent Api-Key abcd.{CANARY} to the server",
        f"grant_type=client_credentials&client_secret={CANARY}&scope=x",
        f'{{"access_token": "{CANARY}", "expires_in": 3600}}',
        f"pat-eu1-{'0' * 8}-{CANARY.encode().hex()}",
        f"postgresql://app:{CANARY}@db:5432/x",
        ValueError(f"password={CANARY}"),
        f"Basic {CANARY}==".encode(),
    ],
)
def test_credentials_are_taken_out(value: object) -> None:
    cleaned = repr(redact(value))
    assert CANARY not in cleaned
    assert CANARY.encode().hex() not in cleaned
    assert REDACTED in cleaned


def test_what_is_no_secret_stays() -> None:
    value = {"source_key": "30001", "sums": (1, 2), "text": "Ask for the scope crm.objects.invoices.write", "token": ""}
    assert redact(value) == {**value, "sums": [1, 2]}


def test_both_kinds_of_logger_write_redacted_json(capfd: pytest.CaptureFixture[str]) -> None:
    try:
        configure(logging_config(level="INFO", json=True))
        structlog.get_logger("ours").info("token.refreshed", client_secret=CANARY, connection=7)
        logging.getLogger("theirs").error("failed with %s", f"Bearer {CANARY}")
        try:
            raise ValueError(f"password={CANARY}")
        except ValueError:
            logging.getLogger("theirs").exception("broken")
    finally:
        configure(logging_config(level="WARNING", json=False))
    written = capfd.readouterr().err
    assert CANARY not in written
    first, second, third = (json.loads(line) for line in written.splitlines())
    assert (first["event"], first["connection"], first["level"]) == ("token.refreshed", 7, "info")
    assert second["logger"] == "theirs"
    assert "ValueError" in third["exception"]
