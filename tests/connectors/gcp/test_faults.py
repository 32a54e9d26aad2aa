"""The checks find the faults that were put into the demo, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofwatch.connectors.gcp import GcpConnector
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.gcp import FakeGcp
from tests.connectors.verdicts import failing, verdicts


def test_the_faults_of_the_demo_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeGcp() as google:
        assert isinstance(google, FakeGcp)
        for name, value in google.environment().items():
            monkeypatch.setenv(name, value)
        found = verdicts(GcpConnector(GcpConnector.parse_settings(google.settings())), tmp_path)
    assert {name.removeprefix("gcp."): len(resources) for name, resources in failing(found).items()} == {
        "compute.firewall-ssh-closed": 1,
        "iam.service-account-key-rotated": 1,
        "iam.service-account-without-held-keys": 1,
        "organization.policy-not-loosened": 1,
        "securitycenter.no-open-severe-finding": 1,
        "sql.instance-tls-required": 1,
        "storage.bucket-not-public": 1,
        "storage.bucket-prevents-public-access": 1,
    }
    assert not [name for name, status in found.items() if "inconclusive" in status]


def test_what_could_not_be_read_is_neither_pass_nor_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeGcp() as google:
        assert isinstance(google, FakeGcp)
        for name, value in google.environment().items():
            monkeypatch.setenv(name, value)
        for asset in google.assets:
            if asset["assetType"] == "compute.googleapis.com/Instance":
                del asset["resource"]["data"]["networkInterfaces"]
        path = "/v1/organizations/123456789012/sources/-/findings"
        google.broken[path] = Said({"error": {"message": "not active"}}, 404)
        found = verdicts(GcpConnector(GcpConnector.parse_settings(google.settings())), tmp_path)
    assert set(found["gcp.compute.instance-no-public-ip"]) == {"inconclusive"}
    assert "pass" not in found.get("gcp.securitycenter.no-open-severe-finding", {})
