import pytest

from proofwatch.connectors.aws.scope import read_scope, selected_accounts
from proofwatch.connectors.base import ConnectorError
from tests.connectors.aws.servers import allow

OWN = "123456789012"


@pytest.fixture
def organization(moto):
    """An organization with two more accounts; return their ids."""
    client = moto.client("organizations")
    client.create_organization(FeatureSet="ALL")
    return [
        client.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"][
            "AccountId"
        ]
        for name in ("staging", "old")
    ]


def places(scope, account):
    return {place.region: place for place in scope.places if place.account_id == account}


def test_regions_not_chosen_are_gaps_with_a_name(moto, connect):
    scope = read_scope(connect(moto.url, regions=["eu-west-1", "us-east-1"]))
    own = places(scope, OWN)
    assert {region for region, place in own.items() if not place.gap} == {"global", "eu-west-1", "us-east-1"}
    assert own["eu-central-1"].gap == "not selected"
    assert not own["eu-central-1"].wanted
    assert scope.unknown == ()


def test_all_regions_leave_no_gap_and_disabled_ones_are_no_places(moto, connect):
    regions = moto.client("ec2").describe_regions(AllRegions=True)["Regions"]
    disabled = {item["RegionName"] for item in regions if item["OptInStatus"] == "not-opted-in"}
    assert disabled, "the simulated account has every region enabled, which would prove nothing"
    scope = read_scope(connect(moto.url, regions="all"))
    assert scope.gaps() == ()
    assert disabled.isdisjoint(places(scope, OWN))


def test_a_chosen_region_that_is_nowhere_enabled_is_told(moto, connect):
    regions = moto.client("ec2").describe_regions(AllRegions=True)["Regions"]
    disabled = next(item["RegionName"] for item in regions if item["OptInStatus"] == "not-opted-in")
    scope = read_scope(connect(moto.url, regions=["eu-west-1", disabled]))
    assert scope.unknown == (f"region {disabled} was chosen, but is not enabled in any account read",)


def test_excluded_regions_show_their_reason(moto, connect):
    excluded = [{"id": "eu-west-2", "reason": "no workloads by policy"}]
    scope = read_scope(connect(moto.url, regions="all", exclude_regions=excluded))
    assert [(p.region, p.gap) for p in scope.gaps()] == [("eu-west-2", "excluded: no workloads by policy")]


def test_accounts_of_the_organization_that_are_not_connected_are_gaps(moto, connect, organization):
    scope = read_scope(connect(moto.url))
    for account, name in zip(organization, ("staging", "old"), strict=True):
        (place,) = places(scope, account).values()
        assert (place.region, place.gap, place.account_name) == ("global", "not selected", name)


def test_the_whole_organization_is_read_through_its_member_roles(moto, connect, organization):
    clients = connect(moto.url, accounts="organization")
    scope = read_scope(clients)
    assert set(selected_accounts(clients)[0]) == {OWN, *organization}
    for account in organization:
        assert not places(scope, account)["eu-west-1"].gap
        assert not places(scope, account)["global"].gap


def test_excluded_and_closed_accounts_keep_their_place_and_reason(moto, connect, organization):
    staging, old = organization
    moto.client("organizations").close_account(AccountId=old)
    excluded = [{"id": staging, "reason": "holds no customer data"}]
    clients = connect(moto.url, accounts="organization", exclude_accounts=excluded)
    scope = read_scope(clients)
    assert places(scope, staging)["global"].gap == "excluded: holds no customer data"
    assert places(scope, old)["global"].gap in ("suspended account", "pending closure account")
    assert selected_accounts(clients) == ([OWN], [])


def test_an_account_whose_role_cannot_be_assumed_is_a_wanted_gap(moto, connect):
    key = moto.user("reader", allow("sts:GetCallerIdentity", "ec2:DescribeRegions"))
    clients = connect(moto.url, key, accounts=[OWN, "222222222222"])
    with moto.enforced():
        scope = read_scope(clients)
    shut = places(scope, "222222222222")
    assert set(shut) == {"global", "eu-west-1"}
    for place in shut.values():
        assert place.gap == "role ProofwatchReadOnly could not be assumed: AccessDenied"
        assert place.wanted
    assert not places(scope, OWN)["eu-west-1"].gap


def test_what_may_not_be_listed_is_unknown_and_names_the_permission(moto, connect):
    key = moto.user("blind", allow("sts:GetCallerIdentity"))
    clients = connect(moto.url, key)
    with moto.enforced():
        scope = read_scope(clients)
    accounts, regions = scope.unknown
    assert accounts.startswith(
        f"accounts of the organization of {OWN} (organizations:ListAccounts): AWS refused"
    )
    assert regions.startswith(f"regions of account {OWN} (ec2:DescribeRegions): AWS refused")
    assert {p.region for p in scope.places if not p.gap} == {"global", "eu-west-1"}


def test_without_an_identity_there_is_no_scope(connect):
    with pytest.raises(ConnectorError, match="asking AWS who we are"):
        read_scope(connect("http://127.0.0.1:9"))
