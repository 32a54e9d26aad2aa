"""Networks and their doors: VPCs, flow logs, security groups, access lists, addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofwatch.demo.account import AMERICA, HOME, SECOND, Account
from proofwatch.demo.documents import specification
from proofwatch.demo.seeds.storage import log_group

WORLD = "0.0.0.0/0"
WORLD6 = "::/0"
OFFICE = "198.51.100.0/24"
GOOD_GROUP = "orders-app"
"""The tidy security group that somebody opens later."""


@dataclass(frozen=True, slots=True)
class _Door:
    """Who may reach which ports; `sources` are CIDR blocks of either family."""

    first: int
    last: int
    sources: tuple[str, ...]


_HOME_GROUPS: dict[str, tuple[_Door, ...]] = {
    GOOD_GROUP: (_Door(8443, 8443, ("10.20.0.0/16",)),),
    "orders-database": (_Door(5432, 5432, ("10.20.0.0/16",)),),
    "public-web": (_Door(443, 443, (WORLD, WORLD6)), _Door(80, 80, (WORLD, WORLD6))),
    "office-admin": (_Door(22, 22, (OFFICE,)),),
    "jenkins": (_Door(22, 22, (WORLD,)), _Door(8080, 8080, (WORLD,))),
}
_SECOND_GROUPS: dict[str, tuple[_Door, ...]] = {
    "analytics": (_Door(5432, 5432, (WORLD,)),),
    "robots-ipv6": (_Door(22, 22, (WORLD6,)),),
}
_AMERICA_GROUPS: dict[str, tuple[_Door, ...]] = {
    "us-edge": (_Door(443, 443, (WORLD,)),),
    "windows-jump-host": (_Door(3389, 3389, (WORLD,)),),
}
_STAGING_GROUPS: dict[str, tuple[_Door, ...]] = {
    "staging-app": (_Door(443, 443, (WORLD,)),),
    "staging-anything": (_Door(0, 65535, (WORLD,)),),
}
_KEPT: dict[str, tuple[_Door, ...]] = {
    # jenkins stays as it is: the one door that stands open.
    "analytics": (_Door(5432, 5432, ("10.40.0.0/16",)),),
    "robots-ipv6": (_Door(22, 22, (OFFICE,)),),
    "windows-jump-host": (_Door(3389, 3389, (OFFICE,)),),
    "staging-anything": (_Door(443, 443, (OFFICE,)),),
}


def production(account: Account) -> None:
    """One good network at home with flow logs, one without in the second region, doors of every kind."""
    vpc = _network(account, HOME, "orders", "10.20.0.0/16")
    if not account.kept:  # Else every network of every region is watched in the end.
        flow_log(account, HOME, [vpc, default_vpc(account, HOME)])
    _groups(account, HOME, vpc, _HOME_GROUPS)
    close_default_group(account, HOME, vpc)
    other = _network(account, SECOND, "analytics", "10.40.0.0/16")
    _groups(account, SECOND, other, _SECOND_GROUPS)
    if not account.kept:
        _open_access_list(account, SECOND, other)
    _groups(account, AMERICA, default_vpc(account, AMERICA), _AMERICA_GROUPS)
    for region in () if account.kept else (HOME, SECOND):
        account.client("ec2", region).allocate_address(Domain="vpc")


def staging(account: Account) -> None:
    """Default networks only, no flow logs, one group open on every port."""
    _groups(account, HOME, default_vpc(account, HOME), _STAGING_GROUPS)


def default_vpc(account: Account, region: str) -> str:
    """Return the id of the region's default network, which every account has."""
    ec2 = account.client("ec2", region)
    found = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
    return str(found["Vpcs"][0]["VpcId"])


def group_id(account: Account, region: str, name: str) -> str:
    """Return the id of the security group called `name`. Raises LookupError when there is none."""
    ec2 = account.client("ec2", region)
    found = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    if not found:
        raise LookupError(name)
    return str(found[0]["GroupId"])


def subnet_ids(account: Account, region: str, vpc: str) -> list[str]:
    """Return the ids of the network's subnets, by zone."""
    found = account.client("ec2", region).describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    subnets = sorted(found["Subnets"], key=lambda item: str(item["AvailabilityZone"]))
    return [str(item["SubnetId"]) for item in subnets]


def network_id(account: Account, region: str, name: str) -> str:
    """Return the id of the network tagged `name`."""
    found = account.client("ec2", region).describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])
    return str(found["Vpcs"][0]["VpcId"])


def _network(account: Account, region: str, name: str, block: str) -> str:
    ec2 = account.client("ec2", region)
    tags = specification("vpc", name)
    vpc = str(ec2.create_vpc(CidrBlock=block, TagSpecifications=tags)["Vpc"]["VpcId"])
    start = block.rsplit(".", 2)[0]
    for number, zone in enumerate("ab"):
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"{start}.{number}.0/24",
            AvailabilityZone=f"{region}{zone}",
            TagSpecifications=specification("subnet", f"{name}-{zone}"),
        )
    return vpc


def flow_log(account: Account, region: str, vpcs: list[str]) -> None:
    """Let the networks log all traffic."""
    log_group(account, region, "/acme/flow-logs")
    account.client("ec2", region).create_flow_logs(
        ResourceIds=vpcs,
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="/acme/flow-logs",
        DeliverLogsPermissionArn=f"arn:aws:iam::{account.id}:role/flow-logs",
    )


def _groups(account: Account, region: str, vpc: str, groups: dict[str, tuple[_Door, ...]]) -> None:
    ec2 = account.client("ec2", region)
    for name, given in groups.items():
        doors = _KEPT.get(name, given) if account.kept else given
        made = ec2.create_security_group(
            GroupName=name,
            Description=f"{name} of Acme Robotics",
            VpcId=vpc,
            TagSpecifications=specification("security-group", name),
        )
        ec2.authorize_security_group_ingress(
            GroupId=made["GroupId"],
            IpPermissions=[permission(door.first, door.last, door.sources) for door in doors],
        )


def permission(first: int, last: int, sources: tuple[str, ...]) -> dict[str, Any]:
    """Return EC2's form of a TCP rule."""
    return {
        "IpProtocol": "tcp",
        "FromPort": first,
        "ToPort": last,
        "IpRanges": [{"CidrIp": source} for source in sources if ":" not in source],
        "Ipv6Ranges": [{"CidrIpv6": source} for source in sources if ":" in source],
    }


def close_default_group(account: Account, region: str, vpc: str) -> None:
    """Take all rules from the network's default group."""
    ec2 = account.client("ec2", region)
    only = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    for group in ec2.describe_security_groups(Filters=only)["SecurityGroups"]:
        if group["IpPermissions"]:
            ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])


def _open_access_list(account: Account, region: str, vpc: str) -> None:
    ec2 = account.client("ec2", region)
    made = ec2.create_network_acl(VpcId=vpc, TagSpecifications=specification("network-acl", "analytics"))
    ec2.create_network_acl_entry(
        NetworkAclId=made["NetworkAcl"]["NetworkAclId"],
        RuleNumber=100,
        Protocol="6",
        RuleAction="allow",
        Egress=False,
        CidrBlock=WORLD,
        PortRange={"From": 22, "To": 22},
    )
