"""Resources as Cloud Asset Inventory has written them over the years; what is off is left out."""

from __future__ import annotations

from typing import Any

import pytest

from proofwatch.connectors.gcp.tables.compute import _disk, _firewall, _instance, _metadata
from proofwatch.connectors.gcp.tables.data import _bucket, _days, _key, _sql
from proofwatch.connectors.gcp.tables.organization import _node


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"networkInterfaces": [{"networkIP": "10.0.0.2"}]}, []),
        ({"networkInterfaces": [{"accessConfigs": [{"natIP": "203.0.113.9"}]}]}, ["203.0.113.9"]),
        # As exported until 2020.
        ({"networkInterface": [{"accessConfig": [{"externalIp": "203.0.113.9"}]}]}, ["203.0.113.9"]),
        ({"networkInterface": [{"ipAddress": "10.0.0.2"}]}, []),
        # A stopped machine keeps its access and has no address for the moment.
        ({"networkInterfaces": [{"accessConfigs": [{"type": "ONE_TO_ONE_NAT"}]}]}, ["none at the moment"]),
        ({"networkInterfaces": [{"ipv6AccessConfigs": [{"externalIpv6": "2001:db8::1"}]}]}, ["2001:db8::1"]),
        # Every machine has an interface: where none is told, nothing is known.
        ({}, None),
        ({"networkInterfaces": []}, None),
    ],
)
def test_addresses_are_read_in_every_spelling(data: dict[str, Any], expected: list[str] | None) -> None:
    assert _instance(data)["addresses"] == expected


@pytest.mark.parametrize("names", [("serviceAccounts", "scopes"), ("serviceAccount", "scope")])
def test_accounts_are_read_in_every_spelling(names: tuple[str, str]) -> None:
    found = _instance({names[0]: [{"email": "a@x", names[1]: ["s"]}]})
    assert (found["accounts"], found["scopes"]) == (["a@x"], ["s"])


@pytest.mark.parametrize(
    "rule",
    [
        {"IPProtocol": "TCP", "ports": ["22", "80-90"]},
        {"ipProtocol": "tcp", "port": ["22", "80-90"]},
    ],
)
def test_rules_are_read_in_every_spelling(rule: dict[str, Any]) -> None:
    found = _firewall({"allowed": [rule], "sourceRange": ["0.0.0.0/0"]})
    assert found["allowed"] == [{"protocol": "tcp", "ports": ["22", "80-90"]}]
    assert (found["sources"], found["direction"], found["disabled"]) == (["0.0.0.0/0"], "INGRESS", False)


def test_metadata_without_meaning_for_us_are_left_out() -> None:
    found = _metadata(
        {"items": [{"key": "ssh-keys", "value": "x"}, {"key": "enable-oslogin", "value": "TRUE"}]}
    )
    assert found == {"ssh-keys": "(left out)", "enable-oslogin": "TRUE"}
    assert _metadata(None) == {}
    assert _metadata("text") is None
    data: dict[str, Any] = {"metadata": {"items": [{"key": "startup-script", "value": "secret"}]}}
    _instance(data)
    assert "secret" not in str(data)


def test_what_is_off_is_left_out_by_google() -> None:
    found = _bucket({"versioning": {}, "iamConfiguration": {"bucketPolicyOnly": {}}, "retentionPolicy": {}})
    assert (found["uniform"], found["versioning"], found["locked"], found["own_key"]) == (False,) * 4
    assert _bucket({})["prevention"] == "inherited"
    old = {
        "iamConfiguration": {"publicAccessPrevention": "unspecified", "bucketPolicyOnly": {"enabled": True}}
    }
    assert (_bucket(old)["prevention"], _bucket(old)["uniform"]) == ("inherited", True)
    sql = _sql({"settings": {"ipConfiguration": {"ipv4Enabled": True}}})
    assert (sql["ipv4"], sql["backups"], sql["point_in_time"], sql["networks"]) == (True, False, False, [])
    assert _disk({})["own_key"] is False
    assert _disk({"diskEncryptionKey": {"sha256": "x"}})["own_key"] is True


@pytest.mark.parametrize(
    ("period", "expected"), [("7776000s", 90), ("7776000.5s", 90), (None, None), ("x", "x"), ("xs", "xs")]
)
def test_durations_are_days(period: Any, expected: Any) -> None:
    assert _days(period) == expected
    assert _key({"rotationPeriod": period})["rotation_days"] == expected


@pytest.mark.parametrize(
    "data",
    [
        {"lifecycleState": "ACTIVE", "name": "Title", "parent": {"type": "folder", "id": "1"}},
        {"state": "ACTIVE", "name": "projects/2", "displayName": "Title", "parent": "folders/1"},
    ],
)
def test_both_versions_of_resource_manager_are_read(data: dict[str, Any]) -> None:
    assert _node(data) == {"state": "ACTIVE", "parent": "folders/1", "title": "Title"}
