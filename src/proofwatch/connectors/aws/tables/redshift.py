"""Redshift warehouses."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_redshift_cluster",
        service="redshift",
        op="DescribeClusters",
        rows="Clusters[]",
        resource="arn:{partition}:redshift:{region}:{account}:cluster:{ClusterIdentifier}",
        about="Clusters with their audit logging.",
        calls=(
            Call(
                op="DescribeLoggingStatus",
                params={"ClusterIdentifier": "{ClusterIdentifier}"},
                take="LoggingEnabled",
                into="logging_enabled",
                about="Whether audit logs are kept",
            ),
        ),
    ),
    AwsTable(
        name="aws_redshift_parameter_group",
        service="redshift",
        op="DescribeClusterParameterGroups",
        rows="ParameterGroups[]",
        resource="arn:{partition}:redshift:{region}:{account}:parametergroup:{ParameterGroupName}",
        about="Parameters of clusters, such as require_ssl.",
        calls=(
            Call(
                op="DescribeClusterParameters",
                params={"ParameterGroupName": "{ParameterGroupName}"},
                take="Parameters",
                into="parameters",
                about="Parameters",
            ),
        ),
    ),
    AwsTable(
        name="aws_redshift_snapshot",
        service="redshift",
        op="DescribeClusterSnapshots",
        rows="Snapshots[]",
        resource="arn:{partition}:redshift:{region}:{account}:snapshot:{ClusterIdentifier}/{SnapshotIdentifier}",
        about="Snapshots and the accounts that may restore them.",
    ),
)
