"""What differs between pods, or is not known: one switch each, with its default.

===========================  ==================  =====================================================================
switch                       default             meaning
===========================  ==================  =====================================================================
auth_failure                 "json"              body of a 401: json, html, empty; "redirect": 302 to a login page
basic_allowed                True                user name and password are taken on the pod
user_known                   True                False: the identity domain knows the client, the pod does not (401)
token_lifetime               3600                seconds a token lives
forbidden                    []                  resources answering 403
hidden                       []                  resources whose rows this user does not see (200, no rows)
visible_units                None                list of business units whose rows are seen; None: all
allowed_versions             1..9                REST-Framework-Version values taken; others are a 400
default_version              1                   version used without the header
max_limit                    500                 rows a page holds at most; 499 also makes totalResults one too small
child_limit                  25                  rows of an expanded child collection
empty_items                  True                False: ``items`` is missing on an empty page
href_origin                  "request"           "443": links carry https://host:443; else the address of the request
account_keys                 "plain"             "hash": activities and billToAccounts are addressed by hash
order_by_any                 True                False: ordering by an attribute that is not filterable is a 400
nested_fields                True                ``fields=A;Child.Nested:B`` is understood
strict_q                     False               True: the form of ``q`` must fit the framework version
or_refused                   False               ``or`` is a 400
in_refused                   False               ``IN`` is a 400
between_refused              False               ``BETWEEN`` is a 400
null_refused                 False               ``IS NULL`` is a 400
not_equal_refused            False               ``<>`` is a 400
upper_refused                False               ``UPPER()`` is a 400
doubled_quote_refused        False               a doubled quote inside a string is a 400
like_refused                 False               ``LIKE`` is a 400
child_refused                False               a filter on a child attribute is a 400
timestamp_forms              zulu, offset, date  forms of a timestamp taken in ``q``
boolean_literals             "both"              "true" or "Y": the only form of a flag taken in ``q``
not_queryable_text           "attribute"         "parameter": the other published text
receipts_filterable          False               standardReceipts takes LastUpdateDate in ``q``
more_filterable              []                  further resources that take LastUpdateDate in ``q``
filter_ignored               []                  resources that take LastUpdateDate in ``q`` and ignore it
describe                     True                False: ``/describe`` is a 404
rate_limit                   None                calls allowed in ``rate_window`` seconds, then 429
rate_window                  60                  seconds
retry_after                  True                a 429 carries Retry-After
receipt_moves_invoice_date   False               applying a receipt moves the invoice's LastUpdateDate
receipt_moves_account_date   False               ... and that of the account's activities
child_moves_parent_date      True                a changed line moves its invoice's LastUpdateDate
balance_currency             "ledger"            "entered": currency of InvoiceBalanceAmount (rows written afterwards)
unapply_style                "reversal_row"      "in_place": how an unapplied application shows
write_forbidden              []                  resources that may be read, but answer 403 to a write
create_status                201                 status of a create; published examples print 200
source_systems               SFDC OPS LEG GPR    source systems registered for sales orders
duplicate_orders             "refuse"            a second POST of an order key: "refuse" (400), "revise" (a new version
                                                 of the same order) or "double" (a second order)
po_approval                  "at_once"           "pending": a submitted draft waits for an approver
===========================  ==================  =====================================================================
"""

from __future__ import annotations

from typing import Any


def defaults() -> dict[str, Any]:
    """A fresh set of switches."""
    return {
        "auth_failure": "json",
        "basic_allowed": True,
        "user_known": True,
        "token_lifetime": 3600,
        "forbidden": [],
        "hidden": [],
        "visible_units": None,
        "allowed_versions": [1, 2, 3, 4, 5, 6, 7, 8, 9],
        "default_version": 1,
        "max_limit": 500,
        "child_limit": 25,
        "empty_items": True,
        "href_origin": "request",
        "account_keys": "plain",
        "order_by_any": True,
        "nested_fields": True,
        "strict_q": False,
        **{f"{feature}_refused": False for feature in REFUSABLE},
        "timestamp_forms": ["zulu", "offset", "date"],
        "boolean_literals": "both",
        "not_queryable_text": "attribute",
        "receipts_filterable": False,
        "more_filterable": [],
        "filter_ignored": [],
        "describe": True,
        "rate_limit": None,
        "rate_window": 60,
        "retry_after": True,
        "receipt_moves_invoice_date": False,
        "receipt_moves_account_date": False,
        "child_moves_parent_date": True,
        "balance_currency": "ledger",
        "unapply_style": "reversal_row",
        "write_forbidden": [],
        "create_status": 201,
        "source_systems": ["SFDC", "OPS", "LEG", "GPR"],
        "duplicate_orders": "refuse",
        "po_approval": "at_once",
    }


REFUSABLE = ("or", "in", "between", "null", "not_equal", "upper", "doubled_quote", "like", "child")


def refused(switches: dict[str, Any]) -> frozenset[str]:
    """Features of ``q`` that are switched off."""
    return frozenset(feature for feature in REFUSABLE if switches[f"{feature}_refused"])
