"""Salesforce as a connector: its settings, its door, and what the rest of the product may ask of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from connections.connectors.base import Access, CheckReport, CheckStep, Preparation, Setting, Stream
from connections.connectors.registry import register

from . import check, prepare
from .auth import ClientCredentials
from .client import SalesforceClient
from .errors import TABLE
from .line import OrgDoor, Room
from .schema import KINDS, OBJECT_SETTINGS, parse_names
from .streams import STREAMS

VERSION = "v66.0"
RANGES = {"reserve": (0, 90), "page_size": (1, 2000), "bulk_above": (200, 1_000_000), "parallel": (1, 8)}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
SHARED_HOSTS = ("login.salesforce.com", "test.salesforce.com")

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
        "OAuth Settings → Consumer Key and Secret. A connected app made earlier works as well.",
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
            wrong["my_domain_url"] = "Enter the org's own address, like https://<company>.my.salesforce.com."
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

    def check(self, access: Access) -> CheckReport:
        """With a token of its own: it proves the credentials, and the workers keep theirs."""
        sign_in = ClientCredentials(access, alone=True, keep_reserve=False)
        return check.run(SalesforceClient(self._door(access, sign_in), access), sign_in)

    def missing(self, access: Access) -> list[Preparation]:
        return prepare.missing(self.client(access))

    def prepare(self, access: Access, keys: Sequence[str]) -> list[CheckStep]:
        """Afterwards the check must run again: it learns which fields are there."""
        sign_in = ClientCredentials(access)
        return prepare.prepare(SalesforceClient(self._door(access, sign_in), access), sign_in, keys)

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
    """The My Domain address in what was pasted, also from the address bar of Lightning; "" where there is none."""
    parts = urlsplit(pasted if "//" in pasted else f"https://{pasted}")
    if not pasted or not parts.hostname or parts.username or parts.hostname in SHARED_HOSTS:
        return ""
    host = parts.netloc.lower()
    for shown in (".lightning.force.com", ".my.salesforce-setup.com"):
        if host.endswith(shown):
            host = host.removesuffix(shown) + ".my.salesforce.com"
    return f"{parts.scheme}://{host}"
