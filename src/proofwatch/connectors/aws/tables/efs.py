"""File systems."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_efs_file_system",
        service="efs",
        op="DescribeFileSystems",
        rows="FileSystems[]",
        resource="{FileSystemArn}",
        permission="elasticfilesystem:DescribeFileSystems",
        about="File systems with their backup and access policy.",
        calls=(
            Call(
                op="DescribeBackupPolicy",
                params={"FileSystemId": "{FileSystemId}"},
                take="BackupPolicy",
                into="backup_policy",
                absent=("PolicyNotFound",),
                permission="elasticfilesystem:DescribeBackupPolicy",
                about="Automatic backup; NULL when never set",
            ),
            Call(
                op="DescribeFileSystemPolicy",
                params={"FileSystemId": "{FileSystemId}"},
                take="Policy",
                into="policy",
                form="json",
                absent=("PolicyNotFound",),
                permission="elasticfilesystem:DescribeFileSystemPolicy",
                about="Resource policy: who may mount it",
            ),
        ),
    ),
    AwsTable(
        name="aws_efs_mount_target",
        service="efs",
        op="DescribeMountTargets",
        rows="MountTargets[]",
        parent="aws_efs_file_system",
        params={"FileSystemId": "{FileSystemId}"},
        resource="arn:{partition}:elasticfilesystem:{region}:{account}:mount-target/{MountTargetId}",
        permission="elasticfilesystem:DescribeMountTargets",
        about="Network addresses of file systems.",
    ),
    AwsTable(
        name="aws_efs_access_point",
        service="efs",
        op="DescribeAccessPoints",
        rows="AccessPoints[]",
        resource="{AccessPointArn}",
        permission="elasticfilesystem:DescribeAccessPoints",
        about="Access points, their root folder and user.",
    ),
)
