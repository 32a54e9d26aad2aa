from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from proofwatch.connectors.aws.collect import read_table
from proofwatch.connectors.aws.tables import declaration
from proofwatch.connectors.base import ReadStats, Row, Unread
from tests.connectors.aws.servers import Moto, allow

ACCOUNT = "123456789012"
Connect = Callable[..., Any]
EVERYONE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::open/*"}
    ],
}


def read(clients: Any, table: str, stats: ReadStats | None = None) -> list[Row]:
    return list(read_table(declaration(table), clients, ACCOUNT, "global", stats or ReadStats(), {}))


@pytest.fixture
def buckets(moto: Moto) -> Any:
    us, eu = moto.client("s3", region="us-east-1"), moto.client("s3", region="eu-west-1")
    us.create_bucket(Bucket="open")
    us.put_bucket_policy(Bucket="open", Policy=json.dumps(EVERYONE))
    us.put_bucket_acl(Bucket="open", ACL="public-read")
    eu.create_bucket(
        Bucket="closed",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
        ObjectLockEnabledForBucket=True,
        ObjectOwnership="BucketOwnerEnforced",
    )
    eu.put_bucket_encryption(
        Bucket="closed",
        ServerSideEncryptionConfiguration={
            "Rules": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}
            ]
        },
    )
    eu.put_bucket_versioning(Bucket="closed", VersioningConfiguration={"Status": "Enabled"})
    block = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    eu.put_public_access_block(Bucket="closed", PublicAccessBlockConfiguration=block)
    eu.put_bucket_lifecycle_configuration(
        Bucket="closed",
        LifecycleConfiguration={
            "Rules": [
                {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
            ]
        },
    )
    eu.put_bucket_tagging(Bucket="closed", Tagging={"TagSet": [{"Key": "data", "Value": "secret"}]})
    eu.put_bucket_website(Bucket="closed", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    return eu


def test_a_bucket_has_every_setting_and_its_own_region(moto: Moto, connect: Connect, buckets: Any) -> None:
    stats = ReadStats()
    rows = {row["name"]: row for row in read(connect(moto.url), "aws_s3_bucket", stats)}
    bucket = rows["closed"]
    assert bucket["_unread"] is None
    assert (bucket["region"], bucket["bucket_region"]) == ("global", "eu-west-1")
    assert bucket["resource"] == "arn:aws:s3:::closed"
    default = bucket["encryption"]["rules"][0]["apply_server_side_encryption_by_default"]
    assert default == {"sse_algorithm": "aws:kms", "kms_master_key_id": "k"}
    assert bucket["versioning"]["status"] == "Enabled"
    assert bucket["public_access_block"]["restrict_public_buckets"] is True
    assert bucket["lifecycle_rules"][0]["expiration"]["days"] == 30
    assert bucket["object_lock"]["object_lock_enabled"] == "Enabled"
    assert bucket["ownership_controls"]["rules"][0]["object_ownership"] == "BucketOwnerEnforced"
    assert bucket["website"]["index_document"]["suffix"] == "index.html"
    assert bucket["tags"] == {"data": "secret"}
    # One page, 13 settings for each of two buckets, and where each is, which moto does not list.
    assert (stats.pages, stats.calls) == (1, 1 + 2 * 13 + 2)


def test_what_a_bucket_does_not_have_is_null_and_not_unread(
    moto: Moto, connect: Connect, buckets: Any
) -> None:
    rows = {row["name"]: row for row in read(connect(moto.url), "aws_s3_bucket")}
    bucket = rows["open"]
    assert bucket["_unread"] is None
    assert bucket["bucket_region"] == "us-east-1"
    assert bucket["policy"] == EVERYONE
    grants = [grant["grantee"].get("uri") for grant in bucket["grants"]]
    assert "http://acs.amazonaws.com/groups/global/AllUsers" in grants
    for name in (
        "public_access_block",
        "lifecycle_rules",
        "object_lock",
        "website",
        "replication",
        "logging",
        "tags",
    ):
        assert bucket[name] is None
    assert bucket["versioning"].get("status") is None


def test_access_logs_and_replication_are_read(moto: Moto, connect: Connect, buckets: Any) -> None:
    buckets.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    buckets.put_bucket_acl(Bucket="logs", ACL="log-delivery-write")
    buckets.put_bucket_logging(
        Bucket="closed",
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "closed/"}},
    )
    buckets.put_bucket_replication(
        Bucket="closed",
        ReplicationConfiguration={
            "Role": "arn:aws:iam::123456789012:role/r",
            "Rules": [
                {"ID": "1", "Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::logs"}}
            ],
        },
    )
    rows = {row["name"]: row for row in read(connect(moto.url), "aws_s3_bucket")}
    assert rows["closed"]["logging"]["target_bucket"] == "logs"
    assert rows["closed"]["replication"]["rules"][0]["status"] == "Enabled"


def test_each_missing_permission_stands_beside_the_column_it_hides(
    moto: Moto, connect: Connect, buckets: Any
) -> None:
    key = moto.user(
        "reader",
        allow(
            "s3:ListAllMyBuckets", "s3:GetBucketVersioning", "s3:GetBucketLocation", "sts:GetCallerIdentity"
        ),
    )
    with moto.enforced():
        rows = read(connect(moto.url, key), "aws_s3_bucket")
    assert len(rows) == 2
    for row in rows:
        assert row["versioning"] is not None
        assert row["bucket_region"] in ("us-east-1", "eu-west-1")
        assert row["_unread"]["policy"] == "AccessDenied, needs s3:GetBucketPolicy"
        assert row["_unread"]["encryption"] == "AccessDenied, needs s3:GetEncryptionConfiguration"
        assert row["policy"] is None
        assert not {"versioning", "bucket_region", "name"} & set(row["_unread"])


def test_a_bucket_whose_region_is_denied_is_still_read(moto: Moto, connect: Connect, buckets: Any) -> None:
    key = moto.user("reader", allow("s3:ListAllMyBuckets", "s3:GetBucketVersioning", "sts:GetCallerIdentity"))
    with moto.enforced():
        rows = read(connect(moto.url, key), "aws_s3_bucket")
    assert {row["_unread"]["bucket_region"] for row in rows} == {"AccessDenied, needs s3:GetBucketLocation"}
    assert {row["versioning"].get("status") for row in rows} == {None, "Enabled"}


def test_buckets_that_may_not_be_listed_are_an_unread_table(
    moto: Moto, connect: Connect, buckets: Any
) -> None:
    key = moto.user("reader", allow("sts:GetCallerIdentity"))
    with moto.enforced(), pytest.raises(Unread) as caught:
        read(connect(moto.url, key), "aws_s3_bucket")
    assert caught.value.permission == "s3:ListAllMyBuckets"


def test_the_accounts_own_block_of_public_access(moto: Moto, connect: Connect) -> None:
    clients = connect(moto.url)
    (row,) = read(clients, "aws_s3_account_public_access_block")
    assert row["exists"] is False
    assert row["block_public_acls"] is None
    clients.client(ACCOUNT, "us-east-1", "s3control").put_public_access_block(
        AccountId=ACCOUNT,
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": False},
    )
    (row,) = read(clients, "aws_s3_account_public_access_block")
    assert (row["exists"], row["block_public_acls"], row["ignore_public_acls"]) == (True, True, False)
    assert row["resource"] == f"{ACCOUNT}/public-access-block"
