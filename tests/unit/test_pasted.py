"""Addresses out of a browser's bar become those the systems are called by, and mix-ups are named."""

from __future__ import annotations

import pytest

from connections.connectors import registry
from connections.connectors.salesforce.connector import my_domain
from connections.pasted import origin

FUSION = {
    "pod_url": "https://abcd.fa.em2.oraclecloud.com",
    "auth": "client_credentials",
    "token_url": "https://idcs-0123.identity.oraclecloud.com",
    "client_id": "erp.user",
    "scope": "urn:opc:resource:consumer::all",
}


@pytest.mark.parametrize(
    ("pasted", "address"),
    [
        ("abcd.fa.em2.oraclecloud.com", "https://abcd.fa.em2.oraclecloud.com"),
        (
            "https://ABCD.fa.em2.oraclecloud.com:443/fscmUI/faces/FuseWelcome?x=1#y",
            "https://abcd.fa.em2.oraclecloud.com",
        ),
        (" “https://abcd.example.com/”,\n", "https://abcd.example.com"),
        ("<https://abcd.example.com>", "https://abcd.example.com"),
        ("\u200bhttps://abcd.exa mple.com", "https://abcd.example.com"),
        ("http://127.0.0.1:9101/x", "http://127.0.0.1:9101"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://who:secret@abcd.example.com", ""),
        ("ftp://abcd.example.com", ""),
        ("https://abcd.example.com:99999", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_an_origin_is_found_in_what_was_pasted(pasted: str, address: str) -> None:
    assert origin(pasted) == address


@pytest.mark.parametrize(
    ("pasted", "address"),
    [
        ("https://larkfield.my.salesforce-setup.com/lightning/setup/x", "https://larkfield.my.salesforce.com"),
        ("https://larkfield--c.vf.force.com/apex/Home", "https://larkfield.my.salesforce.com"),
        ("larkfield--uat--c.sandbox.vf.force.com", "https://larkfield--uat.sandbox.my.salesforce.com"),
    ],
)
def test_pages_of_salesforce_lead_to_its_my_domain(pasted: str, address: str) -> None:
    assert my_domain(pasted) == address


@pytest.mark.parametrize(
    ("pasted", "token_url"),
    [
        ("idcs-0123.identity.oraclecloud.com", "/oauth2/v1/token"),
        ("https://idcs-0123.identity.oraclecloud.com:443/ui/v1/adminconsole", "/oauth2/v1/token"),
        ("https://idcs-0123.identity.oraclecloud.com/.well-known/openid-configuration", "/oauth2/v1/token"),
        ("https://idcs-0123.identity.oraclecloud.com/oauth2/v2/token/", "/oauth2/v2/token"),
    ],
)
def test_a_console_of_the_identity_domain_leads_to_its_sign_in(pasted: str, token_url: str) -> None:
    cleaned = registry.get("oracle_fusion").clean({**FUSION, "token_url": pasted})
    assert cleaned["token_url"] == f"https://idcs-0123.identity.oraclecloud.com{token_url}"


@pytest.mark.parametrize(
    ("change", "field"),
    [({"pod_url": FUSION["token_url"]}, "pod_url"), ({"token_url": FUSION["pod_url"] + "/fscmUI"}, "token_url")],
)
def test_the_pod_and_its_identity_domain_are_not_mixed_up(change: dict[str, str], field: str) -> None:
    with pytest.raises(ValueError) as caught:
        registry.get("oracle_fusion").clean(FUSION | change)
    assert list(caught.value.args[0]) == [field]


@pytest.mark.parametrize("pasted", ["app.hubspot.com/contacts/123", "https://app-eu1.hubspot.com/", ""])
def test_pages_of_hubspot_lead_to_its_api(pasted: str) -> None:
    assert registry.get("hubspot").clean({"base_url": pasted})["base_url"] == "https://api.hubapi.com"
