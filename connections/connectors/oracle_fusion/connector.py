"""Oracle Fusion Cloud ERP as a connector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connections.connectors.base import Access, CheckReport, CheckStep, Field, Preparation, Setting, Stream
from connections.connectors.registry import register
from connections.http import Authorizer, Door
from connections.pasted import origin, split
from connections.rehearsal import Bound

from . import check, fields
from .auth import ClientCredentials, password_sign_in
from .client import FusionClient
from .errors import SIGN_IN_AGAIN, TABLE
from .rehearsal import FusionRehearsal, only_reads
from .streams import CUSTOMERS, STREAMS

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105
IDENTITY_HOST = ".identity.oraclecloud.com"
CLIENT_CREDENTIALS, BASIC = "client_credentials", "basic"
NEEDED = {CLIENT_CREDENTIALS: ("token_url", "client_id", "scope"), BASIC: ("username",)}
NEEDED_SECRET = {CLIENT_CREDENTIALS: "client_secret", BASIC: "password"}
RANGES = {"page_size": (1, 500), "parallel": (1, 8), "window_days": (1, 3650)}

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "pod_url",
        "Pod address",
        "The address you sign in to Fusion with, up to oraclecloud.com, such as https://abcd.fa.em2.oraclecloud.com.",
        kind="url",
    ),
    Setting(
        "auth",
        "Way to sign in",
        "Client credentials of the identity domain. User name and password only where the pod offers nothing else.",
        default=CLIENT_CREDENTIALS,
        kind="choice",
        choices=((CLIENT_CREDENTIALS, "Client credentials (OAuth 2.0)"), (BASIC, "User name and password")),
    ),
    Setting(
        "token_url",
        "Identity domain",
        "OCI console → Identity & Security → Domains → your domain → Domain URL. It is not the pod's address.",
        required=False,
        kind="url",
    ),
    Setting(
        "client_id",
        "Client ID",
        "Domain → Integrated applications → your confidential application → OAuth configuration. A Fusion user with "
        "exactly this name must exist, with job roles and data access for receivables, parties and suppliers; to send "
        "orders to Fusion, also for order management and purchasing.",
        required=False,
    ),
    Setting("client_secret", "Client secret", "On the same page, “Show secret”.", secret=True, required=False),
    Setting(
        "scope",
        "Scope",
        "On the same page, under Resources, copied as it stands: urn:opc:resource:fusion:<pod>:<product>/ or similar.",
        required=False,
    ),
    Setting("username", "User name", "Only for user name and password.", required=False),
    Setting("password", "Password", "Only for user name and password.", secret=True, required=False),
    Setting(
        "customers_resource",
        "Customers are",
        "Sales accounts, or all organisations of the customer hub. If unsure, leave the first; the test tells.",
        default="accounts",
        kind="choice",
        choices=(("accounts", "Sales accounts"), ("hubOrganizations", "Hub organisations")),
    ),
    Setting(
        "framework_version",
        "REST framework version",
        "Leave it at 4 unless Oracle's support says otherwise.",
        required=False,
        default="4",
        kind="choice",
        choices=tuple((str(version), str(version)) for version in range(1, 10)),
    ),
    Setting("api_version", "REST release", "Leave it as it is.", required=False, default="11.13.18.05"),
    Setting("page_size", "Rows per call", "1 to 500.", required=False, default="500", kind="number"),
    Setting("parallel", "Calls at once", "1 to 8. Leave it at 4.", required=False, default="4", kind="number"),
    Setting(
        "window_days",
        "Days looked back",
        "For objects whose changes the pod cannot filter, such as receipts: how old a changed one may be.",
        required=False,
        default="180",
        kind="number",
    ),
)


@register
class OracleFusion:
    key = "oracle_fusion"
    label = "Oracle Fusion Cloud ERP"
    settings = SETTINGS
    streams: Mapping[str, Stream] = STREAMS

    def hosts(self, config: Mapping[str, str]) -> list[str]:
        addresses = [config.get("pod_url", "")]
        if config.get("auth") != BASIC:
            addresses.append(origin(config.get("token_url", "")))
        return [address for address in addresses if address]

    def clean(self, config: Mapping[str, str]) -> dict[str, str]:
        """Raises ``ValueError`` with a dictionary of texts by field name."""
        cleaned = {
            setting.name: str(config.get(setting.name) or "").strip() or setting.default
            for setting in SETTINGS
            if not setting.secret
        }
        wrong = {name: "This is missing." for name in NEEDED.get(cleaned["auth"], ()) if not cleaned[name]}
        if cleaned["customers_resource"] not in CUSTOMERS:
            wrong["customers_resource"] = "Choose one of the values offered."
        for name, (least, most) in RANGES.items():
            if not cleaned[name].isdecimal() or not least <= int(cleaned[name]) <= most:
                wrong[name] = f"Enter a number from {least} to {most}."
        for name in ("pod_url", "token_url"):
            if cleaned[name] and not origin(cleaned[name]):
                wrong[name] = "Enter an address beginning with https://."
        wrong |= _mixed_up(cleaned) if not wrong else {}
        if wrong:
            raise ValueError(wrong)
        cleaned["pod_url"] = origin(cleaned["pod_url"])
        cleaned["token_url"] = _token_url(cleaned["token_url"])
        return cleaned

    def clean_secrets(self, config: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        """Raises ``ValueError`` where the chosen way to sign in lacks its secret."""
        needed = NEEDED_SECRET[config["auth"]]
        if not secrets.get(needed):
            raise ValueError({needed: "This is missing."})

    def door(self, access: Access) -> Door:
        config = access.config
        sign_in: Authorizer = password_sign_in(access) if config.get("auth") == BASIC else ClientCredentials(access)
        return Door(
            config["pod_url"],
            access=access,
            errors=TABLE,
            authorize=sign_in,
            parallel=int(config.get("parallel") or 4),
            timeout=(10, 120),
            expired=SIGN_IN_AGAIN,
        )

    def client(self, access: Access) -> FusionClient:
        return FusionClient(self.door(access), access)

    def rehearsal(self, access: Access, bound: Bound) -> FusionRehearsal:
        return FusionRehearsal(self.door(access).only(only_reads), access)

    def check(self, access: Access, report: CheckReport) -> None:
        config = access.config
        user = config.get("username" if config.get("auth") == BASIC else "client_id", "")
        client = FusionClient(self.door(access), access, hopeful=True)
        check.run(client, report, user=user, pinned=config.get("framework_version") or "4")

    def fields(self, access: Access, kind: str) -> list[Field]:
        return fields.fields(self.client(access), kind)

    def missing(self, access: Access) -> list[Preparation]:
        """No set-up is ever made in the ERP."""
        return []

    def prepare(self, access: Access, keys: Sequence[str]) -> list[CheckStep]:
        return []

    def link(self, config: Mapping[str, str], capabilities: Mapping[str, Any], kind: str, id_: str) -> str:
        """Fusion's pages have no published address for a single record."""
        return ""

    def spellings(self, id_: str) -> Sequence[str]:
        return ()


def _mixed_up(cleaned: Mapping[str, str]) -> dict[str, str]:
    """The pod and its identity domain are two hosts; each is often pasted for the other."""
    pod, domain = origin(cleaned["pod_url"]), origin(cleaned["token_url"])
    if pod.endswith(IDENTITY_HOST):
        return {"pod_url": "This is the identity domain. Enter the address you sign in to Fusion with."}
    if pod and pod == domain:
        return {"token_url": "This is the pod’s own address. The identity domain is another: see where to find it."}
    return {}


def _token_url(pasted: str) -> str:
    """Consoles and lists of endpoints are pasted too: only a path that ends in ``token`` is one of the sign-in."""
    parts = split(pasted) if pasted else None
    if parts is None:
        return ""
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith('/token') else TOKEN_PATH}"
