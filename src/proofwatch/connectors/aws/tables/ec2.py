"""EC2: machines, disks, images and the addresses they have."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable, Call

_PAGE = {"MaxResults": 500}
"""Without a page size EC2 answers everything at once, however much that is."""

_ARN = "arn:{partition}:ec2:{region}:{account}:"

TABLES = (
    AwsTable(
        name="aws_ec2_instance",
        service="ec2",
        op="DescribeInstances",
        rows="Reservations[].Instances[]",
        params=_PAGE,
        resource=_ARN + "instance/{InstanceId}",
        about="Instances, also stopped ones and for a while terminated ones.",
    ),
    AwsTable(
        name="aws_ec2_volume",
        service="ec2",
        op="DescribeVolumes",
        rows="Volumes[]",
        params=_PAGE,
        resource=_ARN + "volume/{VolumeId}",
        about="EBS volumes.",
    ),
    AwsTable(
        name="aws_ec2_snapshot",
        service="ec2",
        op="DescribeSnapshots",
        rows="Snapshots[]",
        params={"OwnerIds": ["self"], **_PAGE},
        resource="arn:{partition}:ec2:{region}::snapshot/{SnapshotId}",
        about="EBS snapshots of the account, with whom they are shared.",
        calls=(
            Call(
                op="DescribeSnapshotAttribute",
                params={"SnapshotId": "{SnapshotId}", "Attribute": "createVolumePermission"},
                take="CreateVolumePermissions",
                into="create_volume_permissions",
                about='Who may restore it; group "all" is everyone',
            ),
        ),
    ),
    AwsTable(
        name="aws_ec2_image",
        service="ec2",
        op="DescribeImages",
        rows="Images[]",
        params={"Owners": ["self"], **_PAGE},
        resource="arn:{partition}:ec2:{region}::image/{ImageId}",
        about="Machine images of the account, with who may launch them.",
        calls=(
            Call(
                op="DescribeImageAttribute",
                params={"ImageId": "{ImageId}", "Attribute": "launchPermission"},
                take="LaunchPermissions",
                into="launch_permissions",
                about='Who may launch it; group "all" is everyone',
            ),
        ),
    ),
    AwsTable(
        name="aws_ec2_launch_template",
        service="ec2",
        op="DescribeLaunchTemplates",
        rows="LaunchTemplates[]",
        params={"MaxResults": 200},
        resource=_ARN + "launch-template/{LaunchTemplateId}",
        about="Launch templates with what their default version launches; user data is not read.",
        calls=(
            Call(
                op="DescribeLaunchTemplateVersions",
                params={"LaunchTemplateId": "{LaunchTemplateId}", "Versions": ["$Default"]},
                take="LaunchTemplateVersions[].LaunchTemplateData",
                into="default_version",
                about="What the default version launches (a list of one)",
            ),
        ),
    ),
    AwsTable(
        name="aws_ec2_network_interface",
        service="ec2",
        op="DescribeNetworkInterfaces",
        rows="NetworkInterfaces[]",
        params=_PAGE,
        resource=_ARN + "network-interface/{NetworkInterfaceId}",
        about="Network interfaces with their addresses and security groups.",
    ),
    AwsTable(
        name="aws_ec2_address",
        service="ec2",
        op="DescribeAddresses",
        rows="Addresses[]",
        resource=_ARN + "elastic-ip/{AllocationId}",
        about="Elastic IP addresses.",
    ),
)
