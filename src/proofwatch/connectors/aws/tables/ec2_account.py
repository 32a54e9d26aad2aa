"""EC2: what an account has set for a whole region, and which regions it has."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable


def _setting(name: str, op: str, about: str, rows: str = "") -> AwsTable:
    return AwsTable(
        name=f"aws_ec2_{name}",
        service="ec2",
        op=op,
        rows=rows,
        single=True,
        resource=f"{{account}}/{{region}}/{name.replace('_', '-')}",
        about=about,
    )


TABLES = (
    _setting(
        "ebs_encryption_by_default",
        "GetEbsEncryptionByDefault",
        "Whether new volumes are encrypted by default.",
    ),
    _setting(
        "snapshot_block_public_access",
        "GetSnapshotBlockPublicAccessState",
        "Whether snapshots can be shared with everyone.",
    ),
    _setting(
        "image_block_public_access",
        "GetImageBlockPublicAccessState",
        "Whether images can be shared with everyone.",
    ),
    _setting(
        "instance_metadata_defaults",
        "GetInstanceMetadataDefaults",
        "How new instances answer metadata requests where the launch does not say.",
        "AccountLevel",
    ),
    _setting(
        "serial_console_access", "GetSerialConsoleAccessStatus", "Whether the serial console can be used."
    ),
    AwsTable(
        name="aws_ec2_region",
        service="ec2",
        op="DescribeRegions",
        rows="Regions[]",
        params={"AllRegions": True},
        place="global",
        resource="{account}/region/{RegionName}",
        about="Regions with their opt-in state, as EC2 tells it.",
    ),
)
