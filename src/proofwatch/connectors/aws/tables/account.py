"""The account itself: its regions and whom AWS writes to."""

from __future__ import annotations

from proofwatch.connectors.aws.declare import AwsTable


def _contact(kind: str) -> AwsTable:
    return AwsTable(
        name=f"aws_account_{kind}_contact",
        service="account",
        op="GetAlternateContact",
        rows="AlternateContact",
        params={"AlternateContactType": kind.upper()},
        place="global",
        single=True,
        absent=("ResourceNotFoundException",),
        resource=f"{{account}}/contact/{kind}",
        about=f"Whether the account has a {kind} contact; names and addresses are not read.",
    )


TABLES = (
    AwsTable(
        name="aws_account_region",
        service="account",
        op="ListRegions",
        rows="Regions[]",
        place="global",
        resource="{account}/region/{RegionName}",
        about="Regions with their opt-in state.",
    ),
    _contact("security"),
    _contact("billing"),
    _contact("operations"),
)
