"""Container registries."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

TABLES = (
    AwsTable(
        name="aws_ecr_repository",
        service="ecr",
        op="DescribeRepositories",
        rows="repositories[]",
        resource="{repositoryArn}",
        about="Image repositories with their policies.",
        calls=(
            Call(
                op="GetRepositoryPolicy",
                params={"repositoryName": "{repositoryName}"},
                take="policyText",
                into="policy",
                form="json",
                absent=("RepositoryPolicyNotFoundException",),
                about="Resource policy: who may pull and push",
            ),
            Call(
                op="GetLifecyclePolicy",
                params={"repositoryName": "{repositoryName}"},
                take="lifecyclePolicyText",
                into="lifecycle_policy",
                form="json",
                absent=("LifecyclePolicyNotFoundException",),
                about="When images are removed",
            ),
        ),
    ),
    AwsTable(
        name="aws_ecr_registry",
        service="ecr",
        op="GetRegistryScanningConfiguration",
        rows="",
        single=True,
        resource="arn:{partition}:ecr:{region}:{account}:registry",
        about="How the region's registry scans images.",
    ),
)
