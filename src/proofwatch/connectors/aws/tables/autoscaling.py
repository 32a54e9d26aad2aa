"""Auto Scaling."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

TABLES = (
    AwsTable(
        name="aws_autoscaling_group",
        service="autoscaling",
        op="DescribeAutoScalingGroups",
        rows="AutoScalingGroups[]",
        resource="{AutoScalingGroupARN}",
        about="Groups, their zones and health checks.",
    ),
    AwsTable(
        name="aws_autoscaling_launch_configuration",
        service="autoscaling",
        op="DescribeLaunchConfigurations",
        rows="LaunchConfigurations[]",
        resource="{LaunchConfigurationARN}",
        drop=("UserData",),
        about="Launch configurations; user data is left out.",
    ),
)
