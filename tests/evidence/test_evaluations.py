"""An evaluation that is kept comes back as it was, types and all."""

from proofwatch.checks.validate import verdict_version
from proofwatch.evidence.evaluations import read_evaluation, store_evaluation
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
