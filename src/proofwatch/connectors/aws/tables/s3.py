"""S3: buckets with all that decides who may read them, and the account's own block of public access."""

from __future__ import annotations

from collections.abc import Iterator

from proofwatch.connectors.aws.caller import Caller, Raw
from proofwatch.connectors.aws.declare import AwsTable, Call

_LOCATIONS = {"": "us-east-1", "EU": "eu-west-1"}
"""What GetBucketLocation answers for the two oldest regions."""


def _of_bucket(op: str, take: str, into: str, about: str, absent: str = "", permission: str = "") -> Call:
    return Call(
        op=op,
        params={"Bucket": "{Name}"},
        take=take,
        into=into,
        absent=(absent,) if absent else (),
        permission=f"s3:{permission or op}",
        region="{BucketRegion}",
        about=about,
    )


TABLES = (
    AwsTable(
        name="aws_s3_bucket",
        service="s3",
        op="ListBuckets",
        rows="Buckets[]",
        place="global",
        reader="read_buckets",
        permission="s3:ListAllMyBuckets",
        also=("s3:GetBucketLocation",),
        resource="arn:{partition}:s3:::{Name}",
        about="Buckets; they are listed once per account, and bucket_region is where they are.",
        calls=(
            _of_bucket(
                "GetBucketEncryption",
                "ServerSideEncryptionConfiguration",
                "encryption",
                "Default encryption; NULL when there is none",
                "ServerSideEncryptionConfigurationNotFoundError",
                "GetEncryptionConfiguration",
            ),
            _of_bucket("GetBucketVersioning", "", "versioning", "Versioning; without status it was never on"),
            Call(
                op="GetBucketPolicy",
                params={"Bucket": "{Name}"},
                take="Policy",
                into="policy",
                form="json",
                absent=("NoSuchBucketPolicy",),
                region="{BucketRegion}",
                about="Bucket policy; NULL when there is none",
            ),
            _of_bucket(
                "GetBucketPolicyStatus",
                "PolicyStatus",
                "policy_status",
                "Whether AWS calls the policy public; NULL when there is no policy",
                "NoSuchBucketPolicy",
            ),
            _of_bucket(
                "GetPublicAccessBlock",
                "PublicAccessBlockConfiguration",
                "public_access_block",
                "The bucket's own block of public access; NULL when there is none",
                "NoSuchPublicAccessBlockConfiguration",
                "GetBucketPublicAccessBlock",
            ),
            _of_bucket(
                "GetBucketLogging", "LoggingEnabled", "logging", "Where access logs go; NULL when nowhere"
            ),
            _of_bucket(
                "GetBucketLifecycleConfiguration",
                "Rules",
                "lifecycle_rules",
                "Lifecycle rules; NULL when there are none",
                "NoSuchLifecycleConfiguration",
                "GetLifecycleConfiguration",
            ),
            _of_bucket(
                "GetObjectLockConfiguration",
                "ObjectLockConfiguration",
                "object_lock",
                "Object Lock and its default retention; NULL when off",
                "ObjectLockConfigurationNotFoundError",
                "GetBucketObjectLockConfiguration",
            ),
            _of_bucket(
                "GetBucketOwnershipControls",
                "OwnershipControls",
                "ownership_controls",
                "Who owns objects; BucketOwnerEnforced turns ACLs off; NULL when not set",
                "OwnershipControlsNotFoundError",
            ),
            _of_bucket("GetBucketAcl", "Grants", "grants", "Grants of the bucket's ACL"),
            _of_bucket(
                "GetBucketWebsite",
                "",
                "website",
                "Static website; NULL when there is none",
                "NoSuchWebsiteConfiguration",
            ),
            _of_bucket(
                "GetBucketReplication",
                "ReplicationConfiguration",
                "replication",
                "Replication; NULL when there is none",
                "ReplicationConfigurationNotFoundError",
                "GetReplicationConfiguration",
            ),
            Call(
                op="GetBucketTagging",
                params={"Bucket": "{Name}"},
                take="TagSet",
                into="tags",
                form="map",
                absent=("NoSuchTagSet",),
                region="{BucketRegion}",
                about="Tags; NULL when there are none",
            ),
        ),
    ),
    AwsTable(
        name="aws_s3_account_public_access_block",
        service="s3control",
        op="GetPublicAccessBlock",
        rows="PublicAccessBlockConfiguration",
        params={"AccountId": "{account}"},
        place="global",
        single=True,
        absent=("NoSuchPublicAccessBlockConfiguration",),
        permission="s3:GetAccountPublicAccessBlock",
        resource="{account}/public-access-block",
        about="The account's block of public access, which stands above every bucket's own.",
    ),
)


def read_buckets(caller: Caller) -> Iterator[Raw]:
    """Yield every bucket with its region, which decides where its settings are asked for.

    AWS tells the region in the list when the list is asked for in pages; others are asked one by one.
    """
    pages = caller.pages("s3", "ListBuckets", {"MaxBuckets": 1000}, permission="s3:ListAllMyBuckets")
    for page in pages:
        for bucket in page.get("Buckets", ()):
            if not bucket.get("BucketRegion"):
                answer, reason = caller.attempt("s3", "GetBucketLocation", {"Bucket": bucket["Name"]})
                if answer is None:
                    bucket["_unread"] = {"bucket_region": reason}
                else:
                    location = answer.get("LocationConstraint") or ""
                    bucket["BucketRegion"] = _LOCATIONS.get(location, location)
            yield bucket
