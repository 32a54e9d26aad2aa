"""What Google says of its own interfaces judges what we ask, and what our fake answers.

Cloud Asset Inventory describes the data of a resource as anything; but each asset names the description of
the interface that it comes from, and that one judges the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from proofwatch.connectors.base import ReadStats, Shard
from proofwatch.connectors.gcp import GcpConnector
from proofwatch.connectors.rest.collect import Place
from proofwatch.demo.fakes.gcp import FakeGcp
from proofwatch.demo.fakes.gcp_assets import ORGANIZATION, resources
from tests.connectors.google.discovery import document, schema
from tests.connectors.google.judged import before, instead, saved

TABLES = sorted(GcpConnector.tables())
NAMES = ("cloudasset.v1", "cloudresourcemanager.v3", "securitycenter.v1")
PATHS = (
    r"v1Id1\}/assets$|:searchAllIamPolicies$|/(organizations|projects):search$"
    r"|^/v3/(organizations|projects)/\{\w+\}:testIamPermissions$|^/v1/organizations/\{\w+\}/sources/\{\w+\}/findings$"
)
SOURCES = {
    "cloudresourcemanager.googleapis.com": "cloudresourcemanager.",
    "iam.googleapis.com": "iam.v1",
    "storage.googleapis.com": "storage.v1",
    "sqladmin.googleapis.com": "sqladmin.v1",
    "cloudkms.googleapis.com": "cloudkms.v1",
    "compute.googleapis.com": "compute.v1",
    "logging.googleapis.com": "logging.v2",
}
ASSETS = resources(datetime(2026, 11, 28, tzinfo=UTC))


@cache
def _schemas(name: str) -> dict[str, Any]:
    return {key: schema(value, root="#/$defs/") for key, value in document(name)["schemas"].items()}


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("description"), *NAMES, only=PATHS)


@pytest.fixture(scope="module")
def google() -> Iterator[FakeGcp]:
    with FakeGcp() as fake:
        assert isinstance(fake, FakeGcp)
        yield fake


@pytest.fixture(scope="module")
def judge(description: Path, google: FakeGcp) -> Iterator[str]:
    with before(google.url, description) as url:
        yield url


@pytest.fixture(scope="module")
def mock(description: Path) -> Iterator[str]:
    with instead(description) as url:
        yield url


def behind(url: str, google: FakeGcp, monkeypatch: pytest.MonkeyPatch) -> GcpConnector:
    for name, value in google.environment().items():
        monkeypatch.setenv(name, value)
    names = ("asset_url", "resource_manager_url", "security_center_url")
    return GcpConnector(GcpConnector.parse_settings({**google.settings(), **dict.fromkeys(names, url)}))


@pytest.mark.parametrize("table", TABLES)
def test_requests_and_the_answers_of_our_fake_are_as_google_describes(
    judge: str, google: FakeGcp, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    connector = behind(judge, google, monkeypatch)
    found = list(connector.read(Shard(ORGANIZATION, "global", "x", (table,)), table, ReadStats()))
    assert found
    assert {row["_unread"] for row in found} == {None}


def test_scope_and_proof_are_asked_as_google_describes(
    judge: str, google: FakeGcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = behind(judge, google, monkeypatch)
    assert [place.account_id for place in connector.scope().places] == [ORGANIZATION]
    assert connector.prove_read_only().read_only is True


@pytest.mark.parametrize("asset", ASSETS, ids=[item["name"] for item in ASSETS])
def test_the_data_of_each_asset_are_as_the_interface_that_it_names_describes(
    asset: dict[str, dict[str, str]],
) -> None:
    resource = asset["resource"]
    name = SOURCES[str(asset["assetType"]).partition("/")[0]]
    name += resource["version"] if name.endswith(".") else ""
    schemas = _schemas(name)
    whole = {"$ref": f"#/$defs/{resource['discoveryName']}", "$defs": schemas}
    jsonschema_rs.Draft202012Validator(whole).validate(resource["data"])


def test_data_that_no_interface_describes_are_noticed() -> None:
    judge = jsonschema_rs.Draft202012Validator({"$ref": "#/$defs/Bucket", "$defs": _schemas("storage.v1")})
    with pytest.raises(jsonschema_rs.ValidationError, match="inventedByUs"):
        judge.validate({"inventedByUs": 1})


def test_an_example_of_a_described_finding_is_parsed(
    mock: str, google: FakeGcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = behind(mock, google, monkeypatch)
    rows = connector.read(
        Shard(ORGANIZATION, "global", "x", ("gcp_scc_finding",)), "gcp_scc_finding", ReadStats()
    )
    first = next(rows)
    assert first["resource"]
    assert {first[name] is not None for name in ("category", "severity", "state", "resource_name")} == {True}


@pytest.mark.parametrize("table", ["gcp_iam_binding", "gcp_org_policy", "gcp_audit_config"])
def test_an_example_of_a_described_asset_is_parsed(
    mock: str, google: FakeGcp, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    connector = behind(mock, google, monkeypatch)
    # The mock knows no projects; their listing is taken as read.
    monkeypatch.setattr(Place, "rows", lambda place, table: iter(()))
    first = next(iter(connector.read(Shard(ORGANIZATION, "global", "x", (table,)), table, ReadStats())))
    assert first["resource"]
    assert first["asset_type"]
