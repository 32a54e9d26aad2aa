"""What happens at Acme Robotics while somebody watches: one thing breaks, another is repaired."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from proofwatch.demo.account import HOME, SECOND
from proofwatch.demo.company import Company
from proofwatch.demo.errors import DemoError
from proofwatch.demo.seeds import network
from proofwatch.demo.seeds.data import PUBLIC_SNAPSHOT


@dataclass(frozen=True, slots=True)
class Story:
    """One change, made through the AWS interface.

    Attributes:
        sentence: what happened, for people.
        account_id: where it happened, as is `region`.
        resource: its ARN, which is the key of the check's result.
        check: id of the check whose result must change.
        before: verdict of that check on this resource before the change.
        after: verdict after it.
    """

    sentence: str
    account_id: str
    region: str
    resource: str
    check: str
    before: str
    after: str


def break_one(company: Company) -> Story:
    """Open SSH of a tidy security group to the whole internet. Raises DemoError when that fails."""
    with _told("opening a security group of the simulated company"):
        production = company.administrator("production")
        group = network.group_id(production, HOME, network.GOOD_GROUP)
        production.client("ec2", HOME).authorize_security_group_ingress(
            GroupId=group, IpPermissions=[network.permission(22, 22, (network.WORLD,))]
        )
    return Story(
        f"Somebody in a hurry opened SSH of {network.GOOD_GROUP} (production, {HOME}) to the internet.",
        production.id,
        HOME,
        f"arn:aws:ec2:{HOME}:{production.id}:security-group/{group}",
        "aws.ec2.security-group-no-open-ssh",
        "pass",
        "fail",
    )


def repair_one(company: Company) -> Story:
    """Take a database snapshot back from the public. Raises DemoError when that fails."""
    with _told("repairing a database snapshot of the simulated company"):
        production = company.administrator("production")
        rds = production.client("rds", SECOND)
        found = rds.describe_db_snapshots(DBSnapshotIdentifier=PUBLIC_SNAPSHOT)["DBSnapshots"][0]
        rds.modify_db_snapshot_attribute(
            DBSnapshotIdentifier=PUBLIC_SNAPSHOT, AttributeName="restore", ValuesToRemove=["all"]
        )
    return Story(
        f"The data team took the snapshot {PUBLIC_SNAPSHOT} (production, {SECOND}) back from the public.",
        production.id,
        SECOND,
        str(found["DBSnapshotArn"]),
        "aws.rds.snapshot-not-public",
        "fail",
        "pass",
    )


@contextmanager
def _told(doing: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, LookupError) as error:
        raise DemoError(doing, str(error), "Start the demo again; its server is not as it was.") from error
