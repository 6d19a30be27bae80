"""The seeds of people's second factors, encrypted like the credentials of connections."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.db import transaction

from connections.fields import box, on_current_key
from connections.rotation import Survey

SEALED = ("secret", "seed")
"""Where in its data an authenticator holds what ``encrypt`` made."""


class Adapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return box().encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        return box().decrypt(encrypted_text.encode("ascii")).decode()


def count(counts: Survey) -> None:
    """Adds to what ``connections.rotation.survey`` found."""
    for authenticator in Authenticator.objects.all():
        for sealed in _sealed(authenticator).values():
            if on_current_key(sealed):
                counts.current += 1
            elif _resealed(sealed) is not None:
                counts.older += 1
            else:
                counts.unreadable += 1


def rotate() -> int:
    """Seals anew what an older key holds. Returns how many."""
    moved = 0
    for pk in Authenticator.objects.values_list("pk", flat=True):
        with transaction.atomic():
            # The row as it stands now: its data also says which codes are used up.
            authenticator = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if authenticator is None:
                continue
            old = {name: text for name, text in _sealed(authenticator).items() if not on_current_key(text)}
            fresh = {name: sealed for name, text in old.items() if (sealed := _resealed(text)) is not None}
            if fresh:
                authenticator.data = {**authenticator.data, **fresh}
                authenticator.save(update_fields=["data"])
                moved += len(fresh)
    return moved


def _sealed(authenticator: Authenticator) -> dict[str, str]:
    return {name: authenticator.data[name] for name in SEALED if name in authenticator.data}


def _resealed(sealed: str) -> str | None:
    try:
        return box().rotate(sealed.encode("ascii")).decode("ascii")
    except InvalidToken:
        return None
