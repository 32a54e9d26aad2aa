"""Container service: clusters, services, task definitions."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_ecs_cluster",
        service="ecs",
        op="ListClusters",
        rows="clusterArns[]",
        item="clusterArn",
        resource="{clusterArn}",
        about="Clusters and their settings.",
        calls=(
            Call(
                op="DescribeClusters",
                params={"clusters": "{clusterArn}", "include": ["SETTINGS", "CONFIGURATIONS", "TAGS"]},
                take="clusters",
                batch=100,
                match=("clusterArn", "clusterArn"),
                about="The cluster's settings",
            ),
        ),
    ),
    AwsTable(
        name="aws_ecs_service",
        service="ecs",
        op="ListServices",
        rows="serviceArns[]",
        item="serviceArn",
        parent="aws_ecs_cluster",
        params={"cluster": "{clusterArn}"},
        keep=("clusterArn",),
        resource="{serviceArn}",
        about="Services and their network placement.",
        calls=(
            Call(
                op="DescribeServices",
                params={"cluster": "{clusterArn}", "services": "{serviceArn}"},
                take="services",
                batch=10,
                match=("serviceArn", "serviceArn"),
                about="The service's settings",
            ),
        ),
    ),
    AwsTable(
        name="aws_ecs_task_definition",
        service="ecs",
        op="ListTaskDefinitions",
        rows="taskDefinitionArns[]",
        item="taskDefinitionArn",
        params={"status": "ACTIVE"},
        resource="{taskDefinitionArn}",
        about="Active task definitions.",
        calls=(
            Call(
                op="DescribeTaskDefinition",
                params={"taskDefinition": "{taskDefinitionArn}"},
                take="taskDefinition",
                about="Containers, roles and network mode",
            ),
        ),
    ),
)
