"""HubSpot as a connector: its settings, its door, and what the rest of the product may ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from connections.budget import Budget
from connections.connectors.base import Access, CheckReport, CheckStep, Field, Preparation, Setting, Stream
from connections.connectors.registry import register
from connections.errors import ConnectorError
from connections.http import Answer, Call, Door, ErrorTable, Static
from connections.pasted import split
from connections.rehearsal import Bound

from . import check, errors, fields, properties
from .client import HubSpotClient
from .paths import VERSIONS, Paths
from .rehearsal import HubSpotRehearsal, only_reads

PUBLIC_ADDRESS = "https://api.hubapi.com"
TIERS: dict[str, int | None] = {"free": 100, "professional": 190, "increased": 250, "unlimited": None}
MOST_PARALLEL = 10
TYPE_IDS = {"companies": "0-2", "contacts": "0-1", "invoices": "0-53", "commerce_payments": "0-101"}
"""Object types with a page of their own."""

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "access_token",
        "Access key",
        "In HubSpot, as a super admin or with access to developer tools: Development → Keys → Service keys → Create "
        "service key. Tick these scopes: crm.objects of companies, contacts, invoices and commercepayments, each read "
        "and write; crm.schemas of the same four, write; and e-commerce, for line items. Copy the key shown at the "
        "end; it begins with “pat-”. The token of an older private app (Settings → Integrations → Private apps → Auth) "
        "works as well.",
        secret=True,
    ),
    Setting(
        "tier",
        "HubSpot subscription",
        "How many calls HubSpot allows. Settings → Account & Billing names your subscription; the highest one among "
        "your hubs counts. If unsure, leave the smallest: the sync is only slower.",
        default="free",
        kind="choice",
        choices=(
            ("free", "Free or Starter: 100 calls per 10 seconds"),
            ("professional", "Professional or Enterprise: 190 calls per 10 seconds"),
            ("increased", "With the API limit increase: 250 calls per 10 seconds"),
            ("unlimited", "No limit (test systems only)"),
        ),
    ),
    Setting(
        "api_version",
        "API version",
        "Leave it at the newest. An older one is only for accounts where HubSpot's support advised it.",
        required=False,
        default=VERSIONS[0],
        kind="choice",
        choices=tuple((version, version) for version in VERSIONS),
    ),
    Setting(
        "base_url",
        "Address",
        "HubSpot's public address, the same for every account in the world. Change it only for a test system.",
        required=False,
        default=PUBLIC_ADDRESS,
        kind="url",
    ),
    Setting(
        "concurrency",
        "Calls at once",
        "How many calls may be under way together, 1 to 10. Leave it at 4.",
        required=False,
        default="4",
        kind="number",
    ),
)


class Key:
    """Signs with the static key. A 401 is verified once against the account details, which any valid key may read."""

    def __init__(self, token: str, verify: Door, paths: Paths) -> None:
        self._static = Static({"Authorization": f"Bearer {token}"})
        self._verify = verify
        self._account = paths.account()
        verify.authorize = self._static

    def headers(self) -> Mapping[str, str]:
        return self._static.headers()

    def known(self) -> Iterable[str]:
        return self._static.known()

    def renew(self) -> bool:
        try:
            self._verify.send(Call("GET", self._account, label="account details"))
        except ConnectorError:
            return False
        return True


@register
class HubSpot:
    key = "hubspot"
    label = "HubSpot"
    settings = SETTINGS
    streams: Mapping[str, Stream] = {}

    def hosts(self, config: Mapping[str, str]) -> list[str]:
        return [config.get("base_url") or PUBLIC_ADDRESS]

    def clean(self, config: Mapping[str, str]) -> dict[str, str]:
        """Raises ``ValueError`` with a dictionary of texts by field name."""
        defaults = {setting.name: setting.default for setting in SETTINGS if not setting.secret}
        cleaned = {name: str(config.get(name) or "").strip() or default for name, default in defaults.items()}
        address = _api(cleaned["base_url"])
        wrong = {}
        if not address:
            wrong["base_url"] = f"Enter an address like {PUBLIC_ADDRESS}."
        if not cleaned["concurrency"].isdecimal() or not 1 <= int(cleaned["concurrency"]) <= MOST_PARALLEL:
            wrong["concurrency"] = f"Enter a number from 1 to {MOST_PARALLEL}."
        if wrong:
            raise ValueError(wrong)
        return {**cleaned, "base_url": address}

    def door(self, access: Access) -> Door:
        return self._door(access, errors.table(access.capabilities.get("time_zone", "")))

    def client(self, access: Access) -> HubSpotClient:
        table = errors.table(access.capabilities.get("time_zone", ""))
        return HubSpotClient(self._door(access, table), version=self._version(access), errors=table)

    def rehearsal(self, access: Access, bound: Bound) -> HubSpotRehearsal:
        table = errors.table(access.capabilities.get("time_zone", ""))
        door = self._door(access, table).only(only_reads)
        return HubSpotRehearsal(door, bound, version=self._version(access), errors=table)

    def check(self, access: Access, report: CheckReport) -> None:
        check.run(self.client(access), access.secrets["access_token"], report)

    def fields(self, access: Access, kind: str) -> list[Field]:
        return fields.fields(self.client(access), kind)

    def missing(self, access: Access) -> list[Preparation]:
        return properties.missing(self.client(access))

    def prepare(self, access: Access, keys: Sequence[str]) -> list[CheckStep]:
        """Afterwards the check must run again: it learns which keys are unique and which properties are there."""
        return properties.prepare(self.client(access), keys)

    def link(self, config: Mapping[str, str], capabilities: Mapping[str, Any], kind: str, id_: str) -> str:
        portal, type_id = capabilities.get("portal_id"), TYPE_IDS.get(kind)
        if not portal or not type_id or (config.get("base_url") or PUBLIC_ADDRESS) != PUBLIC_ADDRESS:
            return ""
        host = capabilities.get("ui_domain") or "app.hubspot.com"
        return f"https://{host}/contacts/{portal}/record/{type_id}/{id_}"

    def spellings(self, id_: str) -> Sequence[str]:
        return ()

    def _version(self, access: Access) -> str:
        return access.config.get("api_version") or VERSIONS[0]

    def _door(self, access: Access, table: ErrorTable) -> Door:
        config = access.config
        budget = Budget(access.connection_id, TIERS[config.get("tier") or "free"])
        if burst := access.capabilities.get("burst"):
            budget.lower(int(burst))

        base = config.get("base_url") or PUBLIC_ADDRESS
        common: dict[str, Any] = {"access": access, "errors": table, "budget": budget}
        verify = Door(base, parallel=1, **common)
        key = Key(access.secrets["access_token"].strip(), verify, Paths(self._version(access)))
        door = Door(base, authorize=key, parallel=int(config.get("concurrency") or 4), **common)
        verify.observe = door.observe = partial(_observe, door, budget)
        return door


def _api(pasted: str) -> str:
    """The address of HubSpot's API, also where somebody pasted the one of its pages; "" where it is none."""
    parts = split(pasted)
    if parts is None:
        return ""
    if (parts.hostname or "").endswith((".hubspot.com", ".hubspot.eu")):
        return PUBLIC_ADDRESS
    return f"{parts.scheme}://{parts.netloc}"


def _observe(door: Door, budget: Budget, answer: Answer) -> None:
    """The account may allow less than its owner thinks, and tells what is left of the day."""
    most = check.number(answer, "Max")
    if most and check.number(answer, "Interval-Milliseconds") == 10_000:
        budget.lower(most)
    if (left := check.daily(answer)) is not None:
        door.allowance = left
