"""An account from signing up to two-step sign-in, as a person walks it: every page, every mail, every link."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from mlconnector.tenants import services
from mlconnector.tenants.models import Invitation, Membership, Role, Tenant

pytestmark = [pytest.mark.django_db, pytest.mark.either_database]
ADDRESS, PASSWORD = "ann@meridian.example", "correct-horse-battery"
SIGN_UP, SIGN_IN = "/accounts/signup/", "/accounts/login/"


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def visitor() -> Client:
    """Reaches the product under another name than its own."""
    return Client(headers={"host": "inner.example"})


def link_in(message: Any) -> str:
    """The path of the mail's link, which leads to the product's own address."""
    link = next(line for line in message.body.splitlines() if line.startswith("http") and line != settings.BASE_URL)
    assert link.startswith(f"{settings.BASE_URL}/")
    return link.removeprefix(settings.BASE_URL)


def text_of(answer: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def sign_up(visitor: Client, **values: str) -> HttpResponse:
    return visitor.post(SIGN_UP, {"email": ADDRESS, "password1": PASSWORD, **values}, follow=True)


@pytest.fixture
def ann(db: None) -> Any:
    user = get_user_model().objects.create_user("ann", ADDRESS, PASSWORD)
    EmailAddress.objects.create(user=user, email=ADDRESS, verified=True, primary=True)
    return user


def test_from_signing_up_to_a_workspace(visitor: Client) -> None:
    assert "Look into your mailbox" in text_of(sign_up(visitor))
    message = mail.outbox[0]
    assert message.subject == "Confirm your e-mail address for ml-connector"
    assert "inner.example" not in message.body
    assert "example.com" not in message.body
    confirm = link_in(message)
    assert ADDRESS in text_of(visitor.get(confirm))
    assert not EmailAddress.objects.get().verified, "a program that only looks at links confirms nothing"
    answer = visitor.post(confirm, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("tenants:new")
    assert "Your workspace" in text_of(answer)


def test_a_demonstration_says_where_its_mail_is(visitor: Client, settings: Any) -> None:
    settings.MAILBOX_URL = "http://127.0.0.1:9100/#mail"
    assert 'href="http://127.0.0.1:9100/#mail"' in sign_up(visitor).content.decode()


def test_a_confirmation_in_another_browser_leads_to_signing_in(visitor: Client, client: Client) -> None:
    sign_up(visitor)
    answer = client.post(link_in(mail.outbox[0]), follow=True)
    assert answer.redirect_chain[-1][0] == SIGN_IN
    assert f"{ADDRESS} is confirmed" in text_of(answer)
    answer = client.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD}, follow=True)
    assert "Your workspace" in text_of(answer)


def test_nobody_signs_in_before_the_address_is_confirmed(visitor: Client, client: Client) -> None:
    sign_up(visitor)
    answer = client.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD}, follow=True)
    assert "Look into your mailbox" in text_of(answer)
    assert client.get(reverse("tenants:new")).status_code == 302


def test_a_taken_address_is_told_to_its_owner_only(visitor: Client, ann: Any) -> None:
    assert "Look into your mailbox" in text_of(sign_up(visitor))
    assert mail.outbox[0].subject == "You have an account at ml-connector already"
    assert link_in(mail.outbox[0]) == reverse("account_reset_password")
    assert get_user_model().objects.count() == 1


def test_weak_passwords_are_refused(visitor: Client) -> None:
    assert "too common" in text_of(sign_up(visitor, password1="password"))
    assert not get_user_model().objects.exists()


def test_a_forgotten_password_is_replaced(visitor: Client, ann: Any) -> None:
    visitor.post(reverse("account_reset_password"), {"email": ADDRESS})
    link = link_in(mail.outbox[0])
    shown = visitor.get(link, follow=True)
    answer = visitor.post(
        shown.redirect_chain[-1][0],
        {"password1": "another-long-phrase", "password2": "another-long-phrase"},
        follow=True,
    )
    assert "Your workspace" in text_of(answer)
    assert mail.outbox[-1].subject == "Your password for ml-connector was changed"
    assert f"{settings.BASE_URL}/accounts/password/reset/" in mail.outbox[-1].body
    assert "This link is not valid" in text_of(Client().get(link, follow=True))


def test_an_unknown_address_gets_a_mail_and_the_page_says_nothing(visitor: Client) -> None:
    answer = visitor.post(reverse("account_reset_password"), {"email": "who@x.example"}, follow=True)
    assert "A mail with a link" in text_of(answer)
    assert link_in(mail.outbox[0]) == SIGN_UP


def test_guessing_is_slowed_down(visitor: Client, ann: Any) -> None:
    answers = [visitor.post(SIGN_IN, {"login": ADDRESS, "password": f"guess-{number}"}) for number in range(6)]
    assert "Too many failed" in text_of(answers[-1])
    right = visitor.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD})
    assert right.status_code == 200


def test_signing_up_without_end_is_stopped(visitor: Client) -> None:
    last = [visitor.post(SIGN_UP, {}) for _ in range(21)][-1]
    assert last.status_code == 429
    assert "Too many tries" in text_of(last)


def test_a_mail_that_cannot_be_sent_is_said(visitor: Client, monkeypatch: Any) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    assert "The mail could not be sent" in text_of(sign_up(visitor))
    monkeypatch.undo()
    cache.clear()
    visitor.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD})
    assert link_in(mail.outbox[0])


# Two-step sign-in -----------------------------------------------------------------------------------------------------


def code_of(secret: str) -> str:
    _, now, _ = yield_hotp_counters_from_time()
    return str(format_hotp_value(hotp_value(secret, now)))


def guarded(client: Client, name: str) -> HttpResponse:
    """A page for which the password is asked again first."""
    asked = client.get(reverse(name), follow=True)
    assert "Enter your password again" in text_of(asked)
    return client.post(asked.redirect_chain[-1][0], {"password": PASSWORD}, follow=True)


def test_two_step_sign_in_from_setting_up_to_a_recovery_code(transactional_db: None, ann: Any, visitor: Client) -> None:
    visitor.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD})
    assert "a stolen password is not enough" in text_of(visitor.get(reverse("mfa_index")))
    shown = guarded(visitor, "mfa_activate_totp")
    secret = shown.context["form"].secret
    assert secret in shown.content.decode()
    codes = visitor.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)
    assert "10 of 10 left" in text_of(codes)
    assert mail.outbox[-1].subject == "Two-step sign-in is on at ml-connector"
    recovery = codes.context["unused_codes"][0]
    assert "10 left" in text_of(visitor.get(reverse("mfa_index")))

    later = Client()
    asked = later.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD}, follow=True)
    assert "Second step" in text_of(asked)
    assert later.get(reverse("tenants:new")).status_code == 302
    assert "Your workspace" in text_of(later.post(asked.redirect_chain[-1][0], {"code": code_of(secret)}, follow=True))

    lost = Client()
    asked = lost.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD}, follow=True)
    assert "Your workspace" in text_of(lost.post(asked.redirect_chain[-1][0], {"code": recovery}, follow=True))
    assert "9 left" in text_of(lost.get(reverse("mfa_index")))
    assert "Your password alone signs you in" in text_of(guarded(lost, "mfa_deactivate_totp"))
    lost.post(reverse("mfa_deactivate_totp"), follow=True)
    assert not get_adapter().is_mfa_enabled(ann)


def test_seeds_are_encrypted_and_move_to_a_new_key(ann: Any, settings: Any) -> None:
    factor = TOTP.activate(ann, "JBSWY3DPEHPK3PXP")
    (old,) = settings.FERNET_KEYS
    assert "JBSWY3DPEHPK3PXP" not in str(Authenticator.objects.values().get())
    settings.FERNET_KEYS = ["a-new-key-for-tests-4tV9", old]
    said = StringIO()
    call_command("rotate_keys", stdout=said)
    assert said.getvalue() == "1 re-encrypted, 1 on the current key, 0 on older keys.\n"
    settings.FERNET_KEYS = ["a-new-key-for-tests-4tV9"]
    factor.instance.refresh_from_db()
    assert factor.validate_code(code_of("JBSWY3DPEHPK3PXP"))
    settings.FERNET_KEYS = ["quite-another-key-8rQ2zL"]
    with pytest.raises(CommandError, match="1 cannot be opened"):
        call_command("rotate_keys", stdout=said)


PAGES = (
    "account_email", "account_change_password", "account_logout", "mfa_index", "mfa_activate_totp",
    "account_reauthenticate",
)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_every_page_speaks_like_the_product(ann: Any, visitor: Client, name: str) -> None:
    visitor.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD})
    shown = visitor.get(reverse(name), follow=True)
    assert shown.status_code == 200
    assert shown.content.decode().count("<h1") == 1
    assert not re.search(r"reauthenticat|two-factor|verif|successfully", text_of(shown), re.IGNORECASE)


# Invitations ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def invitation(tenant: Tenant, owner: Any) -> str:
    found, token = services.invite(tenant, ADDRESS, Role.FINANCE, by=owner, by_role=Role.OWNER)
    services.mail_invitation(found, token)
    return link_in(mail.outbox.pop())


def test_an_invited_person_without_an_account_signs_up_and_joins(
    visitor: Client, tenant: Tenant, invitation: str
) -> None:
    shown = visitor.get(invitation)
    assert "owner@meridian.example invites you as Finance" in text_of(shown)
    join = re.search(r'href="(/accounts/signup/[^"]+)"', shown.content.decode())
    assert join
    form = visitor.get(join[1].replace("&amp;", "&"))
    assert form.context["form"]["email"].value() == ADDRESS
    answer = sign_up(visitor, next=invitation)
    assert answer.redirect_chain[-1][0] == invitation
    assert mail.outbox == [], "whoever has the link reads that mailbox"
    assert f"Welcome to {tenant.name}" in text_of(visitor.post(invitation, follow=True))
    assert Membership.objects.get(user__email=ADDRESS).role == Role.FINANCE


def test_the_link_proves_the_invited_address_only(visitor: Client, invitation: str) -> None:
    visitor.get(invitation)
    sign_up(visitor, email="else@x.example", next=invitation)
    user = get_user_model().objects.get(username__startswith="else")
    assert dict(user.emailaddress_set.values_list("email", "verified")) == {ADDRESS: True, "else@x.example": False}


def test_an_invited_person_with_an_account_signs_in_and_joins(ann: Any, visitor: Client, invitation: str) -> None:
    visitor.get(invitation)
    visitor.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD, "next": invitation})
    visitor.post(invitation)
    assert Membership.objects.get(user=ann).role == Role.FINANCE


def test_whoever_lost_the_link_finds_the_invitation_after_signing_in(
    visitor: Client, ann: Any, tenant: Tenant, invitation: str
) -> None:
    shown = visitor.post(SIGN_IN, {"login": ADDRESS, "password": PASSWORD}, follow=True).content.decode()
    join = re.search(r'name="invitation" value="(\d+)"', shown)
    assert join
    visitor.post(reverse("tenants:choose"), {"invitation": join[1]})
    assert Membership.objects.get(user=ann).tenant == tenant
    assert visitor.post(reverse("tenants:choose"), {"invitation": join[1]}).status_code == 404


def test_an_address_that_was_not_proved_finds_no_invitation(ann: Any, visitor: Client, invitation: str) -> None:
    visitor.force_login(ann)
    EmailAddress.objects.update(verified=False)
    assert 'name="invitation"' not in visitor.get(reverse("tenants:choose")).content.decode()
    pk = Invitation.objects.get().pk
    assert visitor.post(reverse("tenants:choose"), {"invitation": pk}).status_code == 404
    assert not Membership.objects.filter(user=ann).exists()


def test_someone_else_signs_out_and_comes_back(
    outsider: Any, signed_in: Callable[[Any], Client], invitation: str
) -> None:
    page = signed_in(outsider)
    shown = page.get(invitation)
    assert "You are signed in as outsider@harbour.example" in text_of(shown)
    assert page.post(reverse("account_logout"), {"next": invitation})["Location"] == invitation
