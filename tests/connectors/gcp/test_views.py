"""What the views of Google Cloud join, and what they do not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofwatch.connectors.gcp import GcpConnector
from tests.connectors.google.views import Rows, view

TREE = ["projects/1", "folders/2", "organizations/3"]
PROJECT: dict[str, Any] = {"project_id": "p", "project_number": "1", "ancestors": TREE, "state": "ACTIVE"}
ALL = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")
BUCKET = "//storage.googleapis.com/b"


def one(folder: Path, name: str, **given: Rows) -> dict[str, Any]:
    (row,) = view(folder, GcpConnector.tables(), name, **given)
    return row


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"allowed": [{"protocol": "tcp", "ports": ["22"]}]}, [(22, 22)]),
        ({"allowed": [{"protocol": "tcp", "ports": ["20-25", "80"]}]}, [(20, 25), (80, 80)]),
        ({"allowed": [{"protocol": "all", "ports": []}]}, [(0, 65535)]),
        ({"allowed": [{"protocol": "6", "ports": []}]}, [(0, 65535)]),
        ({"allowed": [{"protocol": "udp", "ports": ["22"]}]}, []),
        ({"allowed": [{"protocol": "tcp", "ports": ["22"]}], "disabled": True}, []),
        ({"allowed": [{"protocol": "tcp", "ports": ["22"]}], "direction": "EGRESS"}, []),
        ({"allowed": [{"protocol": "tcp", "ports": ["22"]}], "source_ranges": ["10.0.0.0/8"]}, []),
        ({"allowed": [{"protocol": "tcp", "ports": ["22"]}], "source_ranges": ["::/0"]}, [(22, 22)]),
        ({"allowed": None}, None),
    ],
)
def test_ports_that_are_open_to_everyone(tmp_path: Path, rule: Any, expected: Any) -> None:
    given = {"direction": "INGRESS", "disabled": False, "source_ranges": ["0.0.0.0/0"], **rule}
    found = one(tmp_path, "gcp_firewall_exposure", gcp_compute_firewall=[given])["open_tcp"]
    ports = None if found is None else [(item["from_port"], item["to_port"]) for item in found]
    assert ports == expected


@pytest.mark.parametrize(
    ("member", "expected"), [("allUsers", 1), ("allAuthenticatedUsers", 1), ("user:a", 0)]
)
def test_what_a_bucket_gives_to_everyone(tmp_path: Path, member: str, expected: int) -> None:
    binding = {"asset": BUCKET, "role": "r", "member": member}
    found = one(
        tmp_path, "gcp_storage_bucket_access", gcp_storage_bucket=[{"resource": BUCKET}],
        gcp_iam_binding=[binding, {**binding, "asset": "//other"}],
    )  # fmt: skip
    assert len(found["public_grants"]) == expected


@pytest.mark.parametrize("node", TREE)
def test_data_access_is_also_logged_by_what_stands_above(tmp_path: Path, node: str) -> None:
    audits = [
        {"node": node, "service": "allServices", "log_type": kind, "exempted_members": []} for kind in ALL
    ]
    found = one(tmp_path, "gcp_project_audit", gcp_project=[PROJECT], gcp_audit_config=audits)
    assert sorted(found["logged"]) == list(ALL)
    other = [{**item, "node": "folders/9"} for item in audits]
    assert one(tmp_path, "gcp_project_audit", gcp_project=[PROJECT], gcp_audit_config=other)["logged"] == []


def test_what_stands_above_a_single_project_is_not_known(tmp_path: Path) -> None:
    alone = {**PROJECT, "account_id": "acme-project"}
    assert one(tmp_path, "gcp_project_audit", gcp_project=[alone])["logged"] is None
    assert one(tmp_path, "gcp_project_logging", gcp_project=[alone])["exports_everything"] is None


@pytest.mark.parametrize(
    ("sink", "expected"),
    [
        ({"node": "organizations/3", "include_children": True}, True),
        ({"node": "organizations/3", "include_children": False}, False),
        ({"node": "projects/1", "include_children": False}, True),
        ({"node": "projects/1", "include_children": False, "filter": "severity>=ERROR"}, False),
        ({"node": "projects/1", "include_children": False, "disabled": True}, False),
        ({"node": "projects/1", "include_children": False, "exclusions": [{"name": "x"}]}, False),
        ({"node": "projects/1", "include_children": False, "name": "_Default"}, False),
        ({"node": "projects/8", "include_children": True}, False),
    ],
)
def test_a_sink_that_takes_everything(tmp_path: Path, sink: dict[str, Any], expected: bool) -> None:
    given = {"name": "everything", "disabled": False, "destination": "d", **sink}
    found = one(tmp_path, "gcp_project_logging", gcp_project=[PROJECT], gcp_log_sink=[given])
    assert found["exports_everything"] is expected


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("storage.googleapis.com/b", (True, 400)),
        ("logging.googleapis.com/projects/p/locations/l/buckets/x", (False, 30)),
        ("storage.googleapis.com/elsewhere", (None, None)),
    ],
)
def test_what_a_sink_writes_to(tmp_path: Path, destination: str, expected: Any) -> None:
    found = one(
        tmp_path, "gcp_log_sink_target",
        gcp_log_sink=[{"name": "s", "destination": destination, "disabled": False}],
        gcp_storage_bucket=[{"name": "b", "retention_locked": True, "retention_seconds": 34560000}],
        gcp_log_bucket=[{"name": "projects/p/locations/l/buckets/x", "locked": False, "retention_days": 30}],
    )  # fmt: skip
    assert (found["locked"], found["retention_days"]) == expected


def test_keys_that_somebody_holds_are_counted(tmp_path: Path) -> None:
    keys = [
        {"service_account": "s", "key_type": kind, "disabled": off}
        for kind, off in (("USER_MANAGED", False), ("USER_MANAGED", True), ("SYSTEM_MANAGED", False))
    ]
    name, accounts = "gcp_service_account_use", [{"email": "s", "disabled": False}]
    given = {"gcp_service_account": accounts, "gcp_service_account_key": keys}
    assert one(tmp_path, name, **given)["held_keys"] == 1
    given["gcp_service_account_key"] = [*keys, {"service_account": "s", "key_type": None}]
    assert one(tmp_path, name, **given)["held_keys"] is None
    assert one(tmp_path, name, gcp_service_account=accounts)["held_keys"] == 0


def test_constraints_that_the_organisation_sets(tmp_path: Path) -> None:
    policies = [
        {"asset": "//o", "constraint_name": "constraints/a", "enforced": True},
        {"asset": "//o", "constraint_name": "constraints/b", "enforced": False},
        {"asset": "//o", "constraint_name": "constraints/c", "all_values": "DENY"},
        {"asset": "//o", "constraint_name": "constraints/d", "allowed_values": ["x"]},
        {"asset": "//p", "constraint_name": "constraints/e", "enforced": True},
    ]
    given: dict[str, Rows] = {"gcp_organization": [{"resource": "//o"}], "gcp_org_policy": policies}
    assert one(tmp_path, "gcp_organization_baseline", **given)["constraints_set"] == ["a", "c", "d"]


def test_roles_of_a_member_on_one_project(tmp_path: Path) -> None:
    project = "cloudresourcemanager.googleapis.com/Project"
    bindings = [
        {"asset": asset, "asset_type": kind, "member": "m", "role": role}
        for asset, kind, role in (
            ("//p", project, "b"),
            ("//p", project, "a"),
            ("//q", project, "c"),
            ("//k", "cloudkms.googleapis.com/CryptoKey", "d"),
        )
    ]
    found = view(tmp_path, GcpConnector.tables(), "gcp_iam_member", gcp_iam_binding=bindings)
    assert {row["asset"]: row["roles"] for row in found} == {"//p": ["a", "b"], "//q": ["c"]}
