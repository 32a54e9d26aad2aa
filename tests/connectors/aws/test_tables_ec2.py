from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from proofwatch.connectors.aws.collect import read_table
from proofwatch.connectors.aws.tables import declaration
from proofwatch.connectors.base import ReadStats, Row
from tests.connectors.aws.scripted import Answer, ec2, scripted
from tests.connectors.aws.servers import Moto

ACCOUNT = "123456789012"
ARN = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:"
Connect = Callable[..., Any]
Read = Callable[[str], list[Row]]


@pytest.fixture
def read(moto: Moto, connect: Connect) -> Read:
    clients = connect(moto.url)

    def read(table: str) -> list[Row]:
        declared = declaration(table)
        region = "global" if declared.place == "global" else "eu-west-1"
        rows = list(read_table(declared, clients, ACCOUNT, region, ReadStats(), {}))
        assert all(row["_unread"] is None for row in rows)
        assert len({row["resource"] for row in rows}) == len(rows)
        return rows

    return read


@pytest.fixture
def api(moto: Moto) -> Any:
    return moto.client("ec2")


@pytest.fixture
def network(api: Any) -> dict[str, str]:
    vpc = api.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = api.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    return {"vpc": vpc, "subnet": subnet}


def launch(api: Any, network: dict[str, str]) -> str:
    image = api.register_image(Name="base", RootDeviceName="/dev/sda1", Architecture="x86_64")["ImageId"]
    started = api.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        SubnetId=network["subnet"],
        MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
        UserData="#!/bin/sh\nexport PASSWORD=hidden",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "env", "Value": "prod"}]}],
    )
    instance: str = started["Instances"][0]["InstanceId"]
    return instance


def test_instances_with_metadata_options_and_without_user_data(read: Read, api: Any, network: Any) -> None:
    instance = launch(api, network)
    (row,) = read("aws_ec2_instance")
    assert row["resource"] == f"{ARN}instance/{instance}"
    assert row["state"]["name"] == "running"
    assert row["metadata_options"]["http_tokens"] == "required"
    assert row["tags"] == {"env": "prod"}
    assert row["vpc_id"] == network["vpc"]
    assert row["iam_instance_profile"] is None
    assert "hidden" not in repr(row)
    interfaces = read("aws_ec2_network_interface")
    assert [each["attachment"]["instance_id"] for each in interfaces] == [instance]


def test_volumes_and_snapshots_with_whom_they_are_shared(read: Read, api: Any) -> None:
    volume = api.create_volume(AvailabilityZone="eu-west-1a", Size=9, Encrypted=True)["VolumeId"]
    private = api.create_snapshot(VolumeId=volume)["SnapshotId"]
    public = api.create_snapshot(VolumeId=volume)["SnapshotId"]
    api.modify_snapshot_attribute(
        SnapshotId=public, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]
    )
    (row,) = read("aws_ec2_volume")
    assert (row["size"], row["encrypted"], row["state"]) == (9, True, "available")
    snapshots = {row["snapshot_id"]: row for row in read("aws_ec2_snapshot")}
    assert set(snapshots) == {private, public}
    assert snapshots[private]["create_volume_permissions"] == []
    assert snapshots[public]["create_volume_permissions"] == [{"group": "all"}]
    assert snapshots[public]["resource"] == f"arn:aws:ec2:eu-west-1::snapshot/{public}"


def test_images_of_the_account_with_who_may_launch_them(read: Read, api: Any) -> None:
    image = api.register_image(Name="base", RootDeviceName="/dev/sda1", Architecture="x86_64")["ImageId"]
    (row,) = read("aws_ec2_image")
    assert (row["image_id"], row["public"], row["launch_permissions"]) == (image, False, [])
    api.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"Group": "all"}]})
    (row,) = read("aws_ec2_image")
    assert row["launch_permissions"] == [{"group": "all"}]


def test_launch_templates_with_what_they_launch_but_not_the_user_data(read: Read, api: Any) -> None:
    api.create_launch_template(
        LaunchTemplateName="web",
        LaunchTemplateData={"MetadataOptions": {"HttpTokens": "required"}, "UserData": "aGlkZGVu"},
    )
    (row,) = read("aws_ec2_launch_template")
    assert row["launch_template_name"] == "web"
    assert row["default_version"][0]["metadata_options"]["http_tokens"] == "required"
    assert "user_data" not in row["default_version"][0]


def test_security_groups_and_their_rules(read: Read, api: Any, network: Any) -> None:
    group = api.create_security_group(GroupName="web", Description="d", VpcId=network["vpc"])["GroupId"]
    api.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
            }
        ],
    )
    groups = {row["group_id"]: row for row in read("aws_ec2_security_group")}
    (rule,) = groups[group]["ip_permissions"]
    assert (rule["ip_protocol"], rule["from_port"], rule["to_port"]) == ("tcp", 22, 22)
    assert rule["ip_ranges"] == [{"cidr_ip": "0.0.0.0/0"}]
    assert rule["ipv6_ranges"] == [{"cidr_ipv6": "::/0"}]
    assert groups[group]["resource"] == f"{ARN}security-group/{group}"
    rules = [row for row in read("aws_ec2_security_group_rule") if row["group_id"] == group]
    assert {(row["is_egress"], row["cidr_ipv4"] or row["cidr_ipv6"]) for row in rules} == {
        (False, "0.0.0.0/0"),
        (False, "::/0"),
        (True, "0.0.0.0/0"),
    }


def test_networks_and_what_belongs_to_them(read: Read, api: Any, network: Any) -> None:
    vpc, subnet = network["vpc"], network["subnet"]
    api.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    gateway = api.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    api.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = api.allocate_address(Domain="vpc")["AllocationId"]
    nat = api.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    endpoint = api.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-west-1.s3")["VpcEndpoint"]
    vpcs = {row["vpc_id"]: row for row in read("aws_ec2_vpc")}
    assert vpcs[vpc]["cidr_block"] == "10.0.0.0/16"
    assert vpcs[vpc]["resource"] == f"{ARN}vpc/{vpc}"
    subnets = {row["subnet_id"]: row for row in read("aws_ec2_subnet")}
    assert subnets[subnet]["map_public_ip_on_launch"] is True
    acl = next(row for row in read("aws_ec2_network_acl") if row["vpc_id"] == vpc)
    assert {entry["rule_action"] for entry in acl["entries"]} == {"allow", "deny"}
    assert any(row["vpc_id"] == vpc for row in read("aws_ec2_route_table"))
    gateways = {row["internet_gateway_id"]: row for row in read("aws_ec2_internet_gateway")}
    assert gateways[gateway]["attachments"][0]["vpc_id"] == vpc
    assert [row["nat_gateway_id"] for row in read("aws_ec2_nat_gateway")] == [nat]
    assert address in [row["allocation_id"] for row in read("aws_ec2_address")]
    (row,) = read("aws_ec2_vpc_endpoint")
    assert row["vpc_endpoint_id"] == endpoint["VpcEndpointId"]
    assert row["policy_document"]["Statement"]


def test_flow_logs_and_connections_between_networks(moto: Moto, read: Read, api: Any, network: Any) -> None:
    vpc = network["vpc"]
    moto.client("s3", region="us-east-1").create_bucket(Bucket="flow-logs")
    api.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::flow-logs",
    )
    (log,) = read("aws_ec2_flow_log")
    assert (log["resource_id"], log["traffic_type"], log["flow_log_status"]) == (vpc, "ALL", "ACTIVE")
    other = api.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    api.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)
    (peering,) = read("aws_ec2_vpc_peering_connection")
    assert peering["requester_vpc_info"]["vpc_id"] == vpc
    transit = api.create_transit_gateway()["TransitGateway"]["TransitGatewayArn"]
    assert [row["resource"] for row in read("aws_ec2_transit_gateway")] == [transit]
    customer = api.create_customer_gateway(BgpAsn=65000, PublicIp="203.0.113.7", Type="ipsec.1")[
        "CustomerGateway"
    ]
    virtual = api.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]
    api.create_vpn_connection(
        Type="ipsec.1",
        CustomerGatewayId=customer["CustomerGatewayId"],
        VpnGatewayId=virtual["VpnGatewayId"],
    )
    (vpn,) = read("aws_ec2_vpn_connection")
    assert vpn["customer_gateway_id"] == customer["CustomerGatewayId"]
    assert not any("pre_shared_key" in repr(value) or "<vpn" in repr(value) for value in vpn.values())


def test_settings_of_a_region(read: Read, api: Any) -> None:
    (before,) = read("aws_ec2_ebs_encryption_by_default")
    api.enable_ebs_encryption_by_default()
    (after,) = read("aws_ec2_ebs_encryption_by_default")
    assert (before["ebs_encryption_by_default"], after["ebs_encryption_by_default"]) == (False, True)
    assert after["resource"] == f"{ACCOUNT}/eu-west-1/ebs-encryption-by-default"
    regions = {row["region_name"]: row for row in read("aws_ec2_region")}
    assert regions["eu-west-1"]["opt_in_status"] == "opt-in-not-required"
    assert regions["eu-west-1"]["region"] == "global"


@pytest.mark.parametrize(
    ("table", "answer", "column", "value"),
    [
        ("snapshot_block_public_access", "<state>block-all-sharing</state>", "state", "block-all-sharing"),
        (
            "image_block_public_access",
            "<imageBlockPublicAccessState>unblocked</imageBlockPublicAccessState>",
            "image_block_public_access_state",
            "unblocked",
        ),
        (
            "instance_metadata_defaults",
            "<accountLevel><httpTokens>required</httpTokens></accountLevel>",
            "http_tokens",
            "required",
        ),
        (
            "serial_console_access",
            "<serialConsoleAccessEnabled>false</serialConsoleAccessEnabled>",
            "serial_console_access_enabled",
            False,
        ),
    ],
)
def test_settings_that_the_simulator_lacks(
    connect: Connect, table: str, answer: str, column: str, value: object
) -> None:
    def script(op: str, _: dict[str, str]) -> Answer:
        return ec2(op, answer)

    with scripted(script) as server:
        clients = connect(server.url)
        clients.caller = {"Account": ACCOUNT}
        declared = declaration(f"aws_ec2_{table}")
        (row,) = read_table(declared, clients, ACCOUNT, "eu-west-1", ReadStats(), {})
    assert row["exists"] is True
    assert row[column] == value


def test_metadata_defaults_that_were_never_set_are_told_as_such(connect: Connect) -> None:
    with scripted(lambda op, _: ec2(op, "<requestId>r</requestId>")) as server:
        clients = connect(server.url)
        clients.caller = {"Account": ACCOUNT}
        declared = declaration("aws_ec2_instance_metadata_defaults")
        (row,) = read_table(declared, clients, ACCOUNT, "eu-west-1", ReadStats(), {})
    assert (row["exists"], row["http_tokens"], row["_unread"]) == (False, None, None)
