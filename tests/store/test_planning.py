"""What cannot be listed in a sweep is read again where the sweep before had read it."""

from __future__ import annotations

from pathlib import Path

from proofwatch.connectors.base import EVERY, Place, Scope
from proofwatch.store import reconcile
from proofwatch.store.models import Connection
from proofwatch.store.planning import _with_known_places
from proofwatch.store.services import sweeps
from tests.store.samples import Folder, begun, connection, outcome


def read_before(folder: Path) -> Connection:
    owner = connection()
    sweep = begun(owner, 15)
    places = (("1", "global"), ("1", "eu-west-1"), ("2", "global"))
    sweeps.record_reads(sweep, [sweeps.Read(*place, "aws_ec2_volume") for place in places])
    reconcile.apply(sweep, outcome({}), Folder(folder), now=sweep.observed_at)
    return owner


def added(scope: Scope, owner: Connection) -> set[tuple[str, str]]:
    kept = _with_known_places(scope, owner)
    assert kept.unknown == scope.unknown
    assert not any(place.gap for place in kept.places if place not in scope.places)
    return {(p.account_id, p.region) for p in kept.places} - {(p.account_id, p.region) for p in scope.places}


def test_what_was_listed_is_what_counts(database_url: str, tmp_path: Path) -> None:
    assert added(Scope((Place("1", "global"),)), read_before(tmp_path)) == set()


def test_regions_of_an_account_that_does_not_list_them(database_url: str, tmp_path: Path) -> None:
    scope = Scope((Place("1", "global"),), ("regions of account 1: AccessDenied",), ("1",))
    assert added(scope, read_before(tmp_path)) == {("1", "eu-west-1")}


def test_accounts_of_an_organisation_that_does_not_list_them(database_url: str, tmp_path: Path) -> None:
    scope = Scope((Place("1", "global"),), ("accounts: AccessDenied",), (EVERY,))
    assert added(scope, read_before(tmp_path)) == {("2", "global")}
