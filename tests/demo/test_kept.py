"""The company as the demo shows it: well kept, with the faults that `seeds.kept` lists."""

from __future__ import annotations

import csv
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from proofwatch.controls.load import builtin_controls
from proofwatch.demo import server, systems
from proofwatch.demo.account import HOME, Account, Login
from proofwatch.demo.fakes import azure, drata, gcp, github, google_workspace, kubernetes, okta, vanta
from proofwatch.demo.seeds import kept, network
from proofwatch.demo.staff import STAFF


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """A well-kept account of which only the networks are furnished: the whole takes half a minute."""
    with server.start() as running:
        made = Account("123456789012", "production", Login(running.url, "AKIAACMEROBOTICSADMIN", "unused"))
        made.kept = True
        kept.keys(made)
        network.production(made)
        kept._networks(made, HOME)
        kept._keys(made, HOME)
        yield made


def test_one_group_is_open_to_the_internet(account: Account) -> None:
    found = account.client("ec2").describe_security_groups()["SecurityGroups"]
    opened = {
        group["GroupName"]
        for group in found
        for rule in group["IpPermissions"]
        if rule.get("FromPort") not in (80, 443)
        and {item.get("CidrIp") for item in rule["IpRanges"]} & {network.WORLD}
    }
    assert opened == {"jenkins"}
    assert not any(group["IpPermissions"] for group in found if group["GroupName"] == "default")


def test_networks_give_no_public_addresses_and_are_logged(account: Account) -> None:
    ec2 = account.client("ec2")
    assert not any(item["MapPublicIpOnLaunch"] for item in ec2.describe_subnets()["Subnets"])
    logged = {item["ResourceId"] for item in ec2.describe_flow_logs()["FlowLogs"]}
    assert logged == {item["VpcId"] for item in ec2.describe_vpcs()["Vpcs"]}
    kms = account.client("kms")
    assert all(
        kms.get_key_rotation_status(KeyId=item["KeyId"])["KeyRotationEnabled"]
        for item in kms.list_keys()["Keys"]
    )


@pytest.mark.parametrize("kind", sorted(systems.FAKES))
def test_every_other_system_has_both_forms(kind: str) -> None:
    module, _, name = systems.FAKES[kind].partition(":")
    made = getattr(import_module(module), name)
    assert inspect.signature(made).parameters["kept"].default is False
    assert made(kept=True)


def test_clouds_lose_their_faults_apart_from_the_old_key() -> None:
    rows = azure.FakeAzure(kept=True).data.rows
    assert all(
        item["properties"]["minimumTlsVersion"] == "TLS1_2"
        for item in rows["microsoft.storage/storageaccounts"]
    )
    assert all(item["properties"]["enablePurgeProtection"] for item in rows["microsoft.keyvault/vaults"])
    google = gcp.FakeGcp(kept=True)
    assert not any("allUsers" in str(item) for item in google.policies)
    assert any(item["resource"]["data"].get("keyType") == "USER_MANAGED" for item in google.assets), (
        "the old key is a fault that stays"
    )
    cluster = kubernetes.FakeKubernetes(kept=True).objects
    names = {item["metadata"]["name"] for found in cluster.values() for item in found}
    assert not names & set(kubernetes.CARELESS)


def test_directories_keep_the_leaver_and_lose_the_stranger() -> None:
    workspace = google_workspace.FakeGoogleWorkspace(kept=True)
    for group in workspace.groups:
        members = workspace.members[group["id"]]
        assert group["directMembersCount"] == str(len(members))
        assert not any(item.get("email") == google_workspace.EXTERNAL for item in members)
    assert any(user["primaryEmail"].startswith("departed") for user in workspace.users)
    phones = [item for item in okta.FakeOkta(kept=True).authenticators if item["type"] == "phone"]
    assert [item["settings"] for item in phones] == [{"allowedFor": "recovery"}]
    assert github.FakeGithub(kept=True).repository("docs")["security_and_analysis"][
        "secret_scanning_push_protection"
    ] == {"status": "enabled"}


def test_monitors_name_only_users_that_a_well_kept_account_has() -> None:
    (tests,) = vanta.FakeVanta(kept=True).entities.values()
    named = {item["displayName"].rpartition("/")[2] for item in tests}
    assert named == {"linus", "departed-contractor", "ci-deployer"}
    assert all(status == "ENABLED" for *_, status in drata.FakeDrata(kept=True).rows)


def test_the_people_list_knows_the_logins_of_staging(tmp_path: Path) -> None:
    path = systems.write_people(tmp_path / "people.csv", kept=True)
    with path.open(encoding="utf-8") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    assert {row["logins"] for row in rows} == {f"{item.login} aws:{item.login}-staging" for item in STAFF}


def test_the_list_of_faults_names_controls_that_exist() -> None:
    known = builtin_controls().read_text("utf-8")
    named = {word.strip("(),.;") for word in (kept.__doc__ or "").split() if word.strip("(),.;")[2:3] == "-"}
    assert len(named) > 10
    assert all(f"id: {name}\n" in known for name in named)
