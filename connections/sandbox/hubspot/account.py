"""Who am I: account details, daily usage, token information, tax rates.

Sources: https://developers.hubspot.com/docs/api-reference/latest/account/account-information and
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/account-service-keys.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from connections.sandbox.http import Response

from .calls import Call
from .catalog import TAX_RATES
from .errors import Refusal, no_such_resource
from .portal import Portal
from .values import iso


def details(portal: Portal, call: Call) -> Response:
    """Portal, currencies and time zone; any valid token may ask. The tier cannot be read."""
    del call
    switches = portal.switches
    zone = ZoneInfo(switches["time_zone"])
    offset = datetime.fromtimestamp(portal.clock(), zone).utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    sign, minutes = "-" if seconds < 0 else "+", abs(seconds) // 60
    return Response(
        200,
        {
            "portalId": switches["portal_id"],
            "accountType": switches["account_type"],
            "timeZone": switches["time_zone"],
            "companyCurrency": switches["company_currency"],
            "additionalCurrencies": list(switches["additional_currencies"]),
            "utcOffset": f"{sign}{minutes // 60:02d}:{minutes % 60:02d}",
            "utcOffsetMilliseconds": seconds * 1000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": switches["data_hosting"],
        },
    )


def daily_usage(portal: Portal, call: Call) -> Response:
    """Calls counted today; service keys may be refused."""
    del call
    if not portal.switches["daily_usage"]:
        raise Refusal(403, "FORBIDDEN", "Daily usage is not available for this key.")
    limits = portal.limits
    usage = {
        "name": "Private Apps API Calls Daily",
        "usageLimit": limits.daily_limit,
        "currentUsage": limits.used_today,
        "collectedAt": iso(portal.clock()),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso(limits.resets_at()),
    }
    return Response(200, {"results": [usage]})


def token_info(portal: Portal, call: Call) -> Response:
    """Scopes of a token."""
    if not portal.switches["token_info"]:
        raise no_such_resource()
    token = call.body().get("tokenKey")
    if token not in portal.switches["tokens"]:
        raise Refusal(404, "OBJECT_NOT_FOUND", "The token does not exist.")
    switches = portal.switches
    return Response(
        200,
        {"userId": 1001, "hubId": switches["portal_id"], "appId": 2002, "scopes": list(switches["granted_scopes"])},
    )


def tax_rates(portal: Portal, call: Call) -> Response:
    """Tax rates of the account."""
    del portal, call
    return Response(200, {"results": list(TAX_RATES)})
