"""Settings that are wrong are refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from proofwatch.connectors.base import ConnectorError
from proofwatch.connectors.okta import OktaConnector

APP = {"org_url": "https://acme.okta.com", "client_id": "0oa1", "private_key": "file:/etc/okta.pem"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"org_url": "https://acme-admin.okta.com"}, "that is the Admin Console"),
        ({"org_url": "https://acme.okta.com/api/v1"}, "without a path"),
        ({"org_url": "http://acme.okta.com"}, "not encrypted"),
        ({"private_key": None}, "give client_id and private_key"),
        ({"api_token": "env:T"}, "not both"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----"}, "write env:NAME or file:/path"),
        ({"scopes": "okta.users.read, okta.users.manage"}, "'okta.users.manage' is no scope that only reads"),
        ({"scopes": ""}, "name at least one"),
        ({"factors": "none"}, "'admins' or 'all'"),
        ({"log_days": 0}, "greater than or equal to 1"),
        ({"org_ulr": "x"}, "did you mean org_url"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectorError, match=words) as caught:
        OktaConnector.parse_settings({**APP, **change})
    assert "BEGIN" not in caught.value.problem


def test_an_app_or_a_token_is_enough() -> None:
    assert OktaConnector.parse_settings(APP).factors == "admins"  # type: ignore[attr-defined]
    OktaConnector.parse_settings({"org_url": "https://acme.okta.com/", "api_token": "env:T"})
