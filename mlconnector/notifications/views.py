"""Notifications in the browser: where messages go, and what became of the last ones."""

from __future__ import annotations

from collections.abc import Callable

from allauth.decorators import rate_limit
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from mlconnector.notifications import services
from mlconnector.notifications.models import Channel, Message
from mlconnector.notifications.page_forms import ChannelForm
from mlconnector.notifications.watching import TOPICS
from mlconnector.pages import TenantRequest, act, attach
from mlconnector.tenants.middleware import needs
from mlconnector.tenants.permissions import Action

_View = Callable[..., HttpResponse]
_limited: Callable[[_View], _View] = rate_limit(action="notify")
MESSAGES_SHOWN = 30


@needs(Action.VIEW)
def index(request: TenantRequest) -> HttpResponse:
    channels = list(Channel.objects.for_tenant(request.tenant).defer("target").order_by("name", "pk"))
    sent = Message.objects.for_tenant(request.tenant).select_related("channel").defer("channel__target")
    context = {
        "channels": [(one, [TOPICS[key].label for key in one.topics if key in TOPICS]) for one in channels],
        "kinds": Channel.Kind.choices,
        "messages_sent": list(sent.order_by("-pk")[:MESSAGES_SHOWN]),
    }
    return render(request, "notifications/list.html", context)


@never_cache
@sensitive_post_parameters()
@sensitive_variables()
@needs(Action.CONFIGURE)
def add(request: TenantRequest, kind: str) -> HttpResponse:
    """The page that answers the creation of a webhook is the only one that ever shows its secret."""
    if kind not in Channel.Kind.values:
        raise Http404
    form = ChannelForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            channel, secret = services.add_channel(request.tenant, kind=kind, actor=request.actor, **form.cleaned_data)
        except ValidationError as error:
            attach(form, error)
        else:
            messages.success(request, f"{channel.name} is added. Send a test to see it arrive.")
            if not secret:
                return redirect("notifications:list")
            return render(request, "notifications/secret.html", {"channel": channel, "secret": secret})
    context = {"form": form, "kind": Channel.Kind(kind)}
    return render(request, "notifications/form.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters()
@sensitive_variables()
@needs(Action.CONFIGURE)
def change(request: TenantRequest, channel_id: int) -> HttpResponse:
    channel = _found(request, channel_id)
    form = ChannelForm(request.POST or None, kind=channel.kind, channel=channel)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_channel(channel, actor=request.actor, **form.cleaned_data)
        except ValidationError as error:
            attach(form, error)
        else:
            messages.success(request, f"{channel.name} is saved.")
            return redirect("notifications:list")
    context = {"form": form, "kind": Channel.Kind(channel.kind), "channel": channel}
    return render(request, "notifications/form.html", context, status=422 if form.errors else 200)


@needs(Action.CONFIGURE)
@_limited
def test(request: TenantRequest, channel_id: int) -> HttpResponse:
    channel = _found(request, channel_id)
    if request.method == "POST":
        sent = services.test_channel(channel)
        if sent.delivered_at is None:
            messages.error(request, f"The test did not reach {channel.name}. {sent.error_text}")
        else:
            messages.success(request, f"The test went to {channel.name}. Look whether it has arrived.")
    return redirect("notifications:list")


@needs(Action.CONFIGURE)
def delete(request: TenantRequest, channel_id: int) -> HttpResponse:
    channel = _found(request, channel_id)
    return act(
        request,
        lambda: services.delete_channel(channel, actor=request.actor),
        back=reverse("notifications:list"),
        done=lambda _: f"{channel.name} is deleted. No messages go there any more.",
    )


def _found(request: TenantRequest, channel_id: int) -> Channel:
    channel = Channel.objects.for_tenant(request.tenant).select_related("tenant").filter(pk=channel_id).first()
    if channel is None:
        raise Http404
    return channel
