"""The whole connector against Acme Robotics over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from proofwatch.connectors.base import ConnectorError, ReadStats, Row
from proofwatch.connectors.gcp import GcpConnector
from proofwatch.connectors.gcp.access import WRITING
from proofwatch.demo.fakes.base import Said
from proofwatch.demo.fakes.gcp import FakeGcp
from proofwatch.demo.fakes.gcp_assets import (
    DEPLOYER,
    DEVELOPMENT,
    FOLDER,
    LOGS,
    NUMBERS,
    ORGANIZATION,
    PRODUCTION,
    READER,
)
from proofwatch.demo.staff import DOMAIN

TABLES = sorted(GcpConnector.tables())


@pytest.fixture
def google() -> Iterator[FakeGcp]:
    with FakeGcp() as fake:
        assert isinstance(fake, FakeGcp)
        yield fake


@pytest.fixture
def connector(google: FakeGcp, monkeypatch: pytest.MonkeyPatch) -> GcpConnector:
    for name, value in google.environment().items():
        monkeypatch.setenv(name, value)
    return made(google)


def made(google: FakeGcp, **more: Any) -> GcpConnector:
    return GcpConnector(GcpConnector.parse_settings({**google.settings(), **more}))


def rows(connector: GcpConnector, table: str, stats: ReadStats | None = None) -> list[Row]:
    shard = next(item for item in connector.shards(connector.scope(), [table]) if table in item.tables)
    return list(connector.read(shard, table, stats or ReadStats()))


def test_it_says_who_it_is(connector: GcpConnector) -> None:
    found = connector.identity()
    assert (found.account_id, found.principal) == (ORGANIZATION, READER)
    assert found.details == {"kind": "key of a service account", "scopes": "cloud-platform.read-only"}


def test_it_proves_that_it_only_reads(connector: GcpConnector, google: FakeGcp) -> None:
    found = connector.prove_read_only()
    assert found.read_only is True
    assert found.evidence["asked"] == [f"organizations/{ORGANIZATION}"]
    assert found.evidence["bound"] == [
        f"roles/cloudasset.viewer on //cloudresourcemanager.googleapis.com/organizations/{ORGANIZATION}"
    ]
    google.held[f"organizations/{ORGANIZATION}"] = {"storage.buckets.delete", "resourcemanager.projects.get"}
    found = connector.prove_read_only()
    assert found.read_only is False
    assert found.writes == (f"organizations/{ORGANIZATION}: storage.buckets.delete",)


def test_a_role_bound_further_down_is_found(connector: GcpConnector, google: FakeGcp) -> None:
    project, bucket, folder = google.policies[1], google.policies[2], google.policies[3]
    assert NUMBERS[PRODUCTION] in project["name"]
    held = {"role": "roles/compute.admin", "members": [f"serviceAccount:{READER}"]}
    project["iamPolicy"]["bindings"].append(held)
    google.held[f"projects/{NUMBERS[PRODUCTION]}"] = {"compute.instances.delete"}
    bucket["iamPolicy"]["bindings"].append(
        {"role": "roles/storage.admin", "members": [f"serviceAccount:{READER}"]}
    )
    folder["iamPolicy"]["bindings"].append(
        {"role": "roles/logging.admin", "members": [f"serviceAccount:{READER}"]}
    )
    google.held[f"folders/{FOLDER}"] = {"logging.sinks.delete"}
    found = connector.prove_read_only()
    assert found.read_only is False
    assert set(found.writes) == {
        f"folders/{FOLDER}: logging.sinks.delete",
        f"folders/{FOLDER}: roles/logging.admin",
        f"projects/{NUMBERS[PRODUCTION]}: compute.instances.delete",
        f"projects/{NUMBERS[PRODUCTION]}: roles/compute.admin",
        "//storage.googleapis.com/acme-development-site: roles/storage.admin",
    }


@pytest.mark.parametrize(
    ("role", "only"),
    [("roles/pubsub.publisher", False), ("roles/compute.viewer", True), ("projects/p/roles/own", True)],
)
def test_a_role_that_writes_what_is_not_asked_about_tells_of_itself(
    connector: GcpConnector, google: FakeGcp, role: str, only: bool
) -> None:
    held = {"role": role, "members": [f"serviceAccount:{READER}"]}
    google.policies[1]["iamPolicy"]["bindings"].append(held)
    assert connector.prove_read_only().read_only is only


@pytest.mark.parametrize("body", [None, [], {"permissions": {}}])
def test_an_answer_that_names_no_permissions_proves_nothing(
    connector: GcpConnector, google: FakeGcp, body: Any
) -> None:
    google.broken[f"/v3/organizations/{ORGANIZATION}:testIamPermissions"] = Said(body)
    assert connector.prove_read_only().read_only is None


@pytest.mark.parametrize("body", [None, [], {"results": {}}, {"results": [1]}])
def test_an_answer_without_bindings_proves_nothing(
    connector: GcpConnector, google: FakeGcp, body: Any
) -> None:
    google.broken[f"/v1/organizations/{ORGANIZATION}:searchAllIamPolicies"] = Said(body)
    assert connector.prove_read_only().read_only is None


def test_an_answer_without_organisations_is_not_that_there_is_none(
    connector: GcpConnector, google: FakeGcp
) -> None:
    google.broken["/v3/organizations:search"] = Said([])
    scope = GcpConnector(connector.settings.model_copy(update={"organizations": []})).scope()
    assert scope.unlisted and "does not document" in scope.unknown[0]


def test_it_cannot_prove_what_google_does_not_answer(connector: GcpConnector, google: FakeGcp) -> None:
    path = f"/v3/organizations/{ORGANIZATION}:testIamPermissions"
    google.broken[path] = Said({"error": {"message": "Permission x is not valid for this resource"}}, 400)
    found = connector.prove_read_only()
    assert found.read_only is None
    assert "not valid for this resource" in found.reason
    assert len(WRITING) <= 100, "Google takes no more at once"


def places(connector: GcpConnector) -> list[tuple[str, str, bool]]:
    return [(place.account_id, place.gap, place.wanted) for place in connector.scope().places]


def test_its_scope_is_every_organisation_that_it_sees(connector: GcpConnector, google: FakeGcp) -> None:
    found = connector.scope()
    assert [(place.account_id, place.account_name) for place in found.places] == [(ORGANIZATION, DOMAIN)]
    google.visible.append("999999999999")
    excluded = [{"id": "999999999999", "reason": "of a company that was sold"}]
    assert places(made(google, exclude_organizations=excluded)) == [
        (ORGANIZATION, "", False),
        ("999999999999", "of a company that was sold", False),
    ]
    chosen = made(google, organizations=[ORGANIZATION, "555555555555"])
    assert places(chosen) == [
        (ORGANIZATION, "", False),
        (
            "555555555555",
            "we may not see it: resourcemanager.organizations.get is not granted, or it is gone",
            True,
        ),
        ("999999999999", "it was not chosen in the settings", False),
    ]


def test_what_cannot_be_listed_is_told(connector: GcpConnector, google: FakeGcp) -> None:
    google.broken["/v3/organizations:search"] = Said({"error": {"message": "no"}}, 403)
    found = connector.scope()
    assert (found.places, found.unlisted) == ((), ("*",))
    assert "resourcemanager.organizations.get is needed" in found.unknown[0]
    chosen = made(google, organizations=ORGANIZATION).scope()
    assert [(place.account_id, place.gap) for place in chosen.places] == [(ORGANIZATION, "")]
    assert chosen.unknown
    del google.broken["/v3/organizations:search"]
    google.visible.clear()
    assert "no organisation is visible to us" in connector.scope().unknown[0]


def test_single_projects_can_be_read_and_the_others_are_gaps(
    connector: GcpConnector, google: FakeGcp
) -> None:
    found = made(google, projects=f"{DEVELOPMENT}, not-there-anymore")
    told = {name: gap for name, gap, _ in places(found)}
    assert told[DEVELOPMENT] == ""
    assert told["not-there-anymore"].startswith("we may not see it")
    assert told[PRODUCTION] == told[LOGS] == told[ORGANIZATION] == "it was not chosen in the settings"
    shard = next(item for item in found.shards(found.scope(), TABLES) if item.account_id == DEVELOPMENT)
    names = [row["name"] for row in found.read(shard, "gcp_storage_bucket", ReadStats())]
    assert names == ["acme-development-site"]


def test_every_permission_is_tried(connector: GcpConnector, google: FakeGcp) -> None:
    found = connector.permissions(TABLES)
    assert {item.allowed for item in found} == {True}
    assert {item.name for item in found} == {
        "cloudasset.assets.listResource",
        "cloudasset.assets.listIamPolicy",
        "cloudasset.assets.listOrgPolicy",
        "securitycenter.findings.list",
    }


def test_every_table_is_read_whole(connector: GcpConnector, google: FakeGcp) -> None:
    for table in TABLES:
        found = rows(connector, table)
        assert len({row["resource"] for row in found}) == len(found) > 0, table
        assert {row["_unread"] for row in found} == {None}, table
        assert {row["account_id"] for row in found} == {ORGANIZATION}
    kinds = [item["assetType"] for item in google.assets]
    assert len(rows(connector, "gcp_compute_firewall")) == kinds.count("compute.googleapis.com/Firewall") == 4


def test_one_listing_reads_a_type_over_the_whole_organisation(connector: GcpConnector) -> None:
    rows(connector, "gcp_project")
    stats = ReadStats()
    found = rows(connector, "gcp_storage_bucket", stats)
    assert {row["project_id"] for row in found} == set(NUMBERS)
    # Two items a page: three buckets take two requests, and none for each project or bucket.
    assert (stats.pages, stats.calls) == (2, 2)


def test_a_binding_is_a_row_for_each_member(connector: GcpConnector) -> None:
    found = rows(connector, "gcp_iam_binding")
    public = [row for row in found if row["member"] == "allUsers"]
    assert [(row["asset"], row["role"], row["member_type"]) for row in public] == [
        ("//storage.googleapis.com/acme-development-site", "roles/storage.objectViewer", "allUsers")
    ]
    conditional = [row for row in found if row["condition_title"]]
    assert [row["member"] for row in conditional] == [f"group:engineers@{DOMAIN}"]
    assert conditional[0]["resource"].count("#") == 3


def test_two_conditions_of_one_role_are_two_rows(connector: GcpConnector, google: FakeGcp) -> None:
    bindings = google.policies[1]["iamPolicy"]["bindings"]
    first = next(item for item in bindings if "condition" in item)
    bindings.append({**first, "condition": {"title": "other", "expression": "false"}})
    bindings.append({"role": "roles/viewer", "members": ["deleted:user:old@x.example?uid=1"]})
    found = rows(connector, "gcp_iam_binding")
    assert len({row["resource"] for row in found}) == len(found)
    assert [row["member_domain"] for row in found if row["member_type"] == "deleted"] == ["x.example"]


def test_a_key_names_its_account_and_its_age(connector: GcpConnector) -> None:
    held = [row for row in rows(connector, "gcp_service_account_key") if row["key_type"] == "USER_MANAGED"]
    assert [(row["service_account"], row["valid_before_time"].year) for row in held] == [(DEPLOYER, 9999)]


def test_metadata_that_may_hold_secrets_are_kept_nowhere(connector: GcpConnector) -> None:
    for table in ("gcp_compute_instance", "gcp_compute_project"):
        for row in rows(connector, table):
            assert "DEMO_SECRET" not in str(row)
            assert row["metadata"]["startup-script"] == "(left out)"
    assert {row["metadata"]["enable-oslogin"] for row in rows(connector, "gcp_compute_project")} == {"TRUE"}


def test_findings_are_left_out_where_security_command_center_is_not_active(
    google: FakeGcp, connector: GcpConnector
) -> None:
    without = made(google, security_center=False)
    planned = {name for shard in without.shards(without.scope(), TABLES) for name in shard.tables}
    assert planned == set(TABLES) - {"gcp_scc_finding"}


def test_the_quota_of_another_project_is_used(google: FakeGcp, connector: GcpConnector) -> None:
    rows(made(google, quota_project=LOGS), "gcp_project")
    assert google.asked[-1].headers["x-goog-user-project"] == LOGS


def test_what_is_told_to_connect_holds_every_permission_and_only_reading_ones() -> None:
    steps, role = GcpConnector.documents()
    needed = {name for table in GcpConnector.tables().values() for name in table.permissions}
    listed = {line.removeprefix("- ") for line in role.text.splitlines() if line.startswith("- ")}
    assert needed < listed
    assert not listed & set(WRITING)
    assert all(name.rpartition(".")[2].startswith(("list", "get", "search")) for name in listed)
    assert "roles/cloudasset.viewer" in steps.text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"organizations": "acme"}, "organizations: 'acme' is no id of an organisation"),
        ({"projects": "123456"}, "projects: '123456' is no id of a project"),
        ({"key": "{}"}, "key: write env:NAME or file:/path"),
        ({"asset_url": "http://cloudasset.googleapis.com"}, "asset_url"),
        ({"organisations": "1"}, "did you mean organizations"),
    ],
)
def test_settings_are_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectorError, match=words):
        GcpConnector.parse_settings({"key": "env:KEY", **given})


def test_ids_may_be_written_as_google_names_them() -> None:
    given = {"key": "env:KEY", "organizations": "organizations/12, 12", "projects": "projects/acme-prod"}
    found = GcpConnector.parse_settings(given).model_dump()
    assert (found["organizations"], found["projects"]) == (["12"], ["acme-prod"])
