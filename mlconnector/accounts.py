"""How people's accounts behave: mails that name the product and lead to its own address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest

_BASE = settings.BASE_URL.rstrip("/")
log = structlog.get_logger(__name__)


class Adapter(DefaultAccountAdapter):
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail that cannot be sent is said on the page: the account stands, and the mail can be asked for again."""
        request = current.request
        rebased = {name: _rebased(value, request.get_host()) for name, value in context.items()}
        try:
            super().send_mail(template_prefix, email, {**rebased, "base_url": _BASE})
        except OSError:
            log.exception("mail not sent", template=template_prefix)
            messages.error(request, "The mail could not be sent. Try again in a few minutes.")


def _rebased(value: Any, host: str) -> Any:
    """A link to the host of the present request as one to the product's own address."""
    if not isinstance(value, str) or "://" not in value or urlsplit(value).netloc != host:
        return value
    parts = urlsplit(value)
    return f"{_BASE}{parts._replace(scheme='', netloc='').geturl()}"


def mailbox(request: HttpRequest) -> dict[str, str]:
    """For templates: where mail is to be read, if not in people's own mailboxes."""
    return {"mailbox_url": settings.MAILBOX_URL}
