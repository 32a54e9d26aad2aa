"""EC2: networks and what lets traffic through them."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable

_PAGE = {"MaxResults": 500}
_ARN = "arn:{partition}:ec2:{region}:{account}:"
_SHARED = "arn:{partition}:ec2:{region}:{OwnerId}:"
"""Networks can be another account's, shared with this one."""


def _network(op: str, thing: str, rows: str, resource: str, about: str, *, paged: bool = True) -> AwsTable:
    return AwsTable(
        name=f"aws_ec2_{thing}",
        service="ec2",
        op=op,
        rows=rows,
        params=_PAGE if paged else {},
        resource=resource,
        about=about,
        # The configuration handed to the other end of a VPN holds its pre-shared keys.
        drop=("CustomerGatewayConfiguration",),
        json=("PolicyDocument",),
    )


TABLES = (
    _network("DescribeVpcs", "vpc", "Vpcs[]", _SHARED + "vpc/{VpcId}", "Virtual networks."),
    _network("DescribeSubnets", "subnet", "Subnets[]", _SHARED + "subnet/{SubnetId}", "Subnets."),
    _network(
        "DescribeFlowLogs",
        "flow_log",
        "FlowLogs[]",
        _ARN + "vpc-flow-log/{FlowLogId}",
        "Flow logs of networks, subnets and interfaces.",
    ),
    _network(
        "DescribeSecurityGroups",
        "security_group",
        "SecurityGroups[]",
        _SHARED + "security-group/{GroupId}",
        "Security groups with their rules.",
    ),
    _network(
        "DescribeSecurityGroupRules",
        "security_group_rule",
        "SecurityGroupRules[]",
        _ARN + "security-group-rule/{SecurityGroupRuleId}",
        "Rules of security groups, one row each.",
    ),
    _network(
        "DescribeNetworkAcls",
        "network_acl",
        "NetworkAcls[]",
        _SHARED + "network-acl/{NetworkAclId}",
        "Network ACLs with their entries.",
    ),
    _network(
        "DescribeRouteTables",
        "route_table",
        "RouteTables[]",
        _SHARED + "route-table/{RouteTableId}",
        "Route tables with their routes.",
    ),
    _network(
        "DescribeVpcEndpoints",
        "vpc_endpoint",
        "VpcEndpoints[]",
        _ARN + "vpc-endpoint/{VpcEndpointId}",
        "Private ways to AWS services, with their policies.",
    ),
    _network(
        "DescribeInternetGateways",
        "internet_gateway",
        "InternetGateways[]",
        _ARN + "internet-gateway/{InternetGatewayId}",
        "Internet gateways and the networks they open.",
    ),
    _network(
        "DescribeNatGateways",
        "nat_gateway",
        "NatGateways[]",
        _ARN + "natgateway/{NatGatewayId}",
        "NAT gateways.",
    ),
    _network(
        "DescribeVpcPeeringConnections",
        "vpc_peering_connection",
        "VpcPeeringConnections[]",
        _ARN + "vpc-peering-connection/{VpcPeeringConnectionId}",
        "Peerings between networks.",
    ),
    _network(
        "DescribeTransitGateways",
        "transit_gateway",
        "TransitGateways[]",
        "{TransitGatewayArn}",
        "Transit gateways.",
    ),
    _network(
        "DescribeVpnConnections",
        "vpn_connection",
        "VpnConnections[]",
        _ARN + "vpn-connection/{VpnConnectionId}",
        "Site-to-site VPN connections, without their keys.",
        paged=False,
    ),
)
