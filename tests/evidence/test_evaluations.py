"""An evaluation that is kept comes back as it was, types and all."""

import json
from dataclasses import replace

from proofwatch.checks.base import UnreadPlace
from proofwatch.checks.validate import verdict_version
from proofwatch.evidence import evaluations
from proofwatch.evidence.evaluations import (
    load_evaluation,
    places_of,
    read_evaluation,
    store_evaluation,
    unread_of,
)
from proofwatch.evidence.named import named_in
from proofwatch.evidence.objects import LocalObjects
from tests.checks.kit import NOW, TABLES, catalog, evaluate, source, text


def test_a_number_without_a_fraction_comes_back_as_a_number(tmp_path):
    body = text(passes='"size > $least"') + "params:\n  least: {type: number, default: 90}\n"
    known = catalog(tmp_path, a__b=body)
    check = known.checks["a.b"]
    assert type(check.params["least"]) is float
    (tmp_path / "out").mkdir()
    inputs = {"volume": source(tmp_path, "volume", [{"size": 91}])}
    found = evaluate(known, [check], inputs, {"a.b": {"least": 12}}, NOW, tmp_path / "out")
    objects = LocalObjects(tmp_path / "objects")
    none = {"results": "", "manifest": "", "rows_object": ""}
    stored = read_evaluation(store_evaluation(found, {"volume": none}, known, inputs, {}, objects), objects)
    again = stored.checks["a.b"]
    assert type(again.params["least"]) is float and again.params == check.params
    kinds = {column.name: column.type for column in TABLES["volume"].columns}
    version = verdict_version(again, again.id, again.columns, again.params, kinds, None)
    assert version == check.version
    used = stored.body["tables"]["volume"]["params"]["a.b"]["least"]
    assert type(used) is float and used == 12


def test_very_many_places_are_one_object_that_the_evaluation_names(tmp_path, monkeypatch):
    known = catalog(tmp_path, a__b=text())
    (tmp_path / "out").mkdir()
    inputs = {"volume": source(tmp_path, "volume", [{"size": 91}])}
    found = evaluate(known, [known.checks["a.b"]], inputs, {}, NOW, tmp_path / "out")
    objects, none = LocalObjects(tmp_path / "objects"), {"results": "", "manifest": "", "rows_object": ""}
    said = []
    for most in (len(inputs["volume"].places), 0):
        monkeypatch.setattr(evaluations, "PLACES", most)
        digest = store_evaluation(found, {"volume": none}, known, inputs, {}, objects)
        item = read_evaluation(digest, objects).body["tables"]["volume"]
        assert places_of(item, objects) == inputs["volume"].places
        said.append((item["places"], named_in(objects.get(digest))))
    (listed, _), (moved, named) = said
    assert json.loads(objects.get(moved["object"])) == listed and moved["object"] in named


def test_what_is_said_of_many_unread_places_is_one_object_for_all_checks(tmp_path, monkeypatch):
    known = catalog(tmp_path, a__b=text(), a__c=text())
    (tmp_path / "out").mkdir()
    unread = tuple(UnreadPlace("9", f"r-{number}", "AccessDenied", "ec2:Describe") for number in range(3))
    inputs = {"volume": replace(source(tmp_path, "volume", [{"size": 91}]), unread=unread)}
    found = evaluate(known, list(known.checks.values()), inputs, {}, NOW, tmp_path / "out")
    objects, none = LocalObjects(tmp_path / "objects"), {"results": "", "manifest": "", "rows_object": ""}
    for most, kind in ((3, list), (2, dict)):
        monkeypatch.setattr(evaluations, "UNREAD", most)
        digest = store_evaluation(found, {"volume": none}, known, inputs, {}, objects)
        body = read_evaluation(digest, objects).body
        assert type(body["tables"]["volume"]["unread"]) is kind
        assert unread_of(body["tables"]["volume"], objects) == unread
        assert body["about"]["a.b"] == body["about"]["a.c"]
        again = load_evaluation(digest, objects, tmp_path / "cache")
        assert {name: item.about for name, item in again.checks.items()} == {
            name: item.about for name, item in found.checks.items()
        }
    assert set(named_in(objects.get(digest))) >= {
        body["tables"]["volume"]["unread"]["object"],
        body["about"]["a.b"]["object"],
    }
