"""Whatever goes wrong, a table is unread with the reason and never an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from proofwatch.connectors.base import ReadStats, Row, Shard, Unread
from proofwatch.connectors.gcp import GcpConnector
from proofwatch.connectors.rest import api
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.gcp import FakeGcp
from proofwatch.demo.fakes.gcp_assets import ORGANIZATION

ASSETS = f"/v1/organizations/{ORGANIZATION}/assets"
DENIED = {
    "error": {"code": 403, "message": "The caller does not have permission", "status": "PERMISSION_DENIED"}
}
OFF = {
    "error": {
        "code": 403,
        "message": "Cloud Asset API has not been used in project 1 before or it is disabled",
    }
}


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGcp]:
    monkeypatch.setattr(api.time, "sleep", lambda seconds: None)
    with FakeGcp() as fake:
        assert isinstance(fake, FakeGcp)
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


def read(google: FakeGcp, table: str) -> list[Row]:
    connector = GcpConnector(GcpConnector.parse_settings(google.settings()))
    return list(connector.read(Shard(ORGANIZATION, "global", "x", (table,)), table, ReadStats()))


@pytest.mark.parametrize("table", ["gcp_storage_bucket", "gcp_iam_binding", "gcp_org_policy", "gcp_project"])
@pytest.mark.parametrize(
    ("said", "code", "words", "permanent"),
    [
        (Said({"error": {"message": "Invalid credentials"}}, 401), "401", "Invalid credentials", True),
        (
            Said(DENIED, 403),
            "403",
            r"cloudasset\.assets\.listResource is needed|listIamPolicy|listOrgPolicy",
            True,
        ),
        (Said(OFF, 403), "403", "it is disabled", True),
        (Said({"error": {"message": "not found"}}, 404), "404", "no such thing", True),
        (Said({"error": {"message": "bad assetTypes"}}, 422), "422", "refuses the request", True),
        (Said({}, 429, {"Retry-After": "30"}), "429", "asks to wait 30 seconds", False),
        (Said({"error": {"message": "internal"}}, 500), "500", "failed with status 500", False),
        (Said(b'{"assets": [{"na', 200), "json", "no JSON", False),
        (Said({"assets": "many"}, 200), "schema", "no list of objects", True),
        (Said({"assets": [{"assetType": "x"}]}, 200), "schema", "has no name", True),
        (Said(None, 302, {"Location": "https://evil.example/assets"}), "host", "not the connection's", True),
    ],
)
def test_a_listing_that_fails_is_unread(
    google: FakeGcp, table: str, said: Said, code: str, words: str, permanent: bool
) -> None:
    google.broken[ASSETS] = said
    with pytest.raises(Unread, match=words) as caught:
        read(google, table)
    assert (caught.value.code, caught.value.permanent) == (code, permanent)


@pytest.mark.parametrize("data", [None, [], "text"])
def test_an_asset_without_data_fails_the_table(google: FakeGcp, data: Any) -> None:
    bucket = next(item for item in google.assets if item["assetType"] == "storage.googleapis.com/Bucket")
    bucket["resource"]["data"] = data
    with pytest.raises(Unread, match="has no data") as caught:
        read(google, "gcp_storage_bucket")
    assert caught.value.code == "schema"


@pytest.mark.parametrize(
    ("kind", "table", "member"),
    [
        ("storage.googleapis.com/Bucket", "gcp_storage_bucket", "iamConfiguration"),
        ("sqladmin.googleapis.com/Instance", "gcp_sql_instance", "settings"),
        ("compute.googleapis.com/Firewall", "gcp_compute_firewall", "allowed"),
        ("compute.googleapis.com/Instance", "gcp_compute_instance", "networkInterfaces"),
        ("compute.googleapis.com/Disk", "gcp_compute_disk", "diskEncryptionKey"),
    ],
)
def test_data_of_another_form_fail_the_table(google: FakeGcp, kind: str, table: str, member: str) -> None:
    found = next(item for item in google.assets if item["assetType"] == kind)
    found["resource"]["data"][member] = [7]
    with pytest.raises(Unread, match="does not document") as caught:
        read(google, table)
    assert caught.value.code == "schema"


def test_a_second_page_that_fails_fails_the_table(google: FakeGcp) -> None:
    buckets = [item for item in google.assets if item["assetType"] == "storage.googleapis.com/Bucket"]
    del buckets[2]["name"]
    with pytest.raises(Unread, match="has no name"):
        read(google, "gcp_storage_bucket")


def test_findings_that_may_not_be_read_are_unread(google: FakeGcp) -> None:
    google.broken[f"/v1/organizations/{ORGANIZATION}/sources/-/findings"] = Said(DENIED, 403)
    with pytest.raises(Unread, match=r"securitycenter\.findings\.list is needed"):
        read(google, "gcp_scc_finding")


def test_a_credential_that_ended_leaves_the_table_unread(google: FakeGcp) -> None:
    google.broken["/token"] = Said(
        {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400
    )
    with pytest.raises(Unread, match="Invalid JWT Signature") as caught:
        read(google, "gcp_project")
    assert caught.value.code == "credential"
