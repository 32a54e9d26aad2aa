"""What a well-kept account has everywhere: the company as the demo shows it. All of it is DEMO DATA.

The company is made in two forms. The tests' form has a fault for nearly every check. The demo's form is well
kept, and these are all faults that are left in it; each tells something:

- Mary left, and still has access to AWS, GitHub, Google, Entra and, through Okta, Figma: the leaver. The
  guest Dana and three accounts of machines or emergencies belong to nobody on the people list, and Ada,
  who leads, has no manager there (AC-11).
- linus signs in with a password alone in every system; at AWS so does Mary, and `ci-deployer` has a key
  and no second factor, which Vanta and Drata were told to leave out (AC-02).
- A key of a Google service account is 400 days old, and somebody holds it (AC-03).
- An API token of Okta is 700 days old and may do everything; an application at Entra has a secret that
  ended, and everybody there may register another; a robot writes to all repositories (AC-13).
- `billing-api` takes changes without a review, and linus merged one there (CM-02); a critical hole in it
  waits for 60 days, and another at Vanta is past its deadline (VM-01).
- SSH of `jenkins` is open to the internet; while one watches, somebody opens `orders-app`, too (NW-01).
- The volume `jenkins-home` is not encrypted (DP-01).
- The bucket of customers' uploads keeps no versions (DP-08), and Vanta says that it does: the one
  disagreement. Vanta and Drata tell of the second factors, too: there we agree (MO-01).
- A database snapshot is public, until somebody takes it back while one watches (DP-04).
- One region and one account are in use, and nobody connected them: gaps of the scope.
- Of the alerts, some are not reviewed: those that began last.

moto answers some things wrongly, and that is not mended here: it says of every account that its root user
has no second factor (AC-01), and forgets the second factor for deleting versions (DP-08) and where a function
sends events that failed (LM-06). It lacks calls that some checks rest on; these are inconclusive, and say so
(AC-06, DP-04 to DP-06, LM-02, MO-01, MO-02, NW-02 to NW-04, VM-02). What it cannot hold tidily is left out:
REST stages, warehouses, search domains, images of our own machines.
"""

from __future__ import annotations

from typing import Any

from proofwatch.demo.account import HOME, IMAGE, REGIONS, Account
from proofwatch.demo.seeds import network, watch
from proofwatch.demo.seeds.storage import KEY, STAGING_TRAIL, TRAIL

YEAR = 365


def keys(account: Account) -> None:
    """Make the company's own key in each region that has none."""
    for region in REGIONS:
        kms = account.client("kms", region)
        if not any(item["AliasName"] == KEY for item in kms.list_aliases()["Aliases"]):
            made = kms.create_key(Description="data of Acme Robotics")["KeyMetadata"]["KeyId"]
            kms.create_alias(AliasName=KEY, TargetKeyId=made)


def order(account: Account) -> None:
    """Put in order what AWS makes by itself, and switch on in each region what watches."""
    for region in REGIONS:
        _networks(account, region)
        _images(account, region)
        _watching(account, region)
        _logs(account, region)
        _keys(account, region)


def _networks(account: Account, region: str) -> None:
    """Close default groups and access lists, give no public addresses, log all traffic."""
    ec2 = account.client("ec2", region)
    vpcs = [str(item["VpcId"]) for item in ec2.describe_vpcs()["Vpcs"]]
    for vpc in vpcs:
        network.close_default_group(account, region, vpc)
    for item in ec2.describe_subnets()["Subnets"]:
        if item["MapPublicIpOnLaunch"]:
            ec2.modify_subnet_attribute(SubnetId=item["SubnetId"], MapPublicIpOnLaunch={"Value": False})
    for item in ec2.describe_network_acls()["NetworkAcls"]:
        for number, port in ((10, 22), (11, 3389)):
            ec2.create_network_acl_entry(
                NetworkAclId=item["NetworkAclId"], RuleNumber=number, Protocol="6", RuleAction="deny",
                Egress=False, CidrBlock=network.WORLD, PortRange={"From": port, "To": port},
            )  # fmt: skip
    network.flow_log(account, region, vpcs)


def _images(account: Account, region: str) -> None:
    """Take away moto's stock image, whose snapshot is not encrypted in any account."""
    ec2 = account.client("ec2", region)
    ec2.deregister_image(ImageId=IMAGE)
    for item in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
        if not item["Encrypted"]:
            ec2.delete_snapshot(SnapshotId=item["SnapshotId"])


def _watching(account: Account, region: str) -> None:
    """Record, gather findings, and tell of databases' events."""
    if region != HOME:
        bucket = TRAIL if account.name == "production" else STAGING_TRAIL
        watch.recorder(account, region, bucket)
        account.client("securityhub", region).enable_security_hub()
    topic = account.client("sns", region).create_topic(
        Name="database-events", Attributes={"KmsMasterKeyId": KEY}
    )["TopicArn"]
    account.client("rds", region).create_event_subscription(
        SubscriptionName="databases", SnsTopicArn=topic, SourceType="db-instance", Enabled=True
    )


def _logs(account: Account, region: str) -> None:
    """Keep every log for a year."""
    logs = account.client("logs", region)
    for item in logs.describe_log_groups()["logGroups"]:
        name = item["logGroupName"]
        if item.get("retentionInDays", 0) < YEAR:
            logs.put_retention_policy(logGroupName=name, retentionInDays=YEAR)


def _keys(account: Account, region: str) -> None:
    """Rotate every key: moto makes AWS's own keys as if they were the customer's."""
    kms = account.client("kms", region)
    found: list[dict[str, Any]] = kms.list_keys()["Keys"]
    for item in found:
        kms.enable_key_rotation(KeyId=item["KeyId"])
