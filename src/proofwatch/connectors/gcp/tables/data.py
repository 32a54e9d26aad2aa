"""Where data lies: buckets, databases, and the keys that they are encrypted with."""

from __future__ import annotations

from typing import Any

from proofwatch.connectors.gcp.assets import asset_table, flag
from proofwatch.connectors.rest.declare import Col, Raw


def _bucket(data: Raw) -> Raw:
    """Return what Google leaves out of a bucket where it is off."""
    iam = data.get("iamConfiguration") or {}
    key = (data.get("encryption") or {}).get("defaultKmsKeyName")
    uniform = iam.get("uniformBucketLevelAccess") or iam.get("bucketPolicyOnly") or {}
    retention = data.get("retentionPolicy") or {}
    return {
        # Before 2021 Google wrote "unspecified" for what it calls "inherited" since.
        "prevention": str(iam.get("publicAccessPrevention") or "inherited").replace(
            "unspecified", "inherited"
        ),
        "uniform": uniform.get("enabled", False),
        "versioning": flag(data, "versioning.enabled"),
        "locked": retention.get("isLocked", False),
        "kms_key_name": key or None,
        "own_key": bool(key),
    }


def _sql(data: Raw) -> Raw:
    settings = data.get("settings") or {}
    ip = settings.get("ipConfiguration") or {}
    key = (data.get("diskEncryptionConfiguration") or {}).get("kmsKeyName")
    return {
        "ipv4": flag(ip, "ipv4Enabled"),
        "require_ssl": flag(ip, "requireSsl"),
        "networks": [item.get("value") for item in ip.get("authorizedNetworks") or []],
        "backups": flag(settings, "backupConfiguration.enabled"),
        "point_in_time": bool(
            flag(settings, "backupConfiguration.pointInTimeRecoveryEnabled")
            or flag(settings, "backupConfiguration.binaryLogEnabled")
        ),
        "flags": {str(item.get("name")): item.get("value") for item in settings.get("databaseFlags") or []},
        "deletion": flag(settings, "deletionProtectionEnabled"),
        "own_key": bool(key),
        "kms_key_name": key or None,
    }


def _key(data: Raw) -> Raw:
    return {"rotation_days": _days(data.get("rotationPeriod"))}


def _days(period: Any) -> Any:
    """Return days of a duration as Google writes it, `7776000s`; as it is where it is none."""
    if isinstance(period, str) and period.endswith("s"):
        seconds = period.removesuffix("s").partition(".")[0]
        return int(seconds) // 86400 if seconds.isdecimal() else period
    return period


DATA = (
    asset_table(
        "gcp_storage_bucket",
        "Buckets of Cloud Storage.",
        "storage.googleapis.com/Bucket",
        (
            Col("name", path="data.name"),
            Col("public_access_prevention", about="enforced or inherited", path="made.prevention"),
            Col("uniform_access", "BOOLEAN", "Whether ACLs of single objects are off", "made.uniform"),
            Col("versioning_enabled", "BOOLEAN", path="made.versioning"),
            Col("retention_seconds", "BIGINT", path="data.retentionPolicy.retentionPeriod"),
            Col("retention_locked", "BOOLEAN", "Whether nobody can shorten it", "made.locked"),
            Col("soft_delete_seconds", "BIGINT", path="data.softDeletePolicy.retentionDurationSeconds"),
            Col("has_own_key", "BOOLEAN", "Whether objects get a key of yours by default", "made.own_key"),
            Col("kms_key_name", path="made.kms_key_name"),
            Col("log_bucket", path="data.logging.logBucket"),
            Col("storage_class", path="data.storageClass"),
            Col("time_created", "TIMESTAMPTZ", path="data.timeCreated"),
            Col("labels", "MAP(VARCHAR, VARCHAR)", path="data.labels"),
        ),
        service="data",
        shape=_bucket,
        drop=("metageneration", "updated"),
    ),
    asset_table(
        "gcp_sql_instance",
        "Instances of Cloud SQL.",
        "sqladmin.googleapis.com/Instance",
        (
            Col("name", path="data.name"),
            Col("database_version", path="data.databaseVersion"),
            Col("state", path="data.state"),
            Col("instance_type", about="CLOUD_SQL_INSTANCE, or a replica", path="data.instanceType"),
            Col("public_ip_enabled", "BOOLEAN", path="made.ipv4"),
            Col("require_ssl", "BOOLEAN", "The older setting", "made.require_ssl"),
            Col(
                "ssl_mode",
                about="The newer one; NULL where it was never set",
                path="data.settings.ipConfiguration.sslMode",
            ),
            Col("authorized_networks", "VARCHAR[]", "From where it may be reached", "made.networks"),
            Col("private_network", path="data.settings.ipConfiguration.privateNetwork"),
            Col("backup_enabled", "BOOLEAN", path="made.backups"),
            Col("point_in_time_recovery", "BOOLEAN", path="made.point_in_time"),
            Col("backup_location", path="data.settings.backupConfiguration.location"),
            Col("availability_type", about="ZONAL or REGIONAL", path="data.settings.availabilityType"),
            Col("deletion_protection", "BOOLEAN", path="made.deletion"),
            Col("database_flags", "MAP(VARCHAR, VARCHAR)", path="made.flags"),
            Col("has_own_key", "BOOLEAN", path="made.own_key"),
            Col("kms_key_name", path="made.kms_key_name"),
            Col("user_labels", "MAP(VARCHAR, VARCHAR)", path="data.settings.userLabels"),
        ),
        service="data",
        shape=_sql,
        drop=("currentDiskSize", "serverCaCert"),
    ),
    asset_table(
        "gcp_kms_key",
        "Keys of Cloud KMS.",
        "cloudkms.googleapis.com/CryptoKey",
        (
            Col("name", path="data.name"),
            Col("purpose", about="ENCRYPT_DECRYPT, ASYMMETRIC_SIGN, …", path="data.purpose"),
            Col("rotation_period_days", "BIGINT", "NULL where it is never rotated", "made.rotation_days"),
            Col("next_rotation_time", "TIMESTAMPTZ", path="data.nextRotationTime"),
            Col("create_time", "TIMESTAMPTZ", path="data.createTime"),
            Col("primary_state", about="Of the version in use", path="data.primary.state"),
            Col(
                "protection_level",
                about="SOFTWARE, HSM, EXTERNAL",
                path="data.versionTemplate.protectionLevel",
            ),
            Col("import_only", "BOOLEAN", path="data.importOnly"),
            Col("labels", "MAP(VARCHAR, VARCHAR)", path="data.labels"),
        ),
        service="data",
        shape=_key,
    ),
)
