"""What a metadata package says: objects, fields and permission sets (source: metadata-api guide)."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from .schema import Field

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
MAX_FILES = 10_000
EXTERNAL_ID_TYPES = frozenset({"Text", "Number", "Email", "AutoNumber"})
_KINDS = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Lookup": "reference",
    "MasterDetail": "reference",
}
_LENGTHS = {"TextArea": 255, "Email": 80, "Phone": 40, "Url": 255, "Picklist": 255, "MultiselectPicklist": 4099}
_DEVELOPER_NAME = re.compile(r"[A-Za-z](?!\w*___)\w*?(?<!_)__c")


class Problem(Exception):
    """A component that cannot be deployed."""


@dataclass(slots=True)
class ObjectPart:
    name: str
    file: str
    tree: ElementTree.Element
    fields: list[ElementTree.Element] = field(default_factory=list)


@dataclass(slots=True)
class Package:
    objects: list[ObjectPart] = field(default_factory=list)
    permission_sets: list[tuple[str, str, ElementTree.Element]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def text(tree: ElementTree.Element, path: str) -> str:
    found = tree.find("/".join(NAMESPACE + part for part in path.split("/")))
    return (found.text or "").strip() if found is not None else ""


def every(tree: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return tree.findall(NAMESPACE + name)


def truth(tree: ElementTree.Element, name: str) -> bool:
    return text(tree, name) == "true"


def read_package(content: bytes) -> Package:
    """Raises :class:`Problem` where the archive as a whole cannot be read."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        trees = {
            name: ElementTree.fromstring(archive.read(name))  # noqa: S314 read from our own tests and tools
            for name in archive.namelist()
            if not name.endswith("/")
        }
    except (zipfile.BadZipFile, ElementTree.ParseError) as error:
        raise Problem(f"the package cannot be read: {error}") from None
    if "package.xml" not in trees:
        raise Problem("No package.xml found")
    if len(trees) > MAX_FILES:
        raise Problem("too many files")
    package = Package()
    for name, tree in trees.items():
        stem = name.rpartition("/")[2].rpartition(".")[0]
        if name.startswith("objects/") and name.endswith(".object"):
            package.objects.append(ObjectPart(stem, name, tree, every(tree, "fields")))
        elif name.startswith("permissionsets/") and name.endswith(".permissionset"):
            package.permission_sets.append((stem, name, tree))
    package.missing = _missing(trees["package.xml"], package)
    return package


def _missing(manifest: ElementTree.Element, package: Package) -> list[str]:
    """Members the manifest names and the archive does not hold."""
    held = {("CustomObject", part.name) for part in package.objects}
    held |= {("PermissionSet", name) for name, _, _ in package.permission_sets}
    held |= {("CustomField", f"{p.name}.{text(f, 'fullName')}") for p in package.objects for f in p.fields}
    wanted = [
        (text(block, "name"), (member.text or "").strip())
        for block in every(manifest, "types")
        for member in every(block, "members")
    ]
    return [f"{kind} {name}" for kind, name in wanted if name != "*" and (kind, name) not in held]


def check_object(part: ObjectPart) -> None:
    """A custom object needs its labels, name field, deployment status and sharing model."""
    if not _DEVELOPER_NAME.fullmatch(part.name):
        raise Problem(f"{part.name} is not a valid developer name")
    for name in ("label", "pluralLabel", "deploymentStatus", "sharingModel"):
        if not text(part.tree, name):
            raise Problem(f"Required field is missing: {name}")
    if not text(part.tree, "nameField/type") or not text(part.tree, "nameField/label"):
        raise Problem("Required field is missing: nameField")
    if text(part.tree, "sharingModel") not in ("ReadWrite", "Read", "Private", "ControlledByParent"):
        raise Problem("Invalid sharingModel")


def to_field(tree: ElementTree.Element, known: set[str]) -> Field:
    """A custom field. ``known``: lower-case names of the objects a lookup may point to."""
    name, kind, formula = text(tree, "fullName"), text(tree, "type"), text(tree, "formula")
    if not _DEVELOPER_NAME.fullmatch(name):
        raise Problem(f"{name} is not a valid developer name")
    if kind not in _KINDS:
        raise Problem(f"{name}: unknown field type {kind}")
    if not text(tree, "label"):
        raise Problem(f"{name}: Required field is missing: label")
    external, unique = truth(tree, "externalId"), truth(tree, "unique")
    if external and kind not in EXTERNAL_ID_TYPES:
        raise Problem(f"{name}: Cannot set externalId for a field of type {kind}")
    if unique and kind not in ("Text", "Number", "Email"):
        raise Problem(f"{name}: Can not specify 'unique' for a field of type {kind}")
    more: dict[str, Any] = {}
    if kind in ("Number", "Currency", "Percent"):
        if not formula and not (text(tree, "precision") and text(tree, "scale")):
            raise Problem(f"{name}: Must specify 'precision' and 'scale' for a field of type {kind}")
        more = {"precision": int(text(tree, "precision") or 18), "scale": int(text(tree, "scale") or 2)}
    elif kind in ("Text", "LongTextArea") and not formula:
        most = 255 if kind == "Text" else 131_072
        length = text(tree, "length")
        if not length.isdigit() or not 0 < int(length) <= most:
            raise Problem(f"{name}: Must specify a 'length' up to {most} for a field of type {kind}")
        more = {"length": int(length)}
    elif kind in ("Lookup", "MasterDetail"):
        more = _lookup(tree, name, known)
    elif kind in ("Picklist", "MultiselectPicklist"):
        values = tree.iter(NAMESPACE + "value")
        listed = tuple(text(value, "fullName") for value in values if text(value, "fullName"))
        if not listed:
            raise Problem(f"{name}: Must specify a value set for a field of type {kind}")
        restricted = tree.find(f"{NAMESPACE}valueSet/{NAMESPACE}restricted")
        more = {"values": listed, "restricted": restricted is not None and restricted.text == "true"}
    if kind == "Checkbox":
        more["default"] = truth(tree, "defaultValue")
    more.setdefault("length", 18 if kind in ("Lookup", "MasterDetail") else _LENGTHS.get(kind, 255 if formula else 0))
    return Field(
        name,
        _KINDS[kind],
        text(tree, "label"),
        required=truth(tree, "required") or kind == "MasterDetail",
        unique=unique,
        external_id=external,
        case_sensitive=truth(tree, "caseSensitive"),
        formula=formula,
        custom=True,
        master=kind == "MasterDetail",
        **more,
    )


def _lookup(tree: ElementTree.Element, name: str, known: set[str]) -> dict[str, Any]:
    target, children = text(tree, "referenceTo"), text(tree, "relationshipName")
    if target.lower() not in known:
        raise Problem(f"{name}: referenceTo value of '{target}' does not resolve to a valid sObject type")
    if not children:
        raise Problem(f"{name}: Must specify 'relationshipName' for a lookup")
    return {"refs": (target,), "relationship": name.removesuffix("__c") + "__r", "children": f"{children}__r"}
