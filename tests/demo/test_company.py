from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from proofwatch.demo.company import Company, environment, seed
from proofwatch.demo.errors import DemoError
from proofwatch.demo.server import Server

Client = Callable[..., Any]


def test_the_connecting_identity_is_a_user_that_reads(plain: Client, company: Company) -> None:
    caller = plain("management", "sts").get_caller_identity()
    assert caller["Account"] == company.accounts["management"]
    assert caller["Arn"].endswith(":user/proofwatch")
    iam = plain("management", "iam")
    attached = iam.list_attached_user_policies(UserName="proofwatch")["AttachedPolicies"]
    assert {item["PolicyName"] for item in attached} == {"SecurityAudit", "ViewOnlyAccess"}
    for item in attached:
        version = iam.get_policy(PolicyArn=item["PolicyArn"])["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=item["PolicyArn"], VersionId=version)
        assert len(answer["PolicyVersion"]["Document"]["Statement"][0]["Action"]) > 100


def test_the_organization_has_one_account_more_than_is_connected(plain: Client, company: Company) -> None:
    listed = plain("management", "organizations").list_accounts()["Accounts"]
    names = {item["Name"]: item["Id"] for item in listed}
    assert {"production", "staging", "research"} <= set(names)
    assert company.connected == (names["production"], names["staging"])
    assert company.accounts["research"] not in company.connected


def test_every_connected_account_can_be_entered(plain: Client, company: Company) -> None:
    for name in ("production", "staging"):
        assert plain(name, "sts").get_caller_identity()["Account"] == company.accounts[name]


def test_buckets_are_partly_tidy(plain: Client) -> None:
    s3 = plain("production", "s3")
    names = {item["Name"] for item in s3.list_buckets()["Buckets"]}
    assert len(names) == 9
    states = {name: s3.get_bucket_versioning(Bucket=name).get("Status") for name in names}
    assert states["acme-robotics-telemetry"] == "Enabled"
    assert states["acme-robotics-customer-uploads"] is None
    public = json.loads(s3.get_bucket_policy(Bucket="acme-robotics-website")["Policy"])
    assert public["Statement"][0]["Principal"] == "*"


def test_machines_stand_in_every_connected_region_and_in_a_forgotten_one(
    plain: Client, company: Company
) -> None:
    for region in (*company.regions, company.forgotten_region):
        found = plain("production", "ec2", region).describe_instances()["Reservations"]
        assert found, region
    assert company.forgotten_region not in company.regions


def test_doors_stand_open_over_both_families(plain: Client) -> None:
    ec2 = plain("production", "ec2", "eu-central-1")
    groups = ec2.describe_security_groups(GroupNames=["robots-ipv6"])["SecurityGroups"]
    assert groups[0]["IpPermissions"][0]["Ipv6Ranges"] == [{"CidrIpv6": "::/0"}]
    home = plain("production", "ec2").describe_security_groups(GroupNames=["jenkins"])["SecurityGroups"]
    assert {"CidrIp": "0.0.0.0/0"} in home[0]["IpPermissions"][0]["IpRanges"]


def test_no_stock_image_floods_the_snapshots(plain: Client) -> None:
    for region in ("eu-west-1", "us-east-1"):
        assert len(plain("staging", "ec2", region).describe_snapshots()["Snapshots"]) < 10


def test_disks_and_their_default_differ_by_region(plain: Client) -> None:
    states = {
        region: plain("production", "ec2", region).get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
        for region in ("eu-west-1", "eu-central-1", "us-east-1")
    }
    assert states == {"eu-west-1": True, "eu-central-1": False, "us-east-1": False}
    volumes = plain("production", "ec2").describe_volumes()["Volumes"]
    assert {volume["Encrypted"] for volume in volumes} == {True, False}


def test_databases_are_careful_and_careless(plain: Client) -> None:
    home = {
        i["DBInstanceIdentifier"]: i
        for i in plain("production", "rds").describe_db_instances()["DBInstances"]
    }
    assert home["orders"]["StorageEncrypted"] is True
    assert home["orders"]["MultiAZ"] is True
    away = plain("production", "rds", "eu-central-1").describe_db_instances()["DBInstances"][0]
    assert away["StorageEncrypted"] is False
    assert away["PubliclyAccessible"] is True
    assert away["BackupRetentionPeriod"] == 0


def test_people_have_second_factors_or_not(plain: Client) -> None:
    iam = plain("production", "iam")
    factors = {
        user["UserName"]: len(iam.list_mfa_devices(UserName=user["UserName"])["MFADevices"])
        for user in iam.list_users()["Users"]
    }
    assert factors["ada"] == 1
    assert factors["linus"] == 0
    assert len(factors) == 7
    keys = iam.list_access_keys(UserName="departed-contractor")["AccessKeyMetadata"]
    assert [key["Status"] for key in keys] == ["Inactive"]


def test_production_is_watched_and_staging_is_not(plain: Client) -> None:
    trails = plain("production", "cloudtrail").describe_trails()["trailList"]
    assert trails[0]["IsMultiRegionTrail"] is True
    assert trails[0]["LogFileValidationEnabled"] is True
    assert plain("production", "cloudtrail").get_trail_status(Name="acme")["IsLogging"] is True
    assert plain("staging", "cloudtrail").describe_trails()["trailList"] == []


def test_it_is_as_large_as_a_small_company(company: Company) -> None:
    assert 200 <= company.resources <= 350
    assert company.counts["CreateBucket"] == 12
    assert company.calls < 500


def test_progress_counts_to_the_end(company: Company, steps: list[tuple[str, int, int]]) -> None:
    total = steps[0][2]
    assert company.resources
    assert [number for _, number, _ in steps] == list(range(total + 1))
    assert all(name and of == total for name, _, of in steps)


def test_the_secret_stays_out_of_sight(company: Company) -> None:
    assert company.secret_access_key
    assert company.secret_access_key not in repr(company)
    assert company.administrator("staging").login.token not in repr(company.administrator("staging"))


def test_the_environment_shuts_out_the_persons_own_settings(
    company: Company, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    import boto3

    mine = tmp_path / "config"
    mine.write_text("[profile work]\nregion = us-west-2\naws_access_key_id = AKIAMINE\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(mine))
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", "work")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for name, value in environment(company).items():
        monkeypatch.setenv(name, value)
    session = boto3.Session()
    found = session.get_credentials().get_frozen_credentials()
    assert (found.access_key, found.token) == (company.access_key_id, None)
    assert session.region_name == "eu-west-1"
    client = session.client("sts")
    assert client.meta.endpoint_url == company.endpoint
    assert client.get_caller_identity()["Account"] == company.accounts["management"]


def test_a_furnished_server_is_refused(server: Server, company: Company) -> None:
    assert company.endpoint == server.url
    with pytest.raises(DemoError, match="AlreadyInOrganization"):
        seed(server.url, lambda *_: None)


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DemoError, match=re.escape("furnishing the simulated company")):
        seed("http://127.0.0.1:9", lambda *_: None)
