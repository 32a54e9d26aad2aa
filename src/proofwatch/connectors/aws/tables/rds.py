"""Relational databases: instances, clusters, their snapshots and who may restore them."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_rds_db_instance",
        drop=("LatestRestorableTime",),  # it moves every five minutes, and so would the snapshot
        service="rds",
        op="DescribeDBInstances",
        rows="DBInstances[]",
        resource="{DBInstanceArn}",
        about="Database instances.",
    ),
    AwsTable(
        name="aws_rds_db_cluster",
        drop=("LatestRestorableTime",),  # it moves every five minutes, and so would the snapshot
        service="rds",
        op="DescribeDBClusters",
        rows="DBClusters[]",
        resource="{DBClusterArn}",
        about="Database clusters (Aurora and Multi-AZ).",
    ),
    AwsTable(
        name="aws_rds_db_snapshot",
        service="rds",
        op="DescribeDBSnapshots",
        rows="DBSnapshots[]",
        resource="{DBSnapshotArn}",
        about="Snapshots of instances, with the accounts that may restore them.",
        calls=(
            Call(
                op="DescribeDBSnapshotAttributes",
                params={"DBSnapshotIdentifier": "{DBSnapshotIdentifier}"},
                take="DBSnapshotAttributesResult.DBSnapshotAttributes",
                into="db_snapshot_attributes",
                about="Accounts that may restore it; 'all' is everyone",
            ),
        ),
    ),
    AwsTable(
        name="aws_rds_db_cluster_snapshot",
        service="rds",
        op="DescribeDBClusterSnapshots",
        rows="DBClusterSnapshots[]",
        resource="{DBClusterSnapshotArn}",
        about="Snapshots of clusters, with the accounts that may restore them.",
        calls=(
            Call(
                op="DescribeDBClusterSnapshotAttributes",
                params={"DBClusterSnapshotIdentifier": "{DBClusterSnapshotIdentifier}"},
                take="DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes",
                into="db_cluster_snapshot_attributes",
                about="Accounts that may restore it; 'all' is everyone",
            ),
        ),
    ),
    AwsTable(
        name="aws_rds_db_subnet_group",
        service="rds",
        op="DescribeDBSubnetGroups",
        rows="DBSubnetGroups[]",
        resource="{DBSubnetGroupArn}",
        about="Subnets in which databases may be placed.",
    ),
    AwsTable(
        name="aws_rds_event_subscription",
        service="rds",
        op="DescribeEventSubscriptions",
        rows="EventSubscriptionsList[]",
        resource="{EventSubscriptionArn}",
        about="Who is told of database events.",
    ),
    AwsTable(
        name="aws_rds_db_proxy",
        service="rds",
        op="DescribeDBProxies",
        rows="DBProxies[]",
        resource="{DBProxyArn}",
        about="Connection proxies and whether they require TLS.",
    ),
)
