"""What an org lacks, and one deployment that creates it: objects, fields, a permission set and its assignment.

The rights to install are not the rights to run. Where the Run-As user may not change metadata, every step says what
its administrator has to create by hand.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connections import http
from connections.connectors.base import CheckStep, Document, Preparation
from connections.errors import Conflict, ConnectorError, RecordError, StreamRefused, TransientError
from connections.http import Call

from . import soql
from .auth import ClientCredentials
from .client import SalesforceClient
from .metadata import PERMISSION_LABEL, PERMISSION_SET, package
from .schema import KINDS, LOOKUP, PRECISION, TEXT, Field, Schema, is_custom

ACCESS = "permission_set"
DEPLOYMENTS = "/metadata/deployRequest"
FIRST_WAIT, LONGEST_WAIT, MOST_WAITS = 0.25, 4.0, 150
BY_HAND = (
    "Let a Salesforce administrator give the Run-As user “Modify Metadata Through Metadata API Functions” and "
    "“Customize Application” for this step only, or create it by hand in Setup → Object Manager: {what}. Then give the "
    "Run-As user a permission set with read and edit rights on it, and test again."
)


@dataclass
class Lack:
    """``objects`` that are absent, ``fields`` that are absent or invisible by kind, ``closed`` kinds without rights."""

    objects: list[str] = field(default_factory=list)
    fields: dict[str, list[Field]] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        return bool(self.objects or self.fields or self.closed)

    def granted(self, schema: Schema, fields: Mapping[str, list[Field]]) -> dict[str, list[Field]]:
        """What will be there by kind once ``fields`` are made."""
        found = {}
        for key in KINDS:
            left_out = [each for each in self.fields.get(key, ()) if each not in fields.get(key, ())]
            if key not in self.objects or key in fields:
                found[key] = [each for each in schema.creatable(key) if each not in left_out]
        return found

    def names(self) -> set[str]:
        found = {*self.objects, *(f"{kind}.{each.name}" for kind, all_ in self.fields.items() for each in all_)}
        return found | ({ACCESS} if self.anything else set())


def find_lack(client: SalesforceClient) -> Lack:
    """By describe, one call a kind. What we may not create (a standard or packaged object) is left to the check."""
    lack = Lack()
    schema = client.schema
    for key in KINDS:
        name = schema.object_of(key)
        found = describe(client, name)
        if found is None:
            if is_custom(name):
                lack.objects.append(key)
            continue
        known = {str(each["name"]).lower() for each in found.get("fields") or ()}
        absent = [each for each in schema.creatable(key) if schema.field(key, each.name).lower() not in known]
        if absent:
            lack.fields[key] = absent
        if is_custom(name) and not (found.get("createable") and found.get("updateable")):
            lack.closed.append(key)
    return lack


def describe(client: SalesforceClient, name: str) -> Document | None:
    """None: the org has no such object, or hides it from this user."""
    try:
        return client.describe(name)
    except StreamRefused:
        return None


def missing(client: SalesforceClient) -> list[Preparation]:
    lack = find_lack(client)
    schema = client.schema
    found = []
    for key, kind in KINDS.items():
        if key in lack.objects:
            names = ", ".join(schema.field(key, each.name) for each in kind.fields)
            detail = f"{schema.object_of(key)} with the fields {names}"
            by_hand = f"Setup → Object Manager → Create → Custom Object “{kind.label}”, then {_manual(client, key)}."
            found.append(Preparation(key, f"Object “{kind.label}”", detail, "Objects", by_hand))
        for each in lack.fields.get(key, ()):
            label = f"Field “{each.label}” on {kind.label}"
            name = f"{key}.{each.name}"
            by_hand = f"Setup → Object Manager → Fields & Relationships → New: {_manual(client, name)}."
            found.append(Preparation(name, label, _definition(client, key, each), f"Fields on {kind.plural}", by_hand))
    if lack.anything:
        detail = f"{PERMISSION_SET}: the Run-As user may read and edit all of these; new fields are visible to nobody."
        by_hand = (
            f"Setup → Permission Sets → New “{PERMISSION_LABEL}” ({PERMISSION_SET}): read and edit rights on all "
            "objects and fields above, then Manage Assignments → the Run-As user."
        )
        found.append(Preparation(ACCESS, f"Permission set “{PERMISSION_LABEL}”", detail, "Permissions", by_hand))
    return found


def _definition(client: SalesforceClient, key: str, each: Field) -> str:
    name = client.schema.field(key, each.name)
    if each.type == LOOKUP:
        return f"{name}, lookup to {client.schema.object_of(each.to)}"
    size = f" of {each.length}" if each.type == TEXT else ""
    if each.decimals is not None:
        size = f" of {PRECISION - each.decimals} digits and {each.decimals} decimals"
    return f"{name}, {each.type.lower()}{size}{', external id, unique' if each.key else ''}"


def prepare(client: SalesforceClient, sign_in: ClientCredentials, keys: Sequence[str]) -> list[CheckStep]:
    """Creates what is named in one deployment, all or nothing, and looks whether it is there. Repeating is harmless."""
    lack = find_lack(client)
    wanted = set(keys) & lack.names()
    trouble = None
    if wanted:
        objects = [key for key in lack.objects if key in wanted]
        fields = {
            **{key: list(client.schema.creatable(key)) for key in objects},
            **{
                key: chosen
                for key, all_ in lack.fields.items()
                if (chosen := [each for each in all_ if f"{key}.{each.name}" in wanted])
            },
        }
        try:
            granted = lack.granted(client.schema, fields)
            deploy(client, package(client.schema, objects, fields, granted, client.version))
            assign(client, sign_in.user_id)
        except (RecordError, StreamRefused) as error:
            trouble = error
        lack = find_lack(client)
    return [_step(client, key, lack, trouble) for key in keys]


def _step(client: SalesforceClient, key: str, lack: Lack, trouble: ConnectorError | None) -> CheckStep:
    kind, _, name = key.partition(".")
    label = PERMISSION_LABEL if key == ACCESS else f"{KINDS[kind].label}{': ' + name if name else ''}"
    if key not in lack.names():
        return CheckStep(key, label, "ok", "Ready.")
    text = trouble.text if trouble else "Deployed, but not visible to the Run-As user."
    return CheckStep(key, label, "failed", text, BY_HAND.format(what=_manual(client, key)))


def _manual(client: SalesforceClient, key: str) -> str:
    kind, _, name = key.partition(".")
    if key == ACCESS:
        return f"the permission set {PERMISSION_SET}"
    chosen = [each for each in KINDS[kind].fields if name in ("", each.name)]
    fields = "; ".join(_definition(client, kind, each) for each in chosen)
    return f"on {client.schema.object_of(kind)}: {fields}"


def deploy(client: SalesforceClient, content: bytes) -> None:
    """One deployment, waited for. Raises ``StreamRefused`` with what the org objects to."""
    options = {
        "singlePackage": True,
        "rollbackOnError": True,
        "checkOnly": False,
        "allowMissingFiles": False,
        "ignoreWarnings": False,
        "purgeOnDelete": False,
    }
    body, kind = _multipart({"deployOptions": options}, content)
    headers = {**client.write_headers, "Content-Type": kind}
    call = Call("POST", client.path(DEPLOYMENTS), data=body, headers=headers, idempotent=True, label="the deployment")
    answer = client.door.send(call).body
    result = _result(answer)
    for turn in range(MOST_WAITS):
        if str(result.get("done")).lower() == "true":
            break
        client.access.tick()
        http.pause(min(FIRST_WAIT * 2**turn, LONGEST_WAIT))
        path = f"{DEPLOYMENTS}/{answer['id']}"
        result = _result(client.get(path, {"includeDetails": "true"}, "the deployment").body)
    else:
        raise TransientError("Salesforce is still deploying. Run Prepare again later.", code="salesforce_deploy_slow")
    if str(result.get("status")) not in ("Succeeded", "SucceededPartial"):
        text = f"Salesforce refused the deployment: {'; '.join(_failures(result)) or result.get('errorMessage') or '?'}"
        raise StreamRefused(text[:2000], code="salesforce_deploy_failed", detail={"status": str(result.get("status"))})


def _result(body: Any) -> Document:
    found = body.get("deployResult") if isinstance(body, Mapping) else None
    return dict(found or {})


def _failures(result: Mapping[str, Any]) -> list[str]:
    details = (result.get("details") or {}).get("componentFailures") or []
    listed: Iterable[Mapping[str, Any]] = [details] if isinstance(details, Mapping) else details
    return [f"{each.get('fullName')}: {each.get('problem')}" for each in listed]


def _multipart(options: Document, content: bytes) -> tuple[bytes, str]:
    boundary = f"part-{uuid.uuid4().hex}"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="json"\r\nContent-Type: application/json\r\n\r\n'
        f"{json.dumps(options)}\r\n"
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="deploy.zip"\r\n'
        "Content-Type: application/zip\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def assign(client: SalesforceClient, user_id: str) -> None:
    """Gives the permission set to the Run-As user; having it already is fine."""
    text = soql.select(["Id"], "PermissionSet", [f"Name = {soql.quoted(PERMISSION_SET)}"])
    found = client.query(text, label="permission sets")
    if not found or not user_id:
        return
    body = {"AssigneeId": user_id, "PermissionSetId": found[0]["Id"]}
    path = client.path("/sobjects/PermissionSetAssignment")
    call = Call("POST", path, json=body, headers=client.write_headers, idempotent=True, label="the permission set")
    try:
        client.door.send(call)
    except Conflict:
        return
