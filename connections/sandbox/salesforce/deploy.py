"""Metadata deployments over REST (source: metadata-api, deploy-metadata-with-apex-testing-using-rest)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

from connections.sandbox.http import Response

from .calls import Call, truth
from .errors import Refusal, not_found
from .ids import base62
from .multipart import parts_of
from .org import Org
from .package import ObjectPart, Package, Problem, check_object, every, read_package, text, to_field
from .package import truth as said
from .rows import Row
from .schema import CURRENCY, OWNER, SYSTEM_FIELDS, Field, SObject

_RIGHTS = {
    "allowRead": "PermissionsRead",
    "allowCreate": "PermissionsCreate",
    "allowEdit": "PermissionsEdit",
    "allowDelete": "PermissionsDelete",
    "viewAllRecords": "PermissionsViewAllRecords",
    "modifyAllRecords": "PermissionsModifyAllRecords",
}


@dataclass(slots=True)
class Deployment:
    """One request and its outcome."""

    id: str
    options: dict[str, Any]
    successes: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    polls: int = 0
    stamp: str = ""


def start(call: Call) -> Response:
    """201 and Pending; the outcome comes by polling. The part ``json`` holds the options, ``file`` the archive."""
    org = call.org
    if not org.switches["may_deploy"]:
        raise Refusal(403, "INSUFFICIENT_ACCESS", "use of the Metadata API requires a user with the ModifyAllData or "
                                                  "ModifyMetadata permissions")  # fmt: skip
    parts = parts_of(call.request)
    try:
        options = json.loads(parts["json"])["deployOptions"]
    except (KeyError, ValueError, TypeError):
        raise Refusal(400, "INVALID_MULTIPART_REQUEST", "the part json with deployOptions is missing") from None
    if "file" not in parts:
        raise Refusal(400, "INVALID_MULTIPART_REQUEST", "the part file is missing")
    with org.store.transaction():
        deployment = Deployment(org.rows.next_id("0Af"), options, stamp=org.now())
    deploy(org, deployment, parts["file"])
    org.deployments[deployment.id] = deployment
    result = {"id": deployment.id, "status": "Pending", "done": False, "success": False}
    return Response(201, {"id": deployment.id, "deployOptions": options, "deployResult": result})


def status(call: Call) -> Response:
    deployment = call.org.deployments.get(call.parts["id"])
    if deployment is None:
        raise not_found()
    pending = deployment.polls < call.org.switches["deploy_polls"]
    deployment.polls += 1
    result = _result(deployment, pending, details=call.flag("includeDetails"))
    if call.org.switches["deploy_strings"]:
        result = {name: _as_text(value) for name, value in result.items()}
    return Response(200, {"id": deployment.id, "deployOptions": deployment.options, "deployResult": result})


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def _result(deployment: Deployment, pending: bool, *, details: bool) -> dict[str, Any]:
    failed = bool(deployment.failures or deployment.error)
    partial = failed and bool(deployment.successes) and not truth(deployment.options.get("rollbackOnError", True))
    outcome = "SucceededPartial" if partial else "Failed" if failed else "Succeeded"
    result: dict[str, Any] = {
        "id": deployment.id,
        "status": "InProgress" if pending else outcome,
        "done": not pending,
        "success": not pending and not failed,
        "checkOnly": truth(deployment.options.get("checkOnly", False)),
        "rollbackOnError": truth(deployment.options.get("rollbackOnError", True)),
        "createdDate": deployment.stamp,
        "numberComponentsDeployed": 0 if pending else len(deployment.successes),
        "numberComponentsTotal": len(deployment.successes) + len(deployment.failures),
        "numberComponentErrors": 0 if pending else len(deployment.failures),
        "numberTestsTotal": 0,
        "runTestsEnabled": False,
    }
    if deployment.error and not pending:
        result["errorMessage"] = deployment.error
    if details and not pending:
        result["details"] = {"componentSuccesses": deployment.successes, "componentFailures": deployment.failures}
    return result


def deploy(org: Org, deployment: Deployment, content: bytes) -> None:
    """Check the whole package, then take over what is good, unless it is a preview or rolled back."""
    try:
        package = read_package(content)
    except Problem as problem:
        deployment.error = str(problem)
        return
    for name in package.missing:
        _fail(deployment, "package.xml", name, "", f"In package.xml: no source file for {name}")
    changed = _objects(org, deployment, package)
    grants = _permission_sets(deployment, package, org.schema | {each.name.lower(): each for each in changed})
    rollback = truth(deployment.options.get("rollbackOnError", True))
    if truth(deployment.options.get("checkOnly", False)) or (deployment.failures and rollback):
        return
    with org.store.transaction():
        org.save_schema(changed)
        for name, label, rows in grants:
            grant(org, name, label, rows)
    org.rights_changed()


def _fail(deployment: Deployment, file: str, name: str, kind: str, problem: str) -> None:
    entry = {"fileName": file, "fullName": name, "componentType": kind, "problem": problem}
    deployment.failures.append(entry | {"problemType": "Error", "success": False, "created": False})


def _pass(deployment: Deployment, file: str, name: str, kind: str, created: bool) -> None:
    entry = {"fileName": file, "fullName": name, "componentType": kind, "success": True}
    deployment.successes.append(entry | {"created": created, "changed": True})


def _objects(org: Org, deployment: Deployment, package: Package) -> list[SObject]:
    known = set(org.schema) | {part.name.lower() for part in package.objects}
    changed: list[SObject] = []
    for part in package.objects:
        old = org.schema.get(part.name.lower())
        try:
            if old is None:
                check_object(part)
            base = old or _new_object(org, part, len(changed))
        except Problem as problem:
            _fail(deployment, part.file, part.name, "CustomObject", str(problem))
            continue
        fields = dict(base.fields)
        for tree in part.fields:
            name = text(tree, "fullName")
            try:
                new = to_field(tree, known)
                _check_change(fields.get(name.lower()), new)
            except Problem as problem:
                _fail(deployment, part.file, f"{part.name}.{name}", "CustomField", str(problem))
                continue
            _pass(deployment, part.file, f"{part.name}.{name}", "CustomField", name.lower() not in fields)
            fields[name.lower()] = new
        if old is None or old.custom:
            _pass(deployment, part.file, part.name, "CustomObject", old is None)
        changed.append(replace(base, fields=fields))
    return changed


def _check_change(old: Field | None, new: Field) -> None:
    if old and old.type != new.type:
        raise Problem(f"{new.name}: Cannot update a field from {old.type} to {new.type}")


def _new_object(org: Org, part: ObjectPart, offset: int) -> SObject:
    number = sum(1 for each in org.schema.values() if each.custom) + offset
    name = Field("Name", "string", text(part.tree, "nameField/label"), 80)
    auto = text(part.tree, "nameField/type") == "AutoNumber"
    name = replace(name, createable=False, updateable=False) if auto else replace(name, required=True)
    empty = SObject(part.name, text(part.tree, "label"), f"a{base62(number, 2)}", custom=True, auto_name=auto)
    return empty.with_fields([*SYSTEM_FIELDS, OWNER, CURRENCY, name])


Grant = tuple[str, str, list[tuple[str, dict[str, Any]]]]


def _permission_sets(deployment: Deployment, package: Package, schema: dict[str, SObject]) -> list[Grant]:
    found: list[Grant] = []
    for name, file, tree in package.permission_sets:
        try:
            rows = [_object_grant(each, schema) for each in every(tree, "objectPermissions")]
            rows += [_field_grant(each, schema) for each in every(tree, "fieldPermissions")]
            if not text(tree, "label"):
                raise Problem("Required field is missing: label")
        except Problem as problem:
            _fail(deployment, file, name, "PermissionSet", str(problem))
            continue
        _pass(deployment, file, name, "PermissionSet", True)
        found.append((name, text(tree, "label"), rows))
    return found


def _object_grant(tree: ElementTree.Element, schema: dict[str, SObject]) -> tuple[str, dict[str, Any]]:
    name = text(tree, "object")
    if name.lower() not in schema:
        raise Problem(f"In field: object - no CustomObject named {name} found")
    rights = {column: said(tree, right) for right, column in _RIGHTS.items()}
    if any(rights[column] for column in ("PermissionsCreate", "PermissionsEdit")) and not rights["PermissionsRead"]:
        raise Problem(f"Permission Create or Edit {name} depends on permission(s): Read {name}")
    return "ObjectPermissions", {"SobjectType": schema[name.lower()].name, **rights}


def _field_grant(tree: ElementTree.Element, schema: dict[str, SObject]) -> tuple[str, dict[str, Any]]:
    """Required and master-detail fields cannot be granted: they are always visible."""
    full = text(tree, "field")
    object_name, _, field_name = full.partition(".")
    sobject = schema.get(object_name.lower())
    found = sobject.get(field_name) if sobject else None
    if sobject is None or found is None:
        raise Problem(f"In field: field - no CustomField named {full} found")
    if found.required or found.master:
        raise Problem(f"You cannot deploy to a required field: {full}")
    edit = said(tree, "editable")
    if edit and found.formula:
        raise Problem(f"Field {full} is not editable")
    return "FieldPermissions", {
        "SobjectType": sobject.name,
        "Field": f"{sobject.name}.{found.name}",
        "PermissionsRead": said(tree, "readable") or edit,
        "PermissionsEdit": edit,
    }


def grant(org: Org, name: str, label: str, grants: list[tuple[str, dict[str, Any]]]) -> None:
    """Keep a permission set as rows; what an older deployment granted stays where it is not said anew."""
    known = next((row for row in org.rows.many("PermissionSet") if row.doc["Name"].lower() == name.lower()), None)
    parent = known or insert(org, "PermissionSet", {"Name": name, "Label": label})
    for kind, doc in grants:
        key = doc.get("Field") or doc["SobjectType"]
        old = [
            row
            for row in org.rows.many(kind)
            if row.doc["ParentId"] == parent.id and (row.doc.get("Field") or row.doc["SobjectType"]) == key
        ]
        if old:
            old[0].doc |= doc
            with org.store.transaction() as cursor:
                org.rows.update(cursor, org.schema[kind.lower()], old[0])
        else:
            insert(org, kind, {"ParentId": parent.id, **doc})


def insert(org: Org, kind: str, doc: dict[str, Any]) -> Row:
    sobject = org.schema[kind.lower()]
    now = org.now()
    with org.store.transaction() as cursor:
        row = Row(org.rows.next_id(sobject.prefix), kind, doc, now, now, now)
        org.rows.insert(cursor, sobject, row)
    return row
