"""A view over all accounts says nothing while anything of its tables is unread anywhere."""

from pathlib import Path

from proofwatch.app import App
from proofwatch.checks.base import TableInput, UnreadPlace, View
from proofwatch.checks.join import judged_places

ROLES, ORGANISATION = "aws_iam_role", "aws_organizations_organization"
HERE, THERE = ("1", "global"), ("2", "global")


def view(across: bool) -> View:
    tables = (ROLES, ORGANISATION)
    return View("roles", "", "", tables, (), "v", Path("roles.sql"), anchor=ROLES, across=across)


def inputs(*unread: UnreadPlace) -> dict[str, TableInput]:
    gone = {(place.account_id, place.region) for place in unread}
    read = tuple(place for place in (HERE, THERE) if place not in gone)
    return {
        ROLES: TableInput(ROLES, None, read, unread),
        ORGANISATION: TableInput(ORGANISATION, None, (HERE, THERE)),
    }


def test_an_unread_account_leaves_the_others_whole_unless_rows_rest_on_all() -> None:
    tables = App().tables
    hole = UnreadPlace(*THERE, "AccessDenied", "iam:ListRoles")
    places, unread = judged_places(view(False), inputs(hole), tables)
    assert (places, [place.account_id for place in unread]) == ((HERE,), ["2"])
    places, unread = judged_places(view(True), inputs(hole), tables)
    assert places == ()
    assert [(p.account_id, p.region) for p in unread] == [HERE, THERE]
    assert {p.reason for p in unread} == {"aws_iam_role in 2 global: AccessDenied"}
    assert {p.permission for p in unread} == {"iam:ListRoles"}


def test_all_read_is_all_judged() -> None:
    assert judged_places(view(True), inputs(), App().tables) == ((HERE, THERE), ())


def test_the_view_of_who_is_trusted_rests_on_all_accounts() -> None:
    catalog = App().catalog
    assert catalog.views["aws_iam_role_trust"].across
    assert not catalog.views["aws_iam_root_mfa"].across
