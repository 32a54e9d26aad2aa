"""Kubernetes clusters."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_eks_cluster",
        service="eks",
        op="ListClusters",
        rows="clusters[]",
        item="name",
        resource="arn:{partition}:eks:{region}:{account}:cluster/{name}",
        about="Clusters, their endpoint, logging and encryption.",
        calls=(
            Call(
                op="DescribeCluster",
                params={"name": "{name}"},
                take="cluster",
                about="The cluster's settings",
            ),
        ),
    ),
    AwsTable(
        name="aws_eks_nodegroup",
        service="eks",
        op="ListNodegroups",
        rows="nodegroups[]",
        item="nodegroupName",
        parent="aws_eks_cluster",
        params={"clusterName": "{name}"},
        keep=("name",),
        resource="arn:{partition}:eks:{region}:{account}:nodegroup/{name}/{nodegroupName}",
        about="Managed groups of nodes; `name` is the cluster's.",
        calls=(
            Call(
                op="DescribeNodegroup",
                params={"clusterName": "{name}", "nodegroupName": "{nodegroupName}"},
                take="nodegroup",
                about="The group's settings",
            ),
        ),
    ),
)
