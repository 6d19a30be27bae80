"""Credentials at rest, what may be done with a connection, and what never leaves it."""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError, ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.forms import modelform_factory

from audit.models import AuditEntry
from connections import selectors, services
from connections.connectors import registry
from connections.connectors.base import CheckReport, CheckStep
from connections.errors import ConfigError, TransientError
from connections.fields import SealBroken
from connections.models import Connection
from mlconnector.tenants.models import Tenant

CANARY = "canary-93b1c7f05d2e"
CONFIG = {
    "pod_url": "https://abcd.fa.em2.oraclecloud.com/fscmUI/faces",
    "token_url": "idcs-0123.identity.oraclecloud.com",
    "client_id": "erp.user",
    "scope": "urn:opc:resource:consumer::all",
}
ACTOR = "user:owner"


@pytest.fixture
def connection(tenant: Tenant) -> Connection:
    return services.create_connection(tenant, "oracle_fusion", "ERP", CONFIG, {"client_secret": CANARY}, ACTOR)


def stored(connection: Connection, column: str = "secrets") -> str:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM connections_connection WHERE id = %s", [connection.pk])
        return str(cursor.fetchone()[0])


def again(connection: Connection) -> Connection:
    return Connection.objects.for_tenant(connection.tenant_id).get(pk=connection.pk)


# At rest


def test_secrets_come_back_and_lie_encrypted(connection: Connection) -> None:
    assert again(connection).secrets == {"client_secret": CANARY}
    assert CANARY not in stored(connection)


def test_a_ciphertext_copied_to_another_row_tenant_or_column_does_not_open(
    connection: Connection, other_tenant: Tenant
) -> None:
    same = services.create_connection(
        connection.tenant, "oracle_fusion", "Twin", CONFIG, {"client_secret": "another-one"}, ACTOR
    )
    other = services.create_connection(
        other_tenant, "oracle_fusion", "ERP", CONFIG, {"client_secret": "another-one"}, ACTOR
    )
    for thief, column in ((same, "secrets"), (other, "secrets"), (connection, "token")):
        with database.cursor() as cursor:
            change = f"UPDATE connections_connection SET {column} = %s WHERE id = %s"
            cursor.execute(change, [stored(connection), thief.pk])
        with pytest.raises(SealBroken):
            getattr(again(thief), column)


def test_a_row_moved_to_another_tenant_does_not_open(connection: Connection, other_tenant: Tenant) -> None:
    Connection.objects.across_tenants().filter(pk=connection.pk).update(tenant=other_tenant)
    moved = Connection.objects.for_tenant(other_tenant).get(pk=connection.pk)
    with pytest.raises(SealBroken):
        _ = moved.secrets


def test_bulk_update_seals_each_row_for_itself(connection: Connection, tenant: Tenant) -> None:
    twin = services.create_connection(tenant, "oracle_fusion", "Twin", CONFIG, {"client_secret": "x" * 9}, ACTOR)
    rows = [again(connection), again(twin)]
    for number, row in enumerate(rows):
        row.secrets = {"client_secret": f"changed-{number}"}
        row.token = {"access_token": f"token-{number}"}
    Connection.objects.across_tenants().bulk_update(rows, ["secrets", "token"])
    assert again(connection).secrets == {"client_secret": "changed-0"}
    assert again(twin).token == {"access_token": "token-1"}
    assert "changed" not in stored(twin)


def test_bulk_create_and_copying_from_another_row_seal_anew(connection: Connection, other_tenant: Tenant) -> None:
    copy = Connection(tenant=other_tenant, connector="oracle_fusion", name="Copy", secrets=connection.secrets)
    Connection.objects.bulk_create([copy])
    assert Connection.objects.for_tenant(other_tenant).get().secrets == {"client_secret": CANARY}


def test_an_update_that_cannot_know_the_row_is_refused(connection: Connection) -> None:
    with pytest.raises(TypeError):
        Connection.objects.for_tenant(connection.tenant_id).update(secrets={"client_secret": CANARY})


def test_searching_for_secrets_is_refused(connection: Connection) -> None:
    with pytest.raises(FieldError):
        Connection.objects.for_tenant(connection.tenant_id).filter(secrets={"client_secret": CANARY})
    assert Connection.objects.for_tenant(connection.tenant_id).filter(token__isnull=True).count() == 1


def test_dumps_values_forms_and_reprs_show_nothing(connection: Connection) -> None:
    connection.token = {"access_token": CANARY}
    connection.save(update_fields=["token"])
    out = StringIO()
    call_command("dumpdata", "connections", "--all", stdout=out)
    fields = json.loads(out.getvalue())[0]["fields"]
    assert (fields["secrets"], fields["token"]) == ("<encrypted>", "<encrypted>")
    row = Connection.objects.for_tenant(connection.tenant_id).values("secrets", "token").get()
    form = modelform_factory(Connection, exclude=[])()
    shown = f"{row} {connection.secrets} {connection.secrets!r} {vars(connection)} {form.as_p()}"
    shown += serializers.serialize("xml", [connection]) + out.getvalue()
    assert CANARY not in shown


def test_keys_are_rotated_and_the_rest_reported(connection: Connection, settings: Any) -> None:
    old, new = settings.FERNET_KEYS[0], "a-new-key-" + Fernet.generate_key().decode()
    settings.FERNET_KEYS = [new, old]
    assert again(connection).secrets == {"client_secret": CANARY}
    out = StringIO()
    call_command("rotate_keys", "--check", stdout=out)
    assert "0 re-encrypted, 0 on the current key, 1 on older keys" in out.getvalue()
    call_command("rotate_keys", stdout=out)
    assert "1 re-encrypted, 1 on the current key, 0 on older keys" in out.getvalue()
    settings.FERNET_KEYS = [new]
    assert again(connection).secrets == {"client_secret": CANARY}
    settings.FERNET_KEYS = ["quite-another-key"]
    with pytest.raises(CommandError):
        call_command("rotate_keys", stdout=out)
    with pytest.raises(SealBroken):
        _ = again(connection).secrets


def test_without_keys_nothing_is_stored(connection: Connection, settings: Any) -> None:
    settings.FERNET_KEYS = []
    with pytest.raises(ImproperlyConfigured):
        _ = again(connection).secrets


# What may be done


def test_settings_are_cleaned_completed_and_in_the_trail(connection: Connection) -> None:
    assert connection.config["pod_url"] == "https://abcd.fa.em2.oraclecloud.com"
    assert connection.config["token_url"] == "https://idcs-0123.identity.oraclecloud.com/oauth2/v1/token"
    assert connection.config["page_size"] == "500"
    entry = AuditEntry.objects.get(action="connection.created")
    assert (entry.actor, entry.destination_ref) == (ACTOR, f"connection:{connection.pk}")
    assert CANARY not in entry.detail


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"pod_url": "http://abcd.fa.em2.oraclecloud.com"}, "pod_url"),
        ({"pod_url": "https://10.0.0.1"}, "pod_url"),
        ({"token_url": "https://localhost"}, "token_url"),
        ({"pod_url": ""}, "pod_url"),
        ({"scope": " "}, "scope"),
        ({"page_size": "0"}, "page_size"),
        ({"auth": "saml"}, "auth"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_refused_settings_are_named(tenant: Tenant, change: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        services.create_connection(tenant, "oracle_fusion", "ERP", CONFIG | change, {"client_secret": CANARY}, ACTOR)
    assert list(caught.value.message_dict) == [field]
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("secrets", [{}, {"client_secret": "two\nlines"}, {"password": "only-this"}, {"other": "x"}])
def test_refused_credentials_are_named_and_not_shown(tenant: Tenant, secrets: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        services.create_connection(tenant, "oracle_fusion", "ERP", CONFIG, secrets, ACTOR)
    assert not any(value and value in str(caught.value) for value in secrets.values())


def test_a_name_is_used_once_per_tenant(connection: Connection, tenant: Tenant, other_tenant: Tenant) -> None:
    with pytest.raises(ValidationError):
        services.create_connection(tenant, "oracle_fusion", "ERP", CONFIG, {"client_secret": "secret-2"}, ACTOR)
    services.create_connection(other_tenant, "oracle_fusion", "ERP", CONFIG, {"client_secret": "secret-2"}, ACTOR)


def test_stored_credentials_do_not_follow_to_another_address(connection: Connection) -> None:
    """Otherwise whoever may edit the address could have the secret sent to a host of their own."""
    moved = {**connection.config, "pod_url": "https://other.fa.em2.oraclecloud.com"}
    with pytest.raises(ValidationError) as caught:
        services.update_connection(connection, config=moved, actor=ACTOR)
    assert list(caught.value.message_dict) == ["secrets"]
    services.update_connection(connection, config=moved, secrets={"client_secret": "the-new-one"}, actor=ACTOR)
    assert again(connection).secrets == {"client_secret": "the-new-one"}


def test_replacing_a_credential_keeps_everything_else(connection: Connection) -> None:
    connection.token, connection.status = {"access_token": "old"}, Connection.Status.BROKEN
    connection.save()
    services.replace_secrets(connection, {"client_secret": "rotated-one"}, ACTOR)
    fresh = again(connection)
    assert (fresh.secrets, fresh.token, fresh.status) == ({"client_secret": "rotated-one"}, None, "untested")
    entry = AuditEntry.objects.get(action="connection.changed")
    assert "client_secret" in entry.detail
    assert "rotated-one" not in entry.detail


def test_a_test_is_kept_and_never_raises(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.get("oracle_fusion")

    def succeed(access: Any, report: CheckReport) -> None:
        report.add(CheckStep("sign_in", "Signed in", "ok"))
        report.account = "abcd"

    monkeypatch.setattr(type(kind), "check", staticmethod(succeed))
    assert services.test_connection(connection, ACTOR).ok
    assert (again(connection).status, again(connection).account) == ("healthy", "abcd")

    def fail(access: Any, report: CheckReport) -> None:
        raise TransientError("The pod is down.")

    monkeypatch.setattr(type(kind), "check", staticmethod(fail))
    assert not services.test_connection(connection, ACTOR).ok
    assert again(connection).status == "healthy", "an outage proves nothing about the connection"
    assert again(connection).check_report[0]["text"] == "The pod is down."


def test_a_broken_connection_says_so_once(connection: Connection) -> None:
    for _ in range(2):
        services.mark_broken(connection, ConfigError("Enter the key again.", code="fusion_client"))
    assert again(connection).status == "broken"
    assert AuditEntry.objects.filter(action="connection.broken").count() == 1


def test_lists_and_forms_never_load_a_secret(connection: Connection, other_tenant: Tenant) -> None:
    (row,) = selectors.connections_of(connection.tenant)
    assert {"secrets", "token"} <= row.get_deferred_fields()
    states = {state.setting.name: state for state in selectors.settings_of(connection)}
    assert (states["client_secret"].value, states["client_secret"].stored) == ("", True)
    assert states["client_id"].value == "erp.user"
    with pytest.raises(Connection.DoesNotExist):
        selectors.connection_of(other_tenant, connection.pk)


def test_access_shows_no_secret(connection: Connection, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    access = services.access_for(connection)
    logging.getLogger("connections").info("%r %s %r", access, access.secrets, dict(access.secrets))
    assert access.secrets["client_secret"] == CANARY
    assert CANARY not in f"{access!r} {access.secrets} {vars(access)} {caplog.text}"
