from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from proofwatch.connectors.aws.collect import read_table
from proofwatch.connectors.aws.tables import declaration
from proofwatch.connectors.base import ReadStats, Row
from tests.connectors.aws.servers import Moto

ACCOUNT = "123456789012"
Connect = Callable[..., Any]
Read = Callable[..., list[Row]]


@pytest.fixture
def read(moto: Moto, connect: Connect) -> Read:
    clients = connect(moto.url)

    def read(table: str, region: str = "eu-west-1") -> list[Row]:
        declared = declaration(table)
        place = "global" if declared.place == "global" else region
        return list(read_table(declared, clients, ACCOUNT, place, ReadStats(), {}))

    return read


def test_keys_with_rotation_policy_and_names(moto: Moto, read: Read) -> None:
    kms = moto.client("kms")
    key = kms.create_key(Description="data", Tags=[{"TagKey": "team", "TagValue": "core"}])["KeyMetadata"]
    kms.create_alias(AliasName="alias/data", TargetKeyId=key["KeyId"])
    kms.enable_key_rotation(KeyId=key["KeyId"])
    gone = kms.create_key(Description="gone")["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=gone, PendingWindowInDays=7)
    rows = {row["key_id"]: row for row in read("aws_kms_key")}
    row = rows[key["KeyId"]]
    assert row["_unread"] is None
    assert row["resource"] == key["Arn"]
    assert (row["description"], row["key_state"], row["key_manager"]) == ("data", "Enabled", "CUSTOMER")
    assert row["key_rotation_enabled"] is True
    assert row["policy"]["Statement"][0]["Effect"] == "Allow"
    assert [alias["alias_name"] for alias in row["aliases"]] == ["alias/data"]
    assert row["tags"] == {"team": "core"}
    assert rows[gone]["key_state"] == "PendingDeletion"
    assert rows[gone]["deletion_date"].tzinfo is not None
    assert "alias/data" in {alias["alias_name"] for alias in read("aws_kms_alias")}


def trail(moto: Moto, **more: Any) -> dict[str, Any]:
    s3 = moto.client("s3", region="us-east-1")
    s3.create_bucket(Bucket="trail-logs")
    client = moto.client("cloudtrail")
    made: dict[str, Any] = client.create_trail(Name="main", S3BucketName="trail-logs", **more)
    return made


def test_trails_with_status_and_selectors(moto: Moto, read: Read) -> None:
    arn = trail(moto, IsMultiRegionTrail=True, EnableLogFileValidation=True)["TrailARN"]
    client = moto.client("cloudtrail")
    (stopped,) = read("aws_cloudtrail_trail")
    assert stopped["is_logging"] is False
    client.start_logging(Name="main")
    selector = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
    }
    client.put_event_selectors(TrailName="main", EventSelectors=[selector])
    client.put_insight_selectors(TrailName="main", InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
    (row,) = read("aws_cloudtrail_trail")
    assert row["_unread"] is None
    assert row["resource"] == arn
    assert (row["name"], row["is_logging"], row["log_file_validation_enabled"]) == ("main", True, True)
    assert row["event_selectors"][0]["data_resources"][0]["values"] == ["arn:aws:s3"]
    assert row["insight_selectors"][0]["insight_type"] == "ApiCallRateInsight"
    assert row["start_logging_time"].tzinfo is not None


def test_a_multi_region_trail_is_seen_in_every_region_with_its_home(moto: Moto, read: Read) -> None:
    arn = trail(moto, IsMultiRegionTrail=True)["TrailARN"]
    for region in ("eu-west-1", "us-east-1"):
        (row,) = read("aws_cloudtrail_trail", region)
        assert (row["resource"], row["region"], row["home_region"]) == (arn, region, "eu-west-1")
        assert row["_unread"] is None


def test_event_data_stores(read: Read, connect: Connect) -> None:
    """The simulator has none, so its answers are AWS's own examples."""
    from tests.connectors.aws.scripted import Answer, scripted

    arn = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:eventdatastore/e-1"

    def script(op: str, params: dict[str, Any]) -> Answer:
        if op == "ListEventDataStores":
            return 200, json.dumps({"EventDataStores": [{"EventDataStoreArn": arn, "Name": "lake"}]})
        assert params == {"EventDataStore": arn}
        answer = {"EventDataStoreArn": arn, "Name": "lake", "Status": "ENABLED", "RetentionPeriod": 90}
        return 200, json.dumps({**answer, "CreatedTimestamp": 1700000000.0})

    with scripted(script) as server:
        clients = connect(server.url)
        clients.caller = {"Account": ACCOUNT}
        declared = declaration("aws_cloudtrail_event_data_store")
        (row,) = read_table(declared, clients, ACCOUNT, "eu-west-1", ReadStats(), {})
    assert (row["resource"], row["retention_period"], row["status"]) == (arn, 90, "ENABLED")
    assert row["created_timestamp"].isoformat() == "2023-11-14T22:13:20+00:00"


def test_contacts_are_there_or_not_and_never_shown(moto: Moto, read: Read) -> None:
    moto.client("account", region="us-east-1").put_alternate_contact(
        AlternateContactType="SECURITY",
        EmailAddress="someone@example.com",
        Name="Some One",
        PhoneNumber="5550100",
        Title="Head",
    )
    (security,) = read("aws_account_security_contact")
    assert (security["exists"], security["alternate_contact_type"]) == (True, "SECURITY")
    assert not any(word in repr(security) for word in ("someone", "Some One", "5550100"))
    for kind in ("billing", "operations"):
        (row,) = read(f"aws_account_{kind}_contact")
        assert (row["exists"], row["_unread"]) == (False, None)
        assert row["resource"] == f"{ACCOUNT}/contact/{kind}"
