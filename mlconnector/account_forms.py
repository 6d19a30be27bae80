"""The stock forms of people's accounts in the words of the product."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as stock

E_MAIL = "E-mail address"


def _name(form: Any, **labels: str) -> None:
    """A label above a field says what its placeholder would."""
    for name, label in labels.items():
        form.fields[name].label = label
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


class LoginForm(stock.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name(self, login=E_MAIL, remember="Stay signed in on this computer")


class SignupForm(stock.SignupForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name(self, email=E_MAIL)


class ResetPasswordForm(stock.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name(self, email=E_MAIL)


class AddEmailForm(stock.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name(self, email=E_MAIL)
