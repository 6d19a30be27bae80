"""A JSON object at rest as ciphertext that opens only in the row, the column and the tenant it was sealed for."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from fernet_fields.hkdf import derive_fernet_key

if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field

HIDDEN = "<encrypted>"


class SealBroken(Exception):
    """The ciphertext is not of this row, or no key opens it."""


class Sealed(str):
    """Ciphertext as the database holds it. Shows nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN


class Opened(dict[str, Any]):
    """The plain object, knowing the row it belongs to; shows nothing."""

    def __init__(self, values: dict[str, Any], owner: models.Model, column: str) -> None:
        super().__init__(values)
        self._owner = owner
        self._column = column

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def seal(self) -> Sealed:
        text = json.dumps({"of": _place(self._owner, self._column), "is": dict(self)}, separators=(",", ":"))
        return Sealed(box().encrypt(text.encode()).decode("ascii"))


def _place(owner: models.Model, column: str) -> list[str]:
    """What a seal is bound to. ``seal_id`` stands for the row, whose number is unknown before it is inserted."""
    tenant = owner.tenant_id  # type: ignore[attr-defined]
    if tenant is None:
        raise SealBroken(f"{column}: a row without tenant cannot be sealed")
    return [str(tenant), str(owner.seal_id), column]  # type: ignore[attr-defined]


def keys() -> tuple[str, ...]:
    """Keys in use, the current one first. Never falls back to SECRET_KEY."""
    found = tuple(getattr(settings, "FERNET_KEYS", ()))
    if not found:
        raise ImproperlyConfigured("FERNET_KEYS is empty: credentials cannot be stored.")
    return found


@lru_cache(maxsize=16)
def _fernet(key: str) -> Fernet:
    return Fernet(derive_fernet_key(key))


def box() -> MultiFernet:
    return MultiFernet([_fernet(key) for key in keys()])


def on_current_key(sealed: str) -> bool:
    try:
        _fernet(keys()[0]).decrypt(sealed.encode("ascii"))
    except InvalidToken:
        return False
    return True


def _open(sealed: Sealed, owner: models.Model, column: str) -> dict[str, Any]:
    try:
        content = json.loads(box().decrypt(sealed.encode("ascii")))
    except InvalidToken:
        raise SealBroken(f"{column}: no key of FERNET_KEYS opens it") from None
    if content["of"] != _place(owner, column):
        raise SealBroken(f"{column}: sealed for another row")
    values: dict[str, Any] = content["is"]
    return values


class _Attribute(DeferredAttribute):
    """Opens on first use: a list of rows decrypts nothing."""

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        if instance is None:
            return self
        column = self.field.attname
        if column not in instance.__dict__:
            super().__get__(instance, cls)
        value = instance.__dict__[column]
        if isinstance(value, Opened) or not isinstance(value, Sealed | dict):
            return value
        plain = _open(value, instance, column) if isinstance(value, Sealed) else value
        opened = instance.__dict__[column] = Opened(plain, instance, column)
        return opened

    def __set__(self, instance: models.Model, value: Any) -> None:
        # A copy: the object of another row must not bring that row's seal along.
        instance.__dict__[self.field.attname] = dict(value) if isinstance(value, Opened) else value


class EncryptedJSONField(_Field):
    """A JSON object, or None where the column allows it.

    The model has ``tenant`` and ``seal_id`` (a random UUID of the row). Not editable, not searchable; dumps show
    ``<encrypted>``. Change it by saving an instance: ``QuerySet.update`` cannot know the row and is refused.
    """

    descriptor_class = _Attribute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("primary_key") or kwargs.get("unique") or kwargs.get("db_index"):
            raise ImproperlyConfigured("An encrypted field cannot be a key or an index.")
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        return "TextField"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        if isinstance(value, Opened):
            return str.__str__(value.seal())
        if isinstance(value, Sealed):
            return str.__str__(value)
        raise TypeError(f"{self.name} is sealed to its row: set it on an instance and save that")

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted and cannot be searched")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is encrypted and cannot be searched")

    def to_python(self, value: Any) -> Any:
        """A loaded fixture holds no credentials; they are entered again."""
        return {} if value == HIDDEN else value

    def value_to_string(self, obj: models.Model) -> str:
        return HIDDEN

    def value_from_object(self, obj: models.Model) -> Any:
        """What serializers ask: never the plain object."""
        return None if obj.__dict__.get(self.attname, HIDDEN) is None else _Hidden()


class _Hidden:
    """Stands for the value in dumps; of a type no serializer writes as it is."""

    def __str__(self) -> str:
        return HIDDEN

    __repr__ = __str__
