"""The standing cast: one tenant with a member of each role, and an outsider who belongs to another tenant."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import Client, TransactionTestCase

from audit import triggers
from mlconnector.tenants.models import Membership, Role, Tenant

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)


# A busy machine is no failure, and the same code gives the same result; EXPLORE=1 looks at new examples.
hypothesis.settings.register_profile(
    "here", deadline=None, max_examples=60, derandomize="EXPLORE" not in os.environ, database=None
)
hypothesis.settings.load_profile("here")

DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
FILLED_BY_MIGRATIONS = {"django_content_type", "auth_permission"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="only tests to which the database may matter")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--database-only"):
        return
    with_database = [item for item in items if _uses_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if not _uses_database(item)])
    items[:] = with_database


def _uses_database(item: pytest.Item) -> bool:
    """Those of what systems answer use it without a statement of their own: each ends in the same few steps, which
    others prove on every database. So do those of who may do what, which is decided before it is asked. Their mark
    leaves them to the first one."""
    if item.get_closest_marker("either_database"):
        return False
    names = set(getattr(item, "fixturenames", ()))
    return bool(names & DATABASE_FIXTURES or item.get_closest_marker("django_db"))


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not look through all of it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _tables_are_emptied_between_tests() -> Iterator[None]:
    """Transactional tests empty the tables afterwards, which the trail's triggers refuse, as they should.

    What migrations fill in stays: filling it in anew takes longer than all the rest. So would TRUNCATE on PostgreSQL,
    which makes new files. Foreign keys are looked at when all is deleted.
    """
    flush = TransactionTestCase._fixture_teardown

    def teardown(self: TransactionTestCase) -> None:
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        deletes = [f'DELETE FROM "{name}"' for name in names if name not in FILLED_BY_MIGRATIONS]
        with triggers.lifted(connection):
            connection.ops.execute_sql_flush(deletes if connection.vendor == "sqlite" else [";".join(deletes)])

    TransactionTestCase._fixture_teardown = teardown
    yield
    TransactionTestCase._fixture_teardown = flush


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside has not happened afterwards: many questions to one world, each to the same."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def make_user(email: str) -> Any:
    return get_user_model().objects.create_user(username=email, email=email, password="a-long-enough-phrase")


def join(tenant: Tenant, email: str, role: Role) -> Any:
    user = make_user(email)
    Membership.objects.create(tenant=tenant, user=user, role=role)
    return user


@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant.objects.create(name="Meridian Trading")


@pytest.fixture
def other_tenant(db: None) -> Tenant:
    return Tenant.objects.create(name="Harbour Works")


@pytest.fixture
def owner(tenant: Tenant) -> Any:
    return join(tenant, "owner@meridian.example", Role.OWNER)


@pytest.fixture
def admin(tenant: Tenant) -> Any:
    return join(tenant, "admin@meridian.example", Role.ADMIN)


@pytest.fixture
def finance(tenant: Tenant) -> Any:
    return join(tenant, "finance@meridian.example", Role.FINANCE)


@pytest.fixture
def viewer(tenant: Tenant) -> Any:
    return join(tenant, "viewer@meridian.example", Role.VIEWER)


@pytest.fixture
def outsider(other_tenant: Tenant) -> Any:
    """Owner of another tenant: may do everything there and see nothing here."""
    return join(other_tenant, "outsider@harbour.example", Role.OWNER)


@pytest.fixture
def operator(db: None) -> Any:
    return get_user_model().objects.create_superuser(
        username="operator", email="operator@ml-connector.example", password="a-long-enough-phrase"
    )


@pytest.fixture
def signed_in() -> Callable[[Any], Client]:
    def sign_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def project_root() -> Path:
    return Path(__file__).resolve().parent.parent
