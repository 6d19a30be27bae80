"""Objects, fields and the permission set as metadata: what a deployment takes. No network."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from .schema import CHECKBOX, DATE, DATETIME, KINDS, LOOKUP, PRECISION, Field, Kind, Schema, is_custom

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
PERMISSION_SET = "Fusion_Sync"
PERMISSION_LABEL = "Fusion Sync"
RELATIONSHIPS = {"purchase_order_line.Purchase_Order__c": "Purchase_Order_Lines"}
"""Names of child relationships that are read; the others follow from the object's name."""
PLAIN = (DATE, DATETIME)


FieldsByKind = Mapping[str, Sequence[Field]]


def package(schema: Schema, objects: Sequence[str], fields: FieldsByKind, granted: FieldsByKind, version: str) -> bytes:
    """The zip: ``objects`` are kinds to be made whole, ``fields`` those to be added by kind, ``granted`` all that will
    then be there and that the permission set opens, since a new field is visible to nobody."""
    members: dict[str, list[str]] = {"CustomObject": [], "CustomField": [], "PermissionSet": [PERMISSION_SET]}
    files: dict[str, str] = {}
    for key, added in fields.items():
        name, whole = schema.object_of(key), key in objects
        files[f"objects/{name}.object"] = _object(schema, KINDS[key], added, whole)
        if whole:
            members["CustomObject"].append(name)
        members["CustomField"] += [f"{name}.{schema.field(key, field.name)}" for field in added]
    files[f"permissionsets/{PERMISSION_SET}.permissionset"] = permission_set(schema, granted)
    files["package.xml"] = _package(members, version)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def permission_set(schema: Schema, granted: FieldsByKind) -> str:
    """Rights to everything we use. Required and master-detail fields cannot be named in one, and we have none."""
    root = Element("PermissionSet", xmlns=NAMESPACE)
    _texts(root, label=PERMISSION_LABEL, description="What the sync with Oracle Fusion reads and writes.")
    for key, fields in granted.items():
        for field in fields:
            entry = SubElement(root, "fieldPermissions")
            _texts(entry, field=f"{schema.object_of(key)}.{schema.field(key, field.name)}")
            _texts(entry, readable="true", editable="true")
    for key in granted:
        kind = KINDS[key]
        if kind.standard or is_custom(schema.object_of(key)):
            entry = SubElement(root, "objectPermissions")
            _texts(entry, object=schema.object_of(key), allowRead="true", allowCreate="true", allowEdit="true")
            delete = "false" if kind.standard else "true"
            _texts(entry, allowDelete=delete, viewAllRecords="false", modifyAllRecords="false")
    return _text(root)


def _object(schema: Schema, kind: Kind, fields: Iterable[Field], whole: bool) -> str:
    root = Element("CustomObject", xmlns=NAMESPACE)
    if whole:
        _texts(root, label=kind.label, pluralLabel=kind.plural, deploymentStatus="Deployed", sharingModel="ReadWrite")
        number = SubElement(root, "nameField")
        _texts(number, label=f"{kind.label} Number", type="AutoNumber", displayFormat=kind.prefix)
    for field in fields:
        _field(SubElement(root, "fields"), schema, kind, field)
    return _text(root)


def _field(entry: Element, schema: Schema, kind: Kind, field: Field) -> None:
    name = schema.field(kind.key, field.name)
    _texts(entry, fullName=name, label=field.label, type=field.type)
    if field.type == LOOKUP:
        plural = RELATIONSHIPS.get(f"{kind.key}.{field.name}") or kind.plural.replace(" ", "_")
        _texts(entry, referenceTo=schema.object_of(field.to), relationshipName=plural)
        _texts(entry, relationshipLabel=kind.plural, deleteConstraint="SetNull", required="false")
    elif field.decimals is not None:
        _texts(entry, precision=str(PRECISION), scale=str(field.decimals), required="false")
    elif field.type == CHECKBOX:
        _texts(entry, defaultValue="false")
    elif field.type in PLAIN:
        _texts(entry, required="false")
    else:
        _texts(entry, length=str(field.length), required="false")
        if field.key:
            _texts(entry, externalId="true", unique="true", caseSensitive="false")


def _package(members: Mapping[str, Sequence[str]], version: str) -> str:
    root = Element("Package", xmlns=NAMESPACE)
    for name, listed in members.items():
        if listed:
            types = SubElement(root, "types")
            for member in listed:
                SubElement(types, "members").text = member
            _texts(types, name=name)
    _texts(root, version=version.removeprefix("v"))
    return _text(root)


def _texts(parent: Element, **values: str) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = value


def _text(root: Element) -> str:
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")
