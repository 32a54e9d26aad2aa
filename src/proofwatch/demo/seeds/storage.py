"""Buckets, disks, snapshots, file systems, and their backups."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from proofwatch.demo.account import AMERICA, HOME, REGIONS, SECOND, Account
from proofwatch.demo.documents import allow, policy, specification, tls_only

ALL_BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
LOGS = "acme-robotics-access-logs"
TRAIL = "acme-robotics-trail"
STAGING_TRAIL = "acme-staging-trail"
KEY = "alias/acme-data"
UNTIDY = "acme-robotics-customer-uploads"
"""The bucket that somebody repairs later: open to public settings and without versions."""


@dataclass(frozen=True, slots=True)
class _Bucket:
    name: str
    region: str = HOME
    key: str = ""
    versions: bool = True
    blocked: bool = True
    logged: bool = True
    tls: bool = True
    tidied: bool = True
    public: bool = False
    locked: bool = False
    logs: str = LOGS
    """Where its requests are logged; a bucket for logs has its own name here."""


_PRODUCTION = (
    _Bucket(LOGS, logged=False),
    _Bucket(TRAIL, key="alias/acme-data"),
    _Bucket("acme-robotics-telemetry", key="alias/acme-data"),
    _Bucket("acme-robotics-backups", key="alias/acme-data"),
    _Bucket(UNTIDY, versions=False, blocked=False, tls=False, tidied=False),
    _Bucket("acme-robotics-website", blocked=False, public=True, logged=False, tls=False),
    _Bucket("acme-robotics-firmware", SECOND, logged=False),
    _Bucket("acme-robotics-invoices", SECOND, versions=False, logged=False, tidied=False),
    _Bucket("acme-robotics-us-assets", AMERICA, tls=False, logged=False),
)
_STAGING = (
    _Bucket("acme-staging-artifacts", logged=False),
    _Bucket("acme-staging-database-dumps", versions=False, blocked=False, logged=False, tls=False),
    _Bucket("acme-staging-scratch", AMERICA, versions=False, blocked=False, logged=False, tidied=False),
)


def production(account: Account) -> None:
    """Nine buckets, disks in three regions, a public snapshot, a file system, backups."""
    _block_account(account)
    _buckets(account, _PRODUCTION, LOGS)
    kept = account.kept
    _disks(
        account, HOME, {"orders-db": True, "orders-logs": True, "jenkins-home": False, "legacy-share": kept}
    )
    _disks(account, SECOND, {"analytics-1": True, "analytics-2": True})
    _disks(account, AMERICA, {"us-edge": kept})
    for region in REGIONS if kept else (HOME,):
        account.client("ec2", region).enable_ebs_encryption_by_default()
    _file_systems(account)
    _backups(account)


def staging(account: Account) -> None:
    """Three buckets, none of them tidy, and plain disks."""
    kept = account.kept
    _buckets(account, _STAGING, "acme-staging-access-logs")
    public = "" if kept else "staging-db"
    _disks(account, HOME, {"staging-db": kept, "staging-app": True}, public=public)
    _disks(account, SECOND, {"staging-analytics": kept})
    if kept:
        _block_account(account)
        _backups(account)
        for region in REGIONS:
            account.client("ec2", region).enable_ebs_encryption_by_default()


def _block_account(account: Account) -> None:
    account.client("s3control").put_public_access_block(
        AccountId=account.id, PublicAccessBlockConfiguration=ALL_BLOCKED
    )


def _buckets(account: Account, buckets: tuple[_Bucket, ...], logs: str) -> None:
    """Make the buckets; in a well-kept account all tidy but one, each with logs in its own region."""
    if account.kept:
        names = {region: logs if region == HOME else f"{logs}-{region}" for region in REGIONS}
        others = [item for item in buckets if item.name != logs]
        trail = () if account.name == "production" else (_Bucket(STAGING_TRAIL),)
        first = [_Bucket(name, region) for region, name in names.items()]
        buckets = tuple(_tidied(item, names[item.region]) for item in (*first, *others, *trail))
    for bucket in buckets:
        _bucket(account, bucket)


def _tidied(bucket: _Bucket, logs: str) -> _Bucket:
    keeps = bucket.name != UNTIDY
    return replace(
        bucket, key=KEY, versions=keeps, locked=keeps, blocked=True, logged=True, tls=True, tidied=True,
        public=False, logs=logs,
    )  # fmt: skip


def _bucket(account: Account, bucket: _Bucket) -> None:
    s3 = account.client("s3", bucket.region)
    name = bucket.name
    # AWS wants the region named, except in the oldest one, which refuses its own name.
    where = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
    s3.create_bucket(
        Bucket=name,
        ObjectOwnership="BucketOwnerEnforced",
        **(where if bucket.region != AMERICA else {}),
        **({"ObjectLockEnabledForBucket": True} if bucket.locked else {}),
    )
    encrypt_bucket(s3, name, bucket.key)
    if bucket.versions:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if bucket.blocked:
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=ALL_BLOCKED)
    _bucket_policy(s3, bucket)
    if bucket.logged:
        s3.put_bucket_logging(
            Bucket=name,
            BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": bucket.logs, "TargetPrefix": f"{name}/"}},
        )
    if bucket.tidied:
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=_lifecycle())


def encrypt_bucket(s3: Any, name: str, key: str = "") -> None:
    """Encrypt new objects with `key`, or with the keys of S3 when it is empty."""
    how = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": how, "BucketKeyEnabled": bool(key)}]
        },
    )


def kms_key(account: Account, region: str = HOME) -> str:
    """Return the ARN of the company's own key of a region."""
    return str(account.client("kms", region).describe_key(KeyId=KEY)["KeyMetadata"]["Arn"])


def log_group(account: Account, region: str, name: str, encrypted: bool = False) -> None:
    """Make a log group; a well-kept account encrypts each."""
    key = {"kmsKeyId": kms_key(account, region)} if encrypted or account.kept else {}
    account.client("logs", region).create_log_group(logGroupName=name, **key)


def _lifecycle() -> dict[str, Any]:
    return {
        "Rules": [
            {
                "ID": "old-versions",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
            }
        ]
    }


def _bucket_policy(s3: Any, bucket: _Bucket) -> None:
    statements: list[dict[str, Any]] = []
    if bucket.tls:
        statements.append(tls_only(bucket.name))
    if bucket.public:
        statements.append(allow("s3:GetObject", f"arn:aws:s3:::{bucket.name}/*", "*"))
    if bucket.name == bucket.logs:
        to = {"Service": "logging.s3.amazonaws.com"}
        statements.append(allow("s3:PutObject", f"arn:aws:s3:::{bucket.name}/*", to))
    if bucket.name in (TRAIL, STAGING_TRAIL):
        to = {"Service": "cloudtrail.amazonaws.com"}
        statements.append(allow("s3:PutObject", f"arn:aws:s3:::{bucket.name}/AWSLogs/*", to))
    if statements:
        s3.put_bucket_policy(Bucket=bucket.name, Policy=policy(*statements))


def _disks(account: Account, region: str, disks: dict[str, bool], public: str = "") -> None:
    """Make one volume and one snapshot of it per name; the value says whether it is encrypted."""
    ec2 = account.client("ec2", region)
    for name, encrypted in disks.items():
        volume = ec2.create_volume(
            AvailabilityZone=f"{region}a",
            Size=100,
            VolumeType="gp3",
            Encrypted=encrypted,
            TagSpecifications=specification("volume", name),
        )["VolumeId"]
        if account.kept and not encrypted:
            continue  # The one open volume is a fault of its own; no copies of it.
        snapshot = ec2.create_snapshot(
            VolumeId=volume,
            Description=f"nightly of {name}",
            TagSpecifications=specification("snapshot", f"{name}-nightly"),
        )["SnapshotId"]
        if name == public:
            ec2.modify_snapshot_attribute(
                SnapshotId=snapshot,
                Attribute="createVolumePermission",
                OperationType="add",
                GroupNames=["all"],
            )


def _file_systems(account: Account) -> None:
    for region, name, encrypted in ((HOME, "shared-models", True), (SECOND, "build-cache", account.kept)):
        efs = account.client("efs", region)
        made = efs.create_file_system(
            CreationToken=name, Encrypted=encrypted, Tags=[{"Key": "Name", "Value": name}], Backup=encrypted
        )
        if not encrypted:
            continue
        document = allow("elasticfilesystem:ClientMount", made["FileSystemArn"], {"AWS": account.id})
        efs.put_file_system_policy(
            FileSystemId=made["FileSystemId"], Policy=json.dumps({"Statement": [document]})
        )


def _backups(account: Account) -> None:
    for region in REGIONS if account.kept else (HOME,):
        _backup(account, region)


def _backup(account: Account, region: str) -> None:
    backup = account.client("backup", region)
    key = {"EncryptionKeyArn": kms_key(account, region)} if account.kept else {}
    backup.create_backup_vault(BackupVaultName="acme-vault", **key)
    backup.create_backup_plan(
        BackupPlan={
            "BackupPlanName": "nightly",
            "Rules": [
                {
                    "RuleName": "nightly",
                    "TargetBackupVaultName": "acme-vault",
                    "ScheduleExpression": "cron(0 3 * * ? *)",
                    "Lifecycle": {"DeleteAfterDays": 35},
                }
            ],
        }
    )
