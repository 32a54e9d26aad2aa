"""A binder of a period that is over says what held then, whatever became of it since."""

import hashlib
import json
from datetime import timedelta

import pytest

from proofwatch.binder.sampling import Asks, control_of, draw_sample
from proofwatch.binder.write import write_binder
from proofwatch.reports.provenance import Origin
from proofwatch.reports.results import newest_results
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.services import connections, controls, uploads
from tests.binder.conftest import read, verified
from tests.binder.inside import KEY, BinderWorld, imported
from tests.reports.verifying import by_python
from tests.reports.world import control, volume
from tests.store.samples import CHECK, NOW

LATER = NOW + timedelta(days=40)
DAY = NOW.date()


@pytest.fixture
def world(database_url, tmp_path):
    return BinderWorld(tmp_path / "world")


def rows(contents, name):
    return [json.loads(line) for line in contents[f"{name}.jsonl"].splitlines()]


def made(world, path, now=LATER):
    """Return the files of the binder of the day on which the world began, which must verify."""
    world.binder(world.day(), path, now)
    report = verified(path)
    assert report.wrong == []
    return read(path)


def test_a_connection_that_was_removed_since_is_in_what_is_said_of_then(world, tmp_path):
    """One that was removed before is not, and nothing that was read at the period's end or later."""
    before = BinderWorld(tmp_path / "before", "before")
    before.objects = world.objects
    before.sweep([volume("vol-0")])
    connections.remove(before.owner, actor="olga", now=NOW + timedelta(hours=1), reason="closed")
    world.sweep([volume("vol-1"), volume("vol-2", False)])
    world.sweep([volume("vol-3")], minutes=36 * 60 - 15)
    connections.remove(world.owner, actor="olga", now=NOW + timedelta(days=10), reason="closed")
    audit = world.audit(DAY + timedelta(days=1), DAY + timedelta(days=1))
    path = tmp_path / "b.zip"
    world.binder(audit, path, LATER)
    assert verified(path).wrong == []
    found = rows(read(path), "controls/ENC-01/results")
    assert [(row["connection"], row["resource"]) for row in found] == [("prod", "vol-1"), ("prod", "vol-2")]
    asks = Asks(audit, control_of("ENC-01", audit), "resources", 9, "", world.objects, world.cache)
    drawn = draw_sample(asks, Origin("a test", "ada", LATER), tmp_path / "sample").sample
    assert {item["resource"] for _, item in drawn.items} == {"vol-1", "vol-2"}
    then = newest_results(world.objects, world.cache, connection="prod", until=NOW + timedelta(hours=1))
    assert {row["resource"] for row in then} == {"vol-1", "vol-2"}
    with pytest.raises(StoreError, match="there is no connection 'prod'"):
        list(newest_results(world.objects, world.cache, connection="prod"))


def test_the_control_list_is_that_of_the_last_day_and_what_it_lacks_is_named(world, tmp_path):
    one, two = control("ENC-01", CHECK), control("ENC-02", CHECK)
    world.sweep([volume("vol-1")])
    for listed, after in (((one, two), 1), ((one,), 2), ((two, control("NEW-1", CHECK)), 48)):
        at = NOW + timedelta(hours=after)
        controls.approve(imported(f"after-{after}", *listed, now=at), actor="owner", now=at)
    contents = made(world, tmp_path / "b.zip")
    about = json.loads(contents["binder.json"])
    assert (about["control_list"]["version"], about["controls"]) == ("after-2", ["ENC-01"])
    assert [text.split(" of the")[0] for text in about["left_out"]] == [
        "Control ENC-02: version after-1", "Control HAND-1: version 2026.1",
    ]  # fmt: skip
    assert {row["control"] for row in rows(contents, "coverage/days")} == {"ENC-01"}
    meta = json.loads(contents["controls/ENC-01/runs.meta.json"])
    assert meta["control_list"] == about["control_list"]
    with pytest.raises(StoreError, match="NEW-1"):
        control_of("NEW-1", world.day())


def test_a_list_that_is_younger_than_the_period_is_in_the_binder_that_goes_by_it(world, tmp_path):
    world.binder(world.audit(DAY - timedelta(days=9), DAY - timedelta(days=8)), tmp_path / "b.zip", LATER)
    assert verified(tmp_path / "b.zip").wrong == []
    assert "controls/list-1.json" in read(tmp_path / "b.zip")


def test_a_document_that_was_added_after_the_last_day_is_in_it_as_it_is_listed(world, tmp_path):
    for number, day in enumerate((DAY, DAY + timedelta(days=9)), start=1):
        uploads.add(
            b"minutes %d" % number, world.objects, title="Minutes", control="HAND-1", about="That it met.",
            source="the board", effective_from=day, effective_to=day, filename="minutes.txt",
            media_type="text/plain", actor="olga", now=NOW + timedelta(days=10),
        )  # fmt: skip
    contents = made(world, tmp_path / "b.zip")
    listed = {row["document"]: row["sha256"] for row in rows(contents, "documents/documents")}
    there = {name: data for name, data in contents.items() if name.endswith("-minutes.txt")}
    assert there == {"documents/EV-1-minutes.txt": b"minutes 1"}, "the other one speaks of another day"
    assert hashlib.sha256(b"minutes 1").hexdigest() == listed["EV-1"]
    assert by_python(tmp_path / "b.zip").wrong == []


def test_entries_that_nobody_signed_yet_are_no_fault_of_a_binder(database_url, tmp_path):
    world = BinderWorld(tmp_path / "world")
    log.sign_checkpoint(KEY, world.now)
    audit = world.day()  # An entry that is not signed when the binder is asked for, much later.
    later = world.now + timedelta(hours=30)
    write_binder(audit, tmp_path / "b.zip", world.tools, Origin("a test", "ada", later))
    assert verified(tmp_path / "b.zip").wrong == []
