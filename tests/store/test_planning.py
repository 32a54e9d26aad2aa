"""What cannot be listed in a sweep is read again where the sweep before had read it."""

from __future__ import annotations

import json
from pathlib import Path

import rfc8785

from proofwatch.connectors.base import EVERY, Place, Scope, Shard
from proofwatch.store import planning, reconcile
from proofwatch.store.models import Connection
from proofwatch.store.planning import Plan, _with_known_places
from proofwatch.store.services import sweeps
from proofwatch.store.shards import Shards, grouped
from tests.store.samples import Folder, begun, connection, outcome

NO_OBJECTS = Folder(Path())


def read_before(folder: Path) -> Connection:
    owner = connection()
    sweep = begun(owner, 15)
    places = (("1", "global"), ("1", "eu-west-1"), ("2", "global"))
    sweeps.record_reads(sweep, [sweeps.Read(*place, "aws_ec2_volume") for place in places])
    reconcile.apply(sweep, outcome({}), Folder(folder), now=sweep.observed_at)
    return owner


def added(scope: Scope, owner: Connection) -> set[tuple[str, str]]:
    kept = _with_known_places(scope, owner, NO_OBJECTS)
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


def test_a_plan_is_kept_by_what_is_read_in_the_same_places(database_url: str) -> None:
    owner = connection()
    shards = [
        Shard(f"{account:012d}", region, service, (f"{service}_a", f"{service}_b"))
        for account in range(300)
        for service in ("ec2", "rds", "s3")
        for region in (["global"] if service == "s3" else ["eu-west-1", "us-east-1"])
    ]
    plan = Plan(
        {"account_id": "1", "details": {}},
        Scope((Place("1", "global"),), ("x",), ("*",)),
        Shards(grouped(shards)),
    )
    body = json.loads(rfc8785.dumps(planning._plan_body(owner, plan)))
    found = planning._parse_plan(body)
    assert sorted(found.shards, key=str) == sorted(shards, key=str)
    assert (found.scope, found.identity, found.failure) == (plan.scope, plan.identity, "")
    assert found.shards.readings() == sum(len(shard.tables) for shard in shards)
    assert len(body["reads"]) == 2, "s3 by itself; ec2 and rds are read in the same places"
    assert len(json.dumps(body)) < 40 * len(shards)


def test_a_plan_of_before_is_read(database_url: str) -> None:
    shards = [Shard("1", "global", "s3", ("a", "b"))]
    body = planning._plan_body(connection(), Plan({"details": {}}, Scope(()), Shards(grouped(shards))))
    del body["reads"]
    body["shards"] = [{"account_id": "1", "region": "global", "service": "s3", "tables": ["a", "b"]}]
    assert list(planning._parse_plan(body).shards) == shards
