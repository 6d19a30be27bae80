"""Salesforce as a connector: its settings, its door, and what the rest of the product may ask of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connections.connectors.base import Access, CheckReport, CheckStep, Field, Preparation, Setting, Stream
from connections.connectors.registry import register
from connections.pasted import split
from connections.rehearsal import Bound

from . import check, fields, prepare
from .auth import ClientCredentials
from .client import SalesforceClient
from .errors import TABLE
from .line import OrgDoor, Room
from .rehearsal import SalesforceRehearsal, only_reads
from .schema import KINDS, OBJECT_SETTINGS, parse_names
from .streams import STREAMS
from .values import SHORT, is_id, long

VERSION = "v66.0"
RANGES = {"reserve": (0, 90), "page_size": (1, 2000), "bulk_above": (200, 1_000_000), "parallel": (1, 8)}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
PUBLIC_DOMAIN = ".salesforce.com"
SHARED_HOSTS = ("login.salesforce.com", "test.salesforce.com")
MY_DOMAIN, VISUALFORCE = ".my.salesforce.com", ".vf.force.com"

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "my_domain_url",
        "My Domain address",
        "Setup → My Domain shows it: https://<company>.my.salesforce.com, for a Salesforce sandbox "
        "https://<company>--<name>.sandbox.my.salesforce.com. Not login.salesforce.com.",
        kind="url",
    ),
    Setting(
        "client_id",
        "Consumer key",
        "Setup → External Client App Manager → New: turn OAuth on, choose the scope “Manage user data via APIs (api)”, "
        "turn on the Client Credentials Flow, then choose a Run-As user under Policies. The key is under Settings → "
        "OAuth Settings → Consumer Key and Secret. It works some ten minutes after it was made. A connected app made "
        "earlier works as well.",
    ),
    Setting("client_secret", "Consumer secret", "On the same page, below the key.", secret=True),
    Setting(
        "api_version",
        "API version",
        "Leave it as it is. The test tells when the org no longer offers it.",
        required=False,
        default=VERSION,
    ),
    Setting(
        "reserve",
        "Calls kept for people",
        "Percent of the org's calls of 24 hours that the sync never touches, so that people and other apps can go on "
        "working, 0 to 90.",
        required=False,
        default="10",
        kind="number",
    ),
    *(
        Setting(
            f"{kind}_object",
            f"Object for {KINDS[kind].plural.lower()}",
            f"The API name of the object. Leave {KINDS[kind].object}, which Prepare creates, unless the org has an "
            "object of its own for this.",
            required=False,
            default=KINDS[kind].object,
        )
        for kind in OBJECT_SETTINGS
    ),
    Setting(
        "field_names",
        "Fields of other names",
        "Only where the org's own fields are used: pairs like invoice.Balance__c = Open_Amount__c, separated by "
        "commas.",
        required=False,
    ),
    Setting(
        "purchase_order_condition",
        "Purchase orders to send",
        "Which purchase orders go to the ERP, as a SOQL condition on fields of the object itself (a formula does not "
        "count as a change), such as Status__c = 'Approved'.",
        required=False,
        default="Ready_For_Fusion__c = true",
    ),
    Setting(
        "duplicates",
        "Duplicate rules",
        "What happens to a record an alerting duplicate rule objects to. Rules that block are never passed.",
        required=False,
        default="refuse",
        kind="choice",
        choices=(("refuse", "Reject it and show the candidates"), ("allow", "Save it in spite of the alert")),
    ),
    Setting(
        "bulk_above",
        "Bulk above",
        "From how many rows at once the Bulk API is used, 200 or more. Leave it at 2000.",
        required=False,
        default="2000",
        kind="number",
    ),
    Setting("page_size", "Rows per call", "1 to 2000.", required=False, default="2000", kind="number"),
    Setting("parallel", "Calls at once", "1 to 8. Leave it at 4.", required=False, default="4", kind="number"),
)


@register
class Salesforce:
    key = "salesforce"
    label = "Salesforce"
    settings = SETTINGS
    streams: Mapping[str, Stream] = STREAMS

    def hosts(self, config: Mapping[str, str]) -> list[str]:
        return [config.get("my_domain_url", "")]

    def clean(self, config: Mapping[str, str]) -> dict[str, str]:
        """Raises ``ValueError`` with a dictionary of texts by field name."""
        cleaned = {
            setting.name: str(config.get(setting.name) or "").strip() or setting.default
            for setting in SETTINGS
            if not setting.secret
        }
        wrong = {name: "This is missing." for name in ("my_domain_url", "client_id") if not cleaned[name]}
        address = my_domain(cleaned["my_domain_url"])
        if cleaned["my_domain_url"] and not address:
            wrong["my_domain_url"] = (
                "Enter the org's own address, like https://<company>.my.salesforce.com; the sign-in page that all orgs "
                "share does not do."
            )
        cleaned["my_domain_url"] = address
        number = cleaned["api_version"].lower().removeprefix("v").removesuffix(".0")
        cleaned["api_version"] = f"v{number}.0"
        if not number.isdecimal():
            wrong["api_version"] = f"Enter a version like {VERSION}."
        for name, (least, most) in RANGES.items():
            if not cleaned[name].isdecimal() or not least <= int(cleaned[name]) <= most:
                wrong[name] = f"Enter a number from {least} to {most}."
        for kind in OBJECT_SETTINGS:
            if not NAME.fullmatch(cleaned[f"{kind}_object"]):
                wrong[f"{kind}_object"] = f"Enter the API name of an object, like {KINDS[kind].object}."
        if cleaned["duplicates"] not in ("refuse", "allow"):
            wrong["duplicates"] = "Choose one of the values offered."
        try:
            parse_names(cleaned["field_names"])
        except ValueError as error:
            wrong["field_names"] = str(error)
        if wrong:
            raise ValueError(wrong)
        return cleaned

    def door(self, access: Access) -> OrgDoor:
        return self._door(access, ClientCredentials(access))

    def client(self, access: Access) -> SalesforceClient:
        return SalesforceClient(self.door(access), access)

    def rehearsal(self, access: Access, bound: Bound) -> SalesforceRehearsal:
        return SalesforceRehearsal(self.door(access).only(only_reads), access, bound)

    def check(self, access: Access, report: CheckReport) -> None:
        """With a token of its own: it proves the credentials, and the workers keep theirs."""
        sign_in = ClientCredentials(access, alone=True, keep_reserve=False)
        check.run(SalesforceClient(self._door(access, sign_in), access), sign_in, report)

    def fields(self, access: Access, kind: str) -> list[Field]:
        return fields.fields(self.client(access), kind)

    def missing(self, access: Access) -> list[Preparation]:
        return prepare.missing(self.client(access))

    def prepare(self, access: Access, keys: Sequence[str]) -> list[CheckStep]:
        """Afterwards the check must run again: it learns which fields are there."""
        sign_in = ClientCredentials(access)
        return prepare.prepare(SalesforceClient(self._door(access, sign_in), access), sign_in, keys)

    def link(self, config: Mapping[str, str], capabilities: Mapping[str, Any], kind: str, id_: str) -> str:
        """Salesforce sends whoever opens an Id below the My Domain to the record's page."""
        address = config.get("my_domain_url", "")
        return f"{address}/{id_}" if address.endswith(PUBLIC_DOMAIN) and is_id(id_) else ""

    def spellings(self, id_: str) -> Sequence[str]:
        """Old reports and addresses have 15 letters, where capitals count; the API gives 18."""
        return [long(id_)] if is_id(id_) and len(id_) == SHORT else []

    @staticmethod
    def _door(access: Access, sign_in: ClientCredentials) -> OrgDoor:
        config = access.config
        door = OrgDoor(
            config["my_domain_url"],
            access=access,
            errors=TABLE,
            parallel=int(config.get("parallel") or 4),
            room=Room(int(config.get("reserve") or 10)),
        )
        sign_in.serve(door)
        return door


def my_domain(pasted: str) -> str:
    """The My Domain address in what was pasted, also from the address bar of Lightning, Setup or a Visualforce page; ""
    where there is none."""
    parts = split(pasted) if pasted else None
    if parts is None or parts.hostname in SHARED_HOSTS:
        return ""
    host = parts.netloc
    for shown in (".lightning.force.com", ".my.salesforce-setup.com"):
        if host.endswith(shown):
            host = host.removesuffix(shown) + MY_DOMAIN
    if host.endswith(VISUALFORCE):
        org, _, rest = host.removesuffix(VISUALFORCE).partition(".")
        host = ".".join(filter(None, (org.rpartition("--")[0], rest))) + MY_DOMAIN
    return f"{parts.scheme}://{host}"
