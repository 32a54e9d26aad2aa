"""Long lists leave the object that says them, and come back as they were."""

import pytest

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.listed import Listed, count_of, rows_of
from proofwatch.evidence.named import named_in
from proofwatch.evidence.objects import LocalObjects
from proofwatch.snapshots.manifest import put_json

ROWS = (("1", "north", "no"), ("1", "south", "no"))


def test_a_short_list_stays_where_it_is(tmp_path):
    objects = LocalObjects(tmp_path)
    said = Listed(objects, 2).of(ROWS)
    assert said == [list(row) for row in ROWS] == rows_of(said, objects)
    assert count_of(said) == 2 and not list(tmp_path.rglob("*.json"))


def test_a_long_list_is_one_object_however_often_it_is_said(tmp_path):
    objects = LocalObjects(tmp_path)
    listed = Listed(objects, 1)
    said = listed.of(ROWS)
    assert listed.of(tuple(ROWS)) == said and count_of(said) == 2
    assert rows_of(said, objects) == [list(row) for row in ROWS]
    assert named_in(objects.get(put_json(objects, {"checks": [{"unread": said}]}))) == [said["object"]]


def test_an_object_that_is_no_list_is_refused(tmp_path):
    objects = LocalObjects(tmp_path)
    for body in ({"a": 1}, ["a"], "a"):
        with pytest.raises(EvidenceError, match="is none"):
            rows_of({"object": put_json(objects, body), "count": 1}, objects)
    with pytest.raises(EvidenceError, match="is none"):
        rows_of({"object": objects.put(b"\xff"), "count": 1}, objects)
