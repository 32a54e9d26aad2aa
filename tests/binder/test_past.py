"""A binder of a period that is over says what held then, whatever became of it since."""

import hashlib
import json
from datetime import timedelta

import pytest

from proofwatch.store.services import uploads
from tests.binder.conftest import read, verified
from tests.binder.inside import BinderWorld
from tests.reports.verifying import by_python
from tests.store.samples import NOW

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
