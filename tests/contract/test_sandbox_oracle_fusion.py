"""The imitated Oracle Fusion pod keeps to its contract: every rule a client relies on, asked over real HTTP."""

import re
import time
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest
import requests

from connections.sandbox import Sandbox
from connections.sandbox.oracle_fusion import DEMO_CREDENTIALS
from connections.sandbox.oracle_fusion.switches import defaults

RELEASE = "11.13.18.05"
FAR_FUTURE = "2099-01-01T00:00:00.000Z"
ERROR_ACCEPT = "application/json, application/vnd.oracle.adf.error+json"
TOKEN_FORM = {"grant_type": "client_credentials", "scope": DEMO_CREDENTIALS["scope"]}
CLIENT = (DEMO_CREDENTIALS["client_id"], DEMO_CREDENTIALS["client_secret"])
INVOICES, LINES = "receivablesInvoices", "receivablesInvoiceLines"
TAXES, INSTALLMENTS = "receivablesInvoiceLineTaxLines", "receivablesInvoiceInstallments"
ACTIVITIES = "receivablesCustomerAccountActivities"
CRM = ("accounts", "hubOrganizations", "hubPersons", "billToAccounts")


class Pod:
    """A careful caller: token in hand, framework version 4 unless told otherwise."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.system = sandbox.systems["oracle_fusion"]
        self.world = sandbox.world
        self.url = sandbox.url("oracle_fusion", "pod")
        self.session = requests.Session()
        self.session.headers["Accept"] = ERROR_ACCEPT
        self.session.auth = (DEMO_CREDENTIALS["username"], DEMO_CREDENTIALS["password"])

    def address(self, resource):
        root = "crmRestApi" if resource.partition("/")[0] in CRM else "fscmRestApi"
        return f"{self.url}/{root}/resources/{RELEASE}/{resource}"

    def call(self, resource, version=4, **parameters):
        headers = {} if version is None else {"REST-Framework-Version": str(version)}
        return self.session.get(
            self.address(resource), params=parameters, headers=headers, timeout=10, allow_redirects=False
        )

    def get(self, resource, version=4, **parameters):
        answer = self.call(resource, version, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json(parse_float=Decimal)

    def items(self, resource, version=4, **parameters):
        return self.get(resource, version, **{"limit": 500, **parameters})["items"]

    def switch(self, **values):
        self.sandbox.set_switches("oracle_fusion", values)

    def token(self, auth=CLIENT, **changes):
        return requests.post(
            self.sandbox.url("oracle_fusion", "identity") + "/oauth2/v1/token",
            data={**TOKEN_FORM, **changes},
            auth=auth,
            timeout=10,
        )


@pytest.fixture(scope="module")
def demo_sandbox():
    with Sandbox(seed="demo", systems=("oracle_fusion",)) as sandbox:
        yield sandbox


@pytest.fixture
def demo(demo_sandbox):
    """The demo pod; tests that use it only read, and switches go back to their defaults afterwards."""
    pod = Pod(demo_sandbox)
    yield pod
    pod.session.close()
    demo_sandbox.set_switches("oracle_fusion", defaults())
    demo_sandbox.faults.clear()
    demo_sandbox.clock.offset = 0.0


@pytest.fixture
def small():
    """A small pod of the test's own, free to be changed."""
    with Sandbox(seed="small", systems=("oracle_fusion",)) as sandbox:
        pod = Pod(sandbox)
        yield pod
        pod.session.close()


def refused(answer, status=400):
    assert answer.status_code == status, answer.text
    return answer.json()["detail"]


# 1 Authentication


def test_token_with_basic_or_with_the_credentials_in_the_body(demo):
    for answer in (
        demo.token(),
        demo.token(auth=None, client_id=CLIENT[0], client_secret=CLIENT[1]),
    ):
        assert answer.status_code == 200
        assert set(answer.json()) == {"access_token", "token_type", "expires_in"}
        assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 3600)


@pytest.mark.parametrize(
    ("auth", "changes", "status", "error"),
    [
        (("wrong", CLIENT[1]), {}, 401, "invalid_client"),
        ((CLIENT[0], "wrong"), {}, 401, "invalid_client"),
        (None, {}, 401, "invalid_client"),
        (CLIENT, {"scope": "urn:opc:other"}, 400, "invalid_scope"),
        (CLIENT, {"scope": ""}, 400, "invalid_scope"),
        (CLIENT, {"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_wrong_client_secret_or_scope(demo, auth, changes, status, error):
    answer = demo.token(auth=auth, **changes)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_the_scope_may_ask_for_a_lifetime(demo):
    scope = f"{DEMO_CREDENTIALS['scope']} urn:opc:resource:expiry=120"
    assert demo.token(scope=scope).json()["expires_in"] == 120


def test_the_token_endpoint_wants_a_posted_form(demo):
    url = demo.sandbox.url("oracle_fusion", "identity") + "/oauth2/v1/token"
    assert requests.get(url, timeout=10).status_code == 405
    assert requests.post(url, json=TOKEN_FORM, auth=CLIENT, timeout=10).status_code == 400


def test_the_identity_host_is_not_the_pod(demo):
    url = demo.sandbox.url("oracle_fusion", "identity") + f"/fscmRestApi/resources/{RELEASE}/{INVOICES}"
    assert requests.get(url, auth=demo.session.auth, timeout=10).status_code == 404
    assert demo.session.post(f"{demo.url}/oauth2/v1/token", data=TOKEN_FORM, timeout=10).status_code == 404


def test_a_token_opens_the_pod_until_the_clock_says_otherwise(demo):
    demo.session.auth = None
    demo.session.headers["Authorization"] = f"Bearer {demo.token().json()['access_token']}"
    assert demo.call(INVOICES, limit=1).status_code == 200
    demo.sandbox.clock.advance(3601)
    assert demo.call(INVOICES, limit=1).status_code == 401


def test_a_token_can_be_lost_in_the_middle_of_a_run(demo):
    demo.session.auth = None
    demo.session.headers["Authorization"] = f"Bearer {demo.token().json()['access_token']}"
    demo.sandbox.faults.add("expire_token", after=1, times=1)
    assert [demo.call(INVOICES, limit=1).status_code for _ in range(3)] == [200, 401, 401]
    demo.session.headers["Authorization"] = f"Bearer {demo.token().json()['access_token']}"
    assert demo.call(INVOICES, limit=1).status_code == 200


def test_basic_is_a_fallback_a_pod_may_refuse(demo):
    assert demo.call(INVOICES, limit=1).status_code == 200
    demo.switch(basic_allowed=False)
    assert demo.call(INVOICES, limit=1).status_code == 401


def test_the_identity_domain_may_know_a_client_the_pod_does_not(demo):
    demo.switch(user_known=False)
    assert demo.token().status_code == 200
    assert demo.call(INVOICES, limit=1).status_code == 401


@pytest.mark.parametrize("style", ["json", "html", "empty"])
def test_the_body_of_a_401_takes_every_shape(demo, style):
    demo.switch(auth_failure=style)
    demo.session.auth = ("nobody", "nothing")
    answer = demo.call(INVOICES)
    assert answer.status_code == 401
    if style == "json":
        assert answer.json()["status"] == "401"
    else:
        assert answer.text.startswith("<!DOCTYPE html>" if style == "html" else "")
        assert bool(answer.text) == (style == "html")


def test_a_redirect_to_a_login_page_instead_of_a_401(demo):
    demo.switch(auth_failure="redirect")
    demo.session.auth = ("nobody", "nothing")
    answer = demo.call(INVOICES)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("https://login.")


# 2.1 Addresses, versions, describe


def test_the_context_root_publishes_release_and_framework_versions(demo):
    for root in ("fscmRestApi", "crmRestApi"):
        body = demo.session.get(f"{demo.url}/{root}/resources", timeout=10).json()
        extension = body["items"][0]["adf:extension"]
        assert body["items"][0]["version"] == RELEASE
        assert extension["defaultFrameworkVersion"] == "1"
        assert "4" in extension["allowedFrameworkVersions"]


def test_latest_stands_for_the_release(demo):
    url = f"{demo.url}/fscmRestApi/resources/latest/{INVOICES}?limit=1"
    assert demo.session.get(url, timeout=10).json()["count"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "fscmRestApi/resources/11.0/receivablesInvoices",
        "fscmRestApi/resources/latest/unknownThings",
        "fscmRestApi/resources/latest/accounts",
        "crmRestApi/resources/latest/receivablesInvoices",
        "hcmRestApi/resources/latest/workers",
        "fscmRestApi/resources/latest",
        "fscmRestApi",
        "otherApi/resources",
        "fscmRestApi/resources/latest/receivablesInvoices/1",
        "fscmRestApi/resources/latest/receivablesInvoices/abc",
        "fscmRestApi/resources/latest/receivablesInvoices/1/child",
    ],
)
def test_what_is_not_there_is_a_404(demo, path):
    assert demo.session.get(f"{demo.url}/{path}", timeout=10).status_code == 404


def test_writing_is_not_offered(demo):
    for method in ("POST", "PATCH", "DELETE"):
        assert demo.session.request(method, demo.address(INVOICES), json={}, timeout=10).status_code == 405


def test_a_framework_version_that_is_not_allowed(demo):
    demo.switch(allowed_versions=[1, 2, 3])
    assert "REST-Framework-Version" in refused(demo.call(INVOICES, version=4))
    assert demo.call(INVOICES, version=3, limit=1).status_code == 200
    assert demo.call(INVOICES, version="x").status_code == 400


def test_describe_tells_what_can_be_filtered(demo):
    described = demo.get(f"{INVOICES}/describe")["Resources"][INVOICES]
    queryable = {attribute["name"]: attribute["queryable"] for attribute in described["attributes"]}
    assert queryable["LastUpdateDate"]
    assert not queryable["InvoiceCurrencyCode"]
    assert LINES in described["children"]
    receipts = demo.get("standardReceipts/describe")["Resources"]["standardReceipts"]["attributes"]
    assert not next(a for a in receipts if a["name"] == "LastUpdateDate")["queryable"]
    demo.switch(describe=False)
    assert demo.call(f"{INVOICES}/describe").status_code == 404


# 2.2 Parameters


def test_the_default_page_has_25_rows(demo):
    page = demo.get(INVOICES)
    assert (page["count"], page["limit"], page["offset"], page["hasMore"]) == (25, 25, 0, True)
    assert "totalResults" not in page


@pytest.mark.parametrize("most", [500, 499])
def test_the_server_clamps_the_limit_silently(demo, most):
    demo.switch(max_limit=most)
    page = demo.get(INVOICES, limit=1000, totalResults="true")
    assert page["limit"] == most
    assert page["totalResults"] == page["count"] - (most == 499)


def test_offset_walks_and_ends(demo):
    total = demo.get(INVOICES, limit=1, totalResults="true")["totalResults"]
    pages = [
        demo.get(INVOICES, limit=60, offset=offset, orderBy="CustomerTransactionId") for offset in range(0, 180, 60)
    ]
    ids = [item["CustomerTransactionId"] for page in pages for item in page["items"]]
    assert len(set(ids)) == total == len(ids)
    assert [page["hasMore"] for page in pages] == [True, True, False]
    beyond = demo.get(INVOICES, offset=total + 5)
    assert (beyond["items"], beyond["count"], beyond["hasMore"]) == ([], 0, False)


def test_items_may_be_missing_on_an_empty_page(demo):
    demo.switch(empty_items=False)
    assert "items" not in demo.get(INVOICES, q="CustomerTransactionId = 1")


@pytest.mark.parametrize("name", ["limit", "offset", "totalResults", "onlyData"])
@pytest.mark.parametrize("value", ["-1", "x", "1.5"])
def test_bad_parameter_values(demo, name, value):
    assert demo.call(INVOICES, **{name: value}).status_code == 400


def test_unknown_parameters_are_refused(demo):
    assert "pageSize" in refused(demo.call(INVOICES, pageSize=5))
    item = demo.items(INVOICES, limit=1)[0]["CustomerTransactionId"]
    assert demo.call(f"{INVOICES}/{item}", q="CustomerTransactionId = 1").status_code == 400


def test_without_order_by_rows_come_shuffled_but_always_the_same_way(demo):
    first = [item["CustomerTransactionId"] for item in demo.items(INVOICES)]
    assert first == [item["CustomerTransactionId"] for item in demo.items(INVOICES)]
    assert first != sorted(first)
    stamps = [item["LastUpdateDate"] for item in demo.items(INVOICES)]
    assert stamps != sorted(stamps)


def test_order_by_several_attributes_and_directions(demo):
    rows = demo.items(INVOICES, orderBy="LastUpdateDate:asc,CustomerTransactionId:desc")
    keys = [(row["LastUpdateDate"], -row["CustomerTransactionId"]) for row in rows]
    assert keys == sorted(keys)
    for bad in ("Nothing", "LastUpdateDate:up", ""):
        assert demo.call(INVOICES, orderBy=bad).status_code == (200 if bad == "" else 400)


def test_ordering_by_what_cannot_be_filtered_depends_on_the_pod(demo):
    rows = demo.items("standardReceipts", orderBy="LastUpdateDate:asc,StandardReceiptId:asc")
    stamps = [row["LastUpdateDate"] for row in rows]
    assert stamps == sorted(stamps)
    amounts = [row["Amount"] for row in demo.items("standardReceipts", orderBy="Amount:desc")]
    assert amounts == sorted(amounts, reverse=True)
    demo.switch(order_by_any=False)
    refused(demo.call("standardReceipts", orderBy="LastUpdateDate:asc"))


def test_fields_choose_attributes_and_children(demo):
    row = demo.items(INVOICES, limit=1, fields="TransactionNumber,EnteredAmount")[0]
    assert set(row) == {"TransactionNumber", "EnteredAmount", "links"}
    row = demo.items(INVOICES, limit=1, fields=f"TransactionNumber;{LINES}:LineNumber,LineAmount", onlyData="true")[0]
    assert set(row) == {"TransactionNumber", LINES}
    assert set(row[LINES]["items"][0]) == {"LineNumber", "LineAmount"}
    assert demo.items(INVOICES, limit=1, fields="", onlyData="true") == [{}]


def test_fields_beat_expand(demo):
    row = demo.items(INVOICES, limit=1, fields="TransactionNumber", expand=LINES, onlyData="true")[0]
    assert set(row) == {"TransactionNumber"}


@pytest.mark.parametrize(
    "fields", ["Nothing", f"TransactionNumber;{LINES}:Nothing", "TransactionNumber;nothing:A", "A;B"]
)
def test_unknown_fields_are_refused(demo, fields):
    assert demo.call(INVOICES, fields=fields).status_code == 400


def test_nested_fields_depend_on_the_pod(demo):
    fields = f"TransactionNumber;{LINES}:LineNumber;{LINES}.{TAXES}:TaxAmount"
    rows = demo.items(INVOICES, fields=fields, onlyData="true")
    taxes = [tax for row in rows for line in row[LINES]["items"] for tax in line[TAXES]["items"]]
    assert taxes
    assert all(set(tax) == {"TaxAmount"} for tax in taxes)
    demo.switch(nested_fields=False)
    refused(demo.call(INVOICES, fields=fields))


def test_expand_children_nested_and_all(demo):
    row = demo.items(INVOICES, limit=1, expand=f"{LINES}.{TAXES}")[0]
    assert INSTALLMENTS not in row
    assert TAXES in row[LINES]["items"][0]
    row = demo.items(INVOICES, limit=1, expand="all")[0]
    assert INSTALLMENTS in row
    assert TAXES in row[LINES]["items"][0]
    assert LINES not in demo.items(INVOICES, limit=1)[0]
    refused(demo.call(INVOICES, expand="nothing"))


def test_only_data_drops_every_link(demo):
    assert '"links"' not in demo.call(INVOICES, limit=2, onlyData="true", expand="all").text.rpartition('"count"')[0]


def test_links_can_be_limited_to_one_relation(demo):
    row = demo.items(INVOICES, limit=1, links="self")[0]
    assert [link["rel"] for link in row["links"]] == ["self"]


# 2.1 Shapes by framework version


def test_expanded_children_are_arrays_below_version_3_and_collections_from_then_on(demo):
    for version in (None, 1, 2):
        assert isinstance(demo.items(INVOICES, version, limit=1, expand=LINES)[0][LINES], list)
    for version in (3, 4, 9):
        child = demo.items(INVOICES, version, limit=1, expand=LINES)[0][LINES]
        assert {"items", "count", "hasMore", "limit", "offset"} <= set(child)


def test_big_integers_are_strings_in_version_9_only(demo):
    rows = demo.items(INVOICES, 9, orderBy="CustomerTransactionId", onlyData="true")
    assert isinstance(rows[0]["CustomerTransactionId"], int)  # 15 digits fit in 53 bits
    assert isinstance(rows[-1]["CustomerTransactionId"], str)
    assert len(rows[-1]["CustomerTransactionId"]) == 18
    assert isinstance(demo.items(INVOICES, 4, orderBy="CustomerTransactionId:desc")[0]["CustomerTransactionId"], int)


def test_children_inside_an_expansion_stop_at_25(demo):
    long = next(row for row in demo.items(INVOICES, expand=LINES) if row[LINES]["hasMore"])
    assert (long[LINES]["count"], long[LINES]["limit"]) == (25, 25)
    number = long["CustomerTransactionId"]
    path = f"{INVOICES}/{number}/child/{LINES}"
    whole = demo.items(path, orderBy="LineNumber")
    assert [line["LineNumber"] for line in whole] == list(range(1, 61))
    page = demo.get(path, limit=25, offset=50, orderBy="LineNumber")
    assert (page["count"], page["hasMore"]) == (10, False)
    cut_off = demo.items(INVOICES, 1, q=f"CustomerTransactionId={number}", expand=LINES)[0]
    assert len(cut_off[LINES]) == 25  # below version 3 nothing tells that lines are missing
    demo.switch(child_limit=100)
    assert demo.get(f"{INVOICES}/{number}", expand=LINES)[LINES]["count"] == 60


# 2.3 q


def keys(rows):
    return sorted(row["CustomerTransactionId"] for row in rows)


def test_comparisons_and_junctions(demo):
    rows = demo.items(INVOICES, onlyData="true")
    some = sorted(rows, key=lambda row: row["LastUpdateDate"])[40]
    stamp, number = some["LastUpdateDate"], some["CustomerTransactionId"]
    newer = demo.items(INVOICES, q=f"LastUpdateDate >= '{stamp}'")
    assert keys(newer) == keys(row for row in rows if row["LastUpdateDate"] >= stamp)
    after = demo.items(
        INVOICES, q=f"LastUpdateDate > '{stamp}' or (LastUpdateDate = '{stamp}' and CustomerTransactionId > {number})"
    )
    assert keys(after) == keys(
        row for row in rows if (row["LastUpdateDate"], row["CustomerTransactionId"]) > (stamp, number)
    )
    mixed = demo.items(
        INVOICES, q="InvoiceBalanceAmount > 0 and (InvoiceStatus = 'Frozen' or InvoiceStatus = 'Incomplete')"
    )
    assert keys(mixed) == keys(
        row for row in rows if row["InvoiceBalanceAmount"] > 0 and row["InvoiceStatus"] in ("Frozen", "Incomplete")
    )
    assert len(mixed) == 4


def test_keyset_paging_gives_every_row_once_even_inside_one_stamp(demo):
    seen, q = [], "LastUpdateDate >= '2000-01-01T00:00:00.000Z'"
    order = "LastUpdateDate:asc,CustomerTransactionId:asc"
    while True:
        rows = demo.items(INVOICES, q=q, orderBy=order, limit=3, onlyData="true")
        if not rows:
            break
        seen += [row["CustomerTransactionId"] for row in rows]
        stamp, number = rows[-1]["LastUpdateDate"], rows[-1]["CustomerTransactionId"]
        q = (
            "LastUpdateDate >= '2000-01-01T00:00:00.000Z' and "
            f"(LastUpdateDate > '{stamp}' or (LastUpdateDate = '{stamp}' and CustomerTransactionId > {number}))"
        )
    assert len(seen) == len(set(seen)) == demo.get(INVOICES, totalResults="true")["totalResults"]


def test_strings_like_and_quotes(demo):
    assert len(demo.items("accounts", q="OrganizationName = 'Blue Meridian Foods'")) == 2
    assert len(demo.items("accounts", q="OrganizationName LIKE 'Blue Mer*'")) == 2  # the twin is written in capitals
    assert len(demo.items("accounts", q="UPPER(OrganizationName) LIKE 'BLUE MER*'")) == 3
    assert len(demo.items("accounts", q="OrganizationName = 'O''Hanlon''s Hardware Ltd'")) == 1
    assert len(demo.items("accounts", q="OrganizationName = '株式会社さくら商事'")) == 1
    assert demo.items("accounts", q="OrganizationName = 'Blue*'") == []
    assert demo.items("accounts", q="OrganizationName LIKE 'Blue_Meridian%'") == []


def test_in_between_and_null(demo):
    ids = [row["CustomerTransactionId"] for row in demo.items(INVOICES, limit=3)]
    assert keys(demo.items(INVOICES, q=f"CustomerTransactionId in ({ids[0]}, {ids[1]})")) == sorted(ids[:2])
    low, high = min(ids), max(ids)
    assert set(ids) <= set(keys(demo.items(INVOICES, q=f"CustomerTransactionId between {low} and {high}")))
    assert len(demo.items("accounts", q="IndustryCode is null")) == 2
    assert len(demo.items("accounts", q="IndustryCode is not null")) == 39
    assert len(demo.items("accounts", q="PartyStatus <> 'A'")) == 1


def test_the_version_1_form(demo):
    assert len(demo.items("accounts", None, q="OrganizationName=Blue*;PartyStatus=A")) == 2
    assert len(demo.items("accounts", 4, q="OrganizationName=Blue*;PartyStatus=A")) == 2
    numbers = demo.items("accounts", None, q="PartyNumber>=10021 and <=10023")
    assert sorted(row["PartyNumber"] for row in numbers) == ["10021", "10022", "10023"]
    demo.switch(strict_q=True)
    refused(demo.call("accounts", 4, q="OrganizationName=Blue*;PartyStatus=A"))
    assert demo.call("accounts", None, q="(PartyStatus = 'A')").status_code == 400


@pytest.mark.parametrize(
    ("resource", "attribute"),
    [
        ("standardReceipts", "LastUpdateDate"),
        ("standardReceipts", "CreationDate"),
        ("standardReceipts", "State"),
        ("suppliers", "LastUpdateDate"),
        ("receivablesCreditMemos", "LastUpdateDate"),
        ("receivablesCreditMemos", "CreationDate"),
        ("draftPurchaseOrders", "LastUpdateDate"),
        (INVOICES, "DueDate"),
        (INVOICES, "InvoiceCurrencyCode"),
        (INVOICES, "BusinessUnit"),
        (INVOICES, "TransactionDate"),
        ("receivablesCustomerAccountSiteActivities", "LastUpdateDate"),
        ("accounts", "City"),
        ("hubOrganizations", "FormattedAddress"),
        ("billToAccounts", "LastUpdateDate"),
        ("salesOrdersForOrderHub", "BusinessUnitName"),
        (INVOICES, "NoSuchAttribute"),
        (INVOICES, "lastupdatedate"),
    ],
)
def test_only_published_attributes_can_be_filtered(demo, resource, attribute):
    q = f"{attribute} >= '2020-01-01T00:00:00.000Z'"
    assert refused(demo.call(resource, q=q)) == f"attribute {attribute} is not queryable"
    demo.switch(not_queryable_text="parameter")
    text = refused(demo.call(resource, q=q))
    assert text == f"URL request parameter {attribute} cannot be used in this context."


@pytest.mark.parametrize(
    ("resource", "q"),
    [
        ("standardReceipts", "ReceiptDate >= '2020-01-01'"),
        ("suppliers", "CreationDate >= '2020-01-01T00:00:00.000Z'"),
        ("receivablesCreditMemos", "TransactionDate >= '2020-01-01'"),
        ("draftPurchaseOrders", "Description like '*Repl*'"),
        ("purchaseOrders", "LastUpdateDate >= '2020-01-01T00:00:00.000Z'"),
        ("salesOrdersForOrderHub", "SourceTransactionId = 'ORDER-1' and SourceTransactionSystem = 'OPS'"),
        (ACTIVITIES, "LastUpdateDate >= '2020-01-01T00:00:00.000Z'"),
        ("hubPersons", "EmailAddress is not null"),
        ("hubOrganizations", "PartyUsageCode = 'CUSTOMER'"),
    ],
)
def test_published_filters_work(demo, resource, q):
    assert demo.items(resource, q=q)


def test_some_pods_accept_more_and_some_ignore_a_filter(demo):
    q = f"LastUpdateDate >= '{FAR_FUTURE}'"
    demo.switch(receipts_filterable=True, more_filterable=["suppliers"], filter_ignored=["receivablesCreditMemos"])
    assert demo.items("standardReceipts", q=q) == []
    assert demo.items("suppliers", q=q) == []
    assert len(demo.items("receivablesCreditMemos", q=q)) == 6
    refused(demo.call("draftPurchaseOrders", q=q))


@pytest.mark.parametrize("form", ["2026-01-31T10:00:00.000Z", "2026-01-31T10:00:00+00:00", "2026-01-31"])
def test_forms_of_a_timestamp(demo, form):
    assert demo.call(INVOICES, q=f"LastUpdateDate >= '{form}'").status_code == 200
    demo.switch(timestamp_forms=[])
    assert demo.call(INVOICES, q=f"LastUpdateDate >= '{form}'").status_code == 400


def test_offsets_of_other_zones_are_the_same_instant(demo):
    everything = keys(demo.items(INVOICES))
    cut = sorted(row["LastUpdateDate"] for row in demo.items(INVOICES))[80]
    shifted = datetime.fromisoformat(cut).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert keys(demo.items(INVOICES, q=f"LastUpdateDate >= '{cut}'")) == keys(
        demo.items(INVOICES, q=f"LastUpdateDate >= '{shifted}'")
    )
    assert len(everything) > 80


def test_a_raw_plus_and_a_double_encoding_are_refused(demo):
    raw = "LastUpdateDate%20%3E%3D%20'2026-01-31T10:00:00.000{}00:00'"
    assert demo.session.get(f"{demo.address(INVOICES)}?q={raw.format('+')}", timeout=10).status_code == 400
    assert demo.session.get(f"{demo.address(INVOICES)}?q={raw.format('%2B')}", timeout=10).status_code == 200
    twice = quote(quote("LastUpdateDate > '2026-01-31'"))
    assert demo.session.get(f"{demo.address(INVOICES)}?q={twice}", timeout=10).status_code == 400


@pytest.mark.parametrize(
    "q",
    [
        "LastUpdateDate >= 'yesterday'",
        "LastUpdateDate >= '2026-02-31T00:00:00.000Z'",
        "LastUpdateDate >= 2026-01-31T10:00:00.000Z",
        "LastUpdateDate >= '31.01.2026'",
        "BillToPartyId = 'abc'",
        "BillToPartyId = 1.5",
        "InvoiceBalanceAmount > 'much'",
        "BillingDate >= '2026-13-01'",
        "InvoiceStatus = Complete",
        "LastUpdateDate = null",
        "InvoiceStatus like Compl*",
        "BillToPartyId like '3*'",
        "InvoiceStatus",
        "InvoiceStatus = 'Complete' and",
        "InvoiceStatus = 'open",
        "InvoiceStatus == 'Complete'",
        "InvoiceStatus = 'x'; DROP TABLE invoices",
        "",
    ],
)
def test_bad_literals_and_bad_grammar(demo, q):
    refused(demo.call(INVOICES, q=q))


@pytest.mark.parametrize("switch", ["or", "in", "between", "null", "not_equal", "upper", "doubled_quote", "like"])
def test_what_is_not_confirmed_can_be_switched_off(demo, switch):
    q = {
        "or": "PartyId = 1 or PartyId = 2",
        "in": "PartyId in (1, 2)",
        "between": "PartyId between 1 and 2",
        "null": "PartyId is null",
        "not_equal": "PartyId <> 1",
        "upper": "UPPER(OrganizationName) = 'X'",
        "doubled_quote": "OrganizationName = 'O''Hanlon'",
        "like": "OrganizationName like 'x*'",
    }[switch]
    assert demo.call("accounts", q=q).status_code == 200
    demo.switch(**{f"{switch}_refused": True})
    refused(demo.call("accounts", q=q))


def test_flags_are_true_or_y_depending_on_the_resource(demo):
    count = len(demo.items("hubPersons", q="DoNotEmailFlag = true"))
    assert count == len(demo.items("hubPersons", q="DoNotEmailFlag = 'Y'")) > 0
    demo.switch(boolean_literals="Y")
    refused(demo.call("hubPersons", q="DoNotEmailFlag = true"))
    demo.switch(boolean_literals="true")
    refused(demo.call("hubPersons", q="DoNotEmailFlag = 'Y'"))


def test_a_filter_on_a_child_needs_version_2(demo):
    q = f"{LINES}.LastUpdateDate >= '2000-01-01T00:00:00.000Z'"
    assert demo.items(INVOICES, 2, q=q)
    refused(demo.call(INVOICES, 4, q=f"{LINES}.LineAmount > 5"))
    assert demo.call(INVOICES, 1, q=q).status_code == 400
    demo.switch(child_refused=True)
    refused(demo.call(INVOICES, 4, q=q))


# 2.4 Answers


def test_the_shape_of_a_collection_and_its_links(demo):
    page = demo.get("suppliers", limit=1)
    assert set(page) == {"items", "count", "hasMore", "limit", "offset", "links"}
    links = page["items"][0]["links"]
    assert {link["rel"] for link in links} == {"self", "canonical", "child"}
    self_link = next(link for link in links if link["rel"] == "self")
    assert self_link["properties"]["changeIndicator"].startswith("ACED0005")
    assert all("properties" not in link for link in links if link["rel"] != "self")
    assert demo.session.get(self_link["href"], timeout=10).status_code == 200
    assert page["links"][0]["kind"] == "collection"


def test_links_name_the_port_and_can_look_like_a_pod_behind_443(demo):
    assert re.match(r"http://127\.0\.0\.1:\d+/fscmRestApi/", demo.items("suppliers", limit=1)[0]["links"][0]["href"])
    demo.switch(href_origin="443")
    assert demo.items("suppliers", limit=1)[0]["links"][0]["href"].startswith("https://127.0.0.1:443/fscmRestApi/")


def test_types_of_values(demo):
    row = demo.items(INVOICES, limit=1, onlyData="true")[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", row["LastUpdateDate"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["TransactionDate"])
    assert 15 <= len(str(row["CustomerTransactionId"])) <= 18
    assert row["ShipToContact"] is None
    assert row["AllowCompletion"] == "Y"
    assert isinstance(row["EnteredAmount"], int | Decimal)
    person = demo.items("hubPersons", limit=1)[0]
    assert person["DoNotEmailFlag"] in (True, False)
    address = demo.items(f"accounts/{demo.items('accounts', limit=1)[0]['PartyNumber']}/child/Address")[0]
    assert address["EndDateActive"] == "4712-12-31"


def test_no_bank_or_card_attributes(demo):
    assert not [
        name for name in demo.items("standardReceipts", limit=1)[0] if "Card" in name or "AccountNum" in name[:10]
    ]


def test_item_child_and_nested_child(demo):
    invoice = next(
        row for row in demo.items(INVOICES, expand=f"{LINES}.{TAXES}") if row["InvoiceCurrencyCode"] == "EUR"
    )
    number = invoice["CustomerTransactionId"]
    answer = demo.call(f"{INVOICES}/{number}")
    assert answer.headers["ETag"].strip('"') == answer.json()["links"][0]["properties"]["changeIndicator"]
    line = demo.items(f"{INVOICES}/{number}/child/{LINES}")[0]
    path = f"{INVOICES}/{number}/child/{LINES}/{line['CustomerTransactionLineId']}"
    single = demo.get(path)
    assert single["CustomerTransactionLineId"] == line["CustomerTransactionLineId"]
    assert next(link for link in single["links"] if link["rel"] == "parent")["name"] == INVOICES
    taxes = demo.items(f"{path}/child/{TAXES}")
    assert demo.session.get(taxes[0]["links"][0]["href"], timeout=10).json()["Tax"] == "VAT"
    assert demo.call(f"{INVOICES}/{number}/child/nothing").status_code == 404
    other = demo.items(INVOICES, q=f"CustomerTransactionId <> {number}", limit=1)[0]["CustomerTransactionId"]
    assert demo.call(path.replace(str(number), str(other))).status_code == 404


def test_accounts_are_addressed_by_party_number_and_show_their_primary_address(demo):
    account = demo.items("accounts", limit=1, expand="PrimaryAddress,Address")[0]
    assert demo.get(f"accounts/{account['PartyNumber']}")["PartyId"] == account["PartyId"]
    assert demo.call(f"accounts/{account['PartyId']}").status_code == 404
    assert account["PrimaryAddress"]["count"] == 1
    assert account["PrimaryAddress"]["items"][0]["AddressId"] == account["PrimaryAddressId"]


def test_purchase_orders_are_addressed_by_an_opaque_key(demo):
    order = demo.items("purchaseOrders", limit=1)[0]
    href = order["links"][0]["href"]
    assert demo.session.get(href, timeout=10).json()["POHeaderId"] == order["POHeaderId"]
    assert demo.call(f"purchaseOrders/{order['POHeaderId']}").status_code == 404
    assert demo.session.get(href[:-1] + "F", timeout=10).status_code == 404
    nested = demo.items("purchaseOrders", limit=1, expand="lines.schedules.distributions")[0]
    schedule = nested["lines"]["items"][0]["schedules"]["items"][0]
    assert schedule["distributions"]["count"] == 1


def test_account_activities_may_have_hashed_keys(demo):
    account = demo.items(ACTIVITIES, limit=1)[0]["AccountId"]
    assert demo.get(f"{ACTIVITIES}/{account}")["AccountId"] == account
    demo.switch(account_keys="hash")
    assert demo.call(f"{ACTIVITIES}/{account}").status_code == 404
    row = demo.items(ACTIVITIES, limit=1)[0]
    assert demo.session.get(row["links"][0]["href"], timeout=10).json()["AccountId"] == row["AccountId"]


def test_sales_orders_are_addressed_by_order_key_or_header_id(demo):
    order = demo.get("salesOrdersForOrderHub/OPS:ORDER-1")
    assert demo.get(f"salesOrdersForOrderHub/{order['HeaderId']}")["OrderKey"] == "OPS:ORDER-1"
    assert demo.call("salesOrdersForOrderHub/OPS:ORDER-9").status_code == 404


# Finders


@pytest.mark.parametrize(
    ("resource", "finder", "count"),
    [
        (INVOICES, "invoiceSearch;InvoiceStatus=Frozen", 1),
        (INVOICES, "invoiceSearch;InvoiceStatus=Incomplete,InvoiceCurrencyCode=EUR", 1),
        ("accounts", None, 41),
        ("hubOrganizations", "PartyNumberAltKey;PartyNumber=10021", 1),
        ("hubOrganizations", "PartyUsageCodeRF;PartyUsageCode=CUSTOMER", 41),
        ("hubOrganizations", "SourceSystemReferenceAltKey;SourceSystem=LEGACY,SourceSystemReferenceValue=C-00001", 1),
        ("receivablesCreditMemos", "creditMemosFinder;BindCreditMemoStatus=Complete", 6),
        ("suppliers", "ActiveSuppliersFinder", 8),
        ("salesOrdersForOrderHub", "findByOrderKey;OrderKey=OPS:ORDER-2", 1),
        (
            "salesOrdersForOrderHub",
            "findBySourceOrderNumberAndSystem;SourceTransactionNumber=ORDER-1,SourceTransactionSystem=OPS",
            1,
        ),
        ("salesOrdersForOrderHub", "findByOrderedDate;FromDate=2000-01-01,ToDate=2001-01-01", 0),
    ],
)
def test_published_finders(demo, resource, finder, count):
    parameters = {"finder": finder} if finder else {}
    assert len(demo.items(resource, **parameters)) == count


def test_finders_by_key(demo):
    invoice = demo.items(INVOICES, limit=1)[0]["CustomerTransactionId"]
    assert keys(demo.items(INVOICES, finder=f"PrimaryKey;CustomerTransactionId={invoice}")) == [invoice]
    party = demo.items("accounts", limit=1)[0]["PartyId"]
    assert demo.items("billToAccounts", finder=f"PrimaryPartyIdFinder;primaryPartyId={party}")[0]["PartyId"] == party
    assert demo.items("hubOrganizations", finder=f"PartyIdAltKey;PartyId={party}")[0]["PartyId"] == party


def test_child_finders_limit_by_days(demo):
    path = f"{ACTIVITIES}/{{}}/child/standardReceipts"
    accounts = [row["AccountId"] for row in demo.items(ACTIVITIES)]
    everything = sum(len(demo.items(path.format(account))) for account in accounts)
    recent = sum(
        len(demo.items(path.format(account), finder="StandardReceiptsFinder;ReceiptLimitByDays=30"))
        for account in accounts
    )
    assert everything == 89
    assert 0 < recent < everything


@pytest.mark.parametrize(
    "finder",
    ["nothing;A=1", "PrimaryKey;Nothing=1", "PrimaryKey;CustomerTransactionId", "PrimaryKey;CustomerTransactionId=x"],
)
def test_bad_finders(demo, finder):
    refused(demo.call(INVOICES, finder=finder))


# 3 Errors, security, limits


def test_the_error_body(demo):
    answer = demo.call(INVOICES, q="Nothing = 1")
    assert answer.headers["Content-Type"] == "application/vnd.oracle.adf.error+json"
    body = answer.json()
    assert (body["title"], body["status"]) == ("Bad Request", "400")
    assert body["o:errorDetails"][0]["detail"] == body["detail"]
    assert "o:errorDetails" not in demo.call(INVOICES, 3, q="Nothing = 1").json()


def test_old_versions_answer_plain_text_to_callers_that_do_not_accept_the_error_type(demo):
    demo.session.headers["Accept"] = "application/json"
    assert demo.call(INVOICES, None, q="Nothing = 1").headers["Content-Type"].startswith("text/plain")
    assert demo.call(INVOICES, 4, q="Nothing = 1").json()["status"] == "400"


def test_data_security_hides_or_forbids(demo):
    number = demo.items(INVOICES, limit=1)[0]["CustomerTransactionId"]
    demo.switch(hidden=[INVOICES], forbidden=["suppliers"])
    page = demo.get(INVOICES, totalResults="true")
    assert (page["count"], page["totalResults"], page["hasMore"]) == (0, 0, False)
    assert demo.call(f"{INVOICES}/{number}").status_code == 404
    assert "suppliers" in refused(demo.call("suppliers"), 403)


def test_rows_of_other_business_units_are_missing_without_an_error(demo):
    rows = demo.items(INVOICES)
    foreign = next(row for row in rows if row["BusinessUnit"] != "US Operations")
    demo.switch(visible_units=["US Operations"])
    assert {row["BusinessUnit"] for row in demo.items(INVOICES)} == {"US Operations"}
    assert demo.call(f"{INVOICES}/{foreign['CustomerTransactionId']}").status_code == 404


def test_a_rate_limit_with_and_without_retry_after(demo):
    demo.switch(rate_limit=2, rate_window=0.3)
    answers = [demo.call(INVOICES, limit=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "1"
    demo.switch(retry_after=False)
    assert "Retry-After" not in demo.call(INVOICES, limit=1).headers
    deadline = time.monotonic() + 5
    while demo.call(INVOICES, limit=1).status_code == 429:
        assert time.monotonic() < deadline


# 4 Seeds


def minor(currency):
    return Decimal(1).scaleb(-{"JPY": 0, "KWD": 3}.get(currency, 2))


def assert_adds_up(row):
    """Header, lines, taxes and installments of an invoice read with expand=all agree to the minor unit."""
    lines = row[LINES]["items"]
    taxes = [tax for line in lines for tax in line[TAXES]["items"] if tax["TaxInclusiveIndicator"] == "N"]
    total = sum(line["LineAmount"] for line in lines) + sum(tax["TaxAmount"] for tax in taxes)
    assert row["EnteredAmount"] == total + (row["FreightAmount"] or 0)
    assert row["EnteredAmount"] % minor(row["InvoiceCurrencyCode"]) == 0
    parts = row[INSTALLMENTS]["items"]
    assert sum(part["OriginalAmount"] for part in parts) == row["EnteredAmount"]
    assert sum(part["InstallmentTaxAmountOriginal"] for part in parts) == sum(tax["TaxAmount"] for tax in taxes)
    for part in parts:
        open_amount = part["OriginalAmount"] - part["AmountPaid"] + part["InstallmentAmountCredited"]
        assert part["InstallmentBalanceDue"] == open_amount
        assert part["InstallmentStatus"] == ("Open" if open_amount else "Closed")
        assert (part["InstallmentClosedDate"] is None) == bool(open_amount)


def test_amounts_of_every_seeded_invoice_add_up(demo):
    demo.switch(child_limit=100)
    for row in demo.items(INVOICES, expand="all"):
        assert_adds_up(row)


def test_payments_agree_with_applications(demo):
    paid, used = {}, {}
    for account in demo.items(ACTIVITIES, expand="standardReceiptApplications", onlyData="true"):
        rows = demo.items(f"{ACTIVITIES}/{account['AccountId']}/child/standardReceiptApplications")
        for row in rows:
            if row["IsLatestApplication"] == "Y":
                key = row["ReferenceInstallmentId"]
                paid[key] = paid.get(key, 0) + row["ApplicationAmount"]
                used[row["StandardReceiptId"]] = used.get(row["StandardReceiptId"], 0) + row["ApplicationAmount"]
    for row in demo.items(INVOICES, expand=INSTALLMENTS):
        for part in row[INSTALLMENTS]["items"]:
            assert part["AmountPaid"] == paid.get(part["InstallmentId"], 0)
    for receipt in demo.items("standardReceipts"):
        if receipt["ReversalDate"] is None:
            assert receipt["UnappliedAmount"] == receipt["Amount"] - used.get(receipt["StandardReceiptId"], 0)


def test_the_demo_has_the_oddities_it_promises(demo):
    demo.switch(child_limit=100)
    rows = demo.items(INVOICES, expand="all")
    lines = [line for row in rows for line in row[LINES]["items"]]
    assert {row["InvoiceCurrencyCode"] for row in rows} == {"USD", "EUR", "GBP", "JPY", "KWD"}
    assert {row["InvoiceStatus"] for row in rows} == {"Complete", "Incomplete", "Frozen"}
    assert any(row["EnteredAmount"] < 0 for row in rows)
    assert any(line["LineAmount"] < 0 for line in lines)
    assert any(line["LineAmount"] == 0 for line in lines)
    assert any(line["ItemNumber"] is None and line["Quantity"] is None and line["MemoLine"] for line in lines)
    assert any(line["LineAmountIncludesTax"] == "Y" for line in lines)
    assert any(line["Quantity"] and line["Quantity"] * line["UnitSellingPrice"] != line["LineAmount"] for line in lines)
    assert any(row["FreightAmount"] for row in rows)
    assert any(row[INSTALLMENTS]["count"] == 3 for row in rows)
    stamps = [row["LastUpdateDate"] for row in rows]
    assert max(stamps.count(stamp) for stamp in stamps) >= 8
    assert len(rows) == 158
    newest = max(datetime.fromisoformat(stamp) for stamp in stamps)
    assert (datetime.now(UTC) - newest).days >= 2


def test_the_demo_parties(demo):
    accounts = demo.items("accounts")
    people = demo.items("hubPersons")
    parties = {row["PartyId"] for row in accounts}
    assert {row["BillToPartyId"] for row in demo.items(INVOICES)} < parties, "one buys nothing yet"
    emails = [person["EmailAddress"] for person in people if person["EmailAddress"]]
    assert len(emails) - len(set(emails)) == 1
    assert len(parties - {person["OrganizationPartyId"] for person in people}) >= 2
    assert any(person["DoNotEmailFlag"] for person in people)
    assert any(person["EmailAddress"] is None for person in people)
    assert {row["SupplierPartyId"] for row in demo.items("suppliers")} & parties
    receipts = demo.items("standardReceipts")
    assert len(receipts) == 89
    assert sum(1 for receipt in receipts if receipt["ReversalDate"]) == 3
    assert all(receipt["CustomerAccountNumber"] for receipt in receipts)
    billed = {row["AccountNumber"]: row["PartyId"] for row in demo.items("billToAccounts")}
    assert all(
        billed[row["BillToCustomerNumber"]] == row["BillToPartyId"]
        for row in demo.items(INVOICES)
        if row["BillToPartyId"] in parties
    )


def test_the_small_seed_is_always_the_same():
    first, second = (Sandbox(seed="small", clock=lambda: 1_790_000_000.0, systems=("oracle_fusion",)) for _ in range(2))
    assert first.systems["oracle_fusion"].dump() == second.systems["oracle_fusion"].dump()
    dump = first.systems["oracle_fusion"].dump()
    assert [len(dump[name]) for name in ("accounts", "invoices", "receipts")] == [6, 12, 6]


# Business events


def changed_since(pod, resource, stamp):
    return keys(pod.items(resource, q=f"LastUpdateDate >= '{stamp}'"))


def now_text():
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def balance(pod, invoice):
    rows = pod.get(f"{INVOICES}/{invoice}", expand=INSTALLMENTS)[INSTALLMENTS]["items"]
    return sum(row["InstallmentBalanceDue"] for row in rows)


def test_a_customer_pays_in_two_parts(small):
    before = now_text()
    first = small.world.customer_pays(amount="10.00")
    assert small.get(f"standardReceipts/{first['receipt']}")["State"] == "Applied"
    left = balance(small, first["invoice"])
    assert changed_since(small, INVOICES, before) == []
    small.world.customer_pays(invoice=first["invoice"])
    assert balance(small, first["invoice"]) == 0
    assert left > 0
    assert small.get(f"{INVOICES}/{first['invoice']}")["InvoiceBalanceAmount"] == 0


def test_a_receipt_may_move_the_dates_of_invoice_and_account(small):
    before = now_text()
    small.switch(receipt_moves_invoice_date=True, receipt_moves_account_date=True)
    paid = small.world.customer_pays()
    assert changed_since(small, INVOICES, before) == [paid["invoice"]]
    assert len(small.items(ACTIVITIES, q=f"LastUpdateDate >= '{before}'")) == 1


def test_too_much_money_stays_unapplied(small):
    due = balance(small, small.world.open_invoice())
    paid = small.world.customer_pays(amount=str(due + 25))
    receipt = small.get(f"standardReceipts/{paid['receipt']}")
    assert (receipt["State"], receipt["UnappliedAmount"]) == ("Unapplied", 25)


@pytest.mark.parametrize("style", ["reversal_row", "in_place"])
def test_unapplied_reapplied_and_reversed(small, style):
    small.switch(unapply_style=style)
    paid = small.world.customer_pays()
    small.world.receipt_unapplied(receipt=paid["receipt"])
    assert balance(small, paid["invoice"]) == Decimal(paid["amount"])
    account = small.items(
        ACTIVITIES,
        q=f"AccountNumber = '{small.get('standardReceipts/' + str(paid['receipt']))['CustomerAccountNumber']}'",
    )[0]
    rows = small.items(
        f"{ACTIVITIES}/{account['AccountId']}/child/standardReceiptApplications",
        q=f"StandardReceiptId = {paid['receipt']}",
    )
    assert {row["IsLatestApplication"] for row in rows} == {"N"}
    assert len(rows) == (2 if style == "reversal_row" else 1)
    small.world.receipt_reapplied(receipt=paid["receipt"], invoice=paid["invoice"])
    assert balance(small, paid["invoice"]) == 0
    small.world.receipt_reversed(receipt=paid["receipt"])
    receipt = small.get(f"standardReceipts/{paid['receipt']}")
    assert receipt["ReversalDate"] is not None
    assert receipt["UnappliedAmount"] == 0
    assert balance(small, paid["invoice"]) == Decimal(paid["amount"])


def test_invoices_arrive_with_one_stamp_or_many(small):
    before = now_text()
    tied = small.world.invoices_arrive(count=7, lines=2, same_stamp=True)["invoices"]
    rows = [small.get(f"{INVOICES}/{number}", expand=LINES) for number in tied]
    assert len({row["LastUpdateDate"] for row in rows}) == 1
    assert {row[LINES]["count"] for row in rows} == {2}
    assert set(tied) <= set(changed_since(small, INVOICES, before))
    old = small.world.invoices_arrive(count=2, stamp=1_700_000_000, currency="KWD")["invoices"]
    assert small.get(f"{INVOICES}/{old[0]}")["LastUpdateDate"] == "2023-11-14T22:13:20.000+00:00"


@pytest.mark.parametrize("currency", ["USD", "EUR", "JPY", "KWD"])
def test_an_invoice_is_corrected(small, currency):
    number = small.items(INVOICES, finder=f"invoiceSearch;InvoiceCurrencyCode={currency}")[-1]["CustomerTransactionId"]
    before = small.get(f"{INVOICES}/{number}", expand="all")
    count = before[LINES]["count"]
    small.world.invoice_changes(invoice=number, how="add")
    added = small.get(f"{INVOICES}/{number}", expand="all")
    assert added[LINES]["count"] == count + 1
    assert added["EnteredAmount"] > before["EnteredAmount"]
    assert_adds_up(added)
    small.world.invoice_changes(invoice=number, how="remove")
    assert small.get(f"{INVOICES}/{number}")["EnteredAmount"] == before["EnteredAmount"]
    small.world.invoice_changes(invoice=number)
    repriced = small.get(f"{INVOICES}/{number}", expand="all")
    assert repriced[LINES]["count"] == count
    assert repriced["EnteredAmount"] > before["EnteredAmount"]
    assert repriced["LastUpdateDate"] > before["LastUpdateDate"]
    assert_adds_up(repriced)


def test_a_changed_line_may_leave_the_header_alone(small):
    small.switch(child_moves_parent_date=False)
    number = small.world.open_invoice()
    before = small.get(f"{INVOICES}/{number}")["LastUpdateDate"]
    small.world.invoice_changes(invoice=number)
    assert small.get(f"{INVOICES}/{number}")["LastUpdateDate"] == before


def test_an_invoice_is_credited_in_full(small):
    memo = small.world.credit_memo_for()
    assert balance(small, memo["invoice"]) == 0
    shown = small.get(f"receivablesCreditMemos/{memo['credit_memo']}")
    assert shown["EnteredAmount"] < 0
    assert shown["CrossReference"] == small.get(f"{INVOICES}/{memo['invoice']}")["TransactionNumber"]


def test_finance_completes_an_invoice(demo_sandbox):
    with Sandbox(seed="demo", systems=("oracle_fusion",)) as sandbox:
        pod = Pod(sandbox)
        before = now_text()
        done = sandbox.world.finance_completes_invoice()["invoice"]
        assert pod.get(f"{INVOICES}/{done}")["InvoiceStatus"] == "Complete"
        assert changed_since(pod, INVOICES, before) == [done]
        early = sandbox.world.invoice_before_its_customer()["invoice"]
        unseen = pod.get(f"{INVOICES}/{early}")["BillToPartyId"]
        assert pod.items("accounts", q=f"PartyId = {unseen}") == []
        receipt = sandbox.world.unidentified_receipt()["receipt"]
        assert pod.get(f"standardReceipts/{receipt}")["CustomerAccountNumber"] is None
        party = sandbox.world.customer_for_waiting_invoice_arrives()["customer"]
        assert pod.items("accounts", q=f"PartyId = {party}")[0]["OrganizationName"].startswith("Silent Creek")
        account = pod.items(ACTIVITIES, q=f"CustomerId = {party}", expand="transactionPaymentSchedules")[0]
        assert account["transactionPaymentSchedules"]["count"] == 1


def test_parties_change(small):
    before = now_text()
    made = small.world.new_customer(name="Fresh & Co", country="GB")
    small.world.customer_changes(customer=made["customer"], name="Fresher & Co", city="Bath")
    account = small.items("accounts", q=f"PartyId = {made['customer']}")[0]
    assert (account["OrganizationName"], account["City"]) == ("Fresher & Co", "Bath")
    shown = small.items("hubOrganizations", q=f"PartyId = {made['customer']}", expand="Address")[0]
    assert shown["Address"]["items"][0]["City"] == "Bath"
    assert small.items(ACTIVITIES, q=f"CustomerId = {made['customer']}")[0]["CustomerName"] == "Fresher & Co"
    small.world.contact_changes(contact=made["contact"], JobTitle="Owner")
    person = small.items("hubPersons", q=f"LastUpdateDate >= '{before}'")[0]
    assert (person["JobTitle"], person["OrganizationPartyId"]) == ("Owner", made["customer"])


def test_touched_rows_move_to_the_end_and_late_ones_appear_in_the_past(small):
    rows = small.items(INVOICES, orderBy="LastUpdateDate:asc")
    touched = small.world.touch(count=2)["ids"]
    assert touched == [row["CustomerTransactionId"] for row in rows[:2]]
    after = small.items(INVOICES, orderBy="LastUpdateDate:asc,CustomerTransactionId:asc")
    assert {row["CustomerTransactionId"] for row in after[-2:]} == set(touched)
    late = small.world.late_commit(age=3600)["invoices"][0]
    assert small.get(f"{INVOICES}/{late}")["LastUpdateDate"] < after[-1]["LastUpdateDate"]


def test_a_page_shift_during_a_scan_loses_a_row_for_offset_paging(small):
    """What the fault is for: a reader that pages by offset misses a row, which a keyset reader does not."""
    small.sandbox.faults.add("page_shift", path=r"offset=4\b", times=1)
    order = "LastUpdateDate:asc,CustomerTransactionId:asc"
    seen = [
        row["CustomerTransactionId"]
        for offset in (0, 4, 8)
        for row in small.items(INVOICES, limit=4, offset=offset, orderBy=order)
    ]
    assert len(set(seen)) == 11


def test_fill_loads_a_large_ledger_with_payments(small):
    done = small.world.fill(customers=5, invoices=300, lines=2, payments=20)
    assert (done["customers"], done["invoices"]) == (5, 300)
    assert small.get(INVOICES, totalResults="true")["totalResults"] == 312
    first = small.get(f"{INVOICES}/{done['first'][0]}", expand="all")
    assert first["InvoiceBalanceAmount"] == 0
    assert first[INSTALLMENTS]["items"][0]["InstallmentStatus"] == "Closed"
    assert first[LINES]["count"] == 2
    assert balance(small, done["last"][0]) > 0


def test_events_that_cannot_happen_say_so(small):
    from connections.sandbox.oracle_fusion.ledger import LedgerError

    for name, arguments in (
        ("customer_pays", {"invoice": 5}),
        ("customer_for_waiting_invoice_arrives", {}),
        ("finance_completes_invoice", {}),
        ("receipt_reversed", {"receipt": 5}),
        ("touch", {"resource": "nothing"}),
        ("customer_pays", {"colour": "red"}),
        ("explode", {}),
    ):
        with pytest.raises(LedgerError):
            small.world.run(name, arguments)
