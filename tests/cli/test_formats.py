"""The verbs for the formats of others, as a person types them."""

import json
import os
import subprocess
import sys

import pytest

from tests.reports import prowler


@pytest.fixture
def ask(warm_home):
    env = {
        key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "PROOFWATCH_OBJECTS")
    }
    env |= {"PROOFWATCH_HOME": str(warm_home), "PROOFWATCH_ACTOR": "ana"}

    def call(*arguments, code=0):
        words = [sys.executable, "-m", "proofwatch.cli", *map(str, arguments)]
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    call("init")
    return call


def test_verdicts_of_others_come_in_once_and_the_log_names_their_file(ask, tmp_path):
    path = tmp_path / "prowler.ocsf.json"
    path.write_text(json.dumps([prowler.finding("PASS"), prowler.muted(), prowler.kubernetes()]), "utf-8")
    first = json.loads(ask("import", "ocsf", path, "--json").stdout)
    assert (first["import"], first["product"], first["records"], first["again"]) == (1, "Prowler", 3, False)
    assert first["statuses"] == {"pass": 2, "fail": 1, "inconclusive": 0}
    assert "taken in before, as import 1" in ask("import", "ocsf", path).stdout
    assert "asserted by Prowler" in ask("import", "ocsf", path, "--product", "Ours", code=2).stderr
    listed = json.loads(ask("import", "list", "--json").stdout)
    assert [(item["import"], item["pass"], item["by"]) for item in listed] == [(1, 2, "ana")]
    assert "Prowler" in ask("import", "list").stdout
    (entry,) = json.loads(ask("evidence", "list", "--kind", "import.made", "--json").stdout)
    assert entry["data"]["kept"]["sha256"] == first["object"]
    assert ask("evidence", "cat", first["object"]).stdout == path.read_text("utf-8")
    ask("evidence", "verify")
    path.write_text("[\n{},\n{}]", "utf-8")
    assert "line 2: record 1: class_uid is null" in ask("import", "ocsf", path, code=2).stderr


def test_exports_are_written_with_provenance_and_logged(ask, tmp_path):
    out = tmp_path / "out"
    for verb, name in (("oscal", "oscal.json"), ("ocsf", "found.jsonl")):
        done = json.loads(ask("export", verb, "--out", out / name, "--json").stdout)
        meta = json.loads((out / f"{name}.meta.json").read_text("utf-8"))
        assert meta["files"][name]["sha256"] == done["sha256"] and meta["generated_by"] == "ana"
        (entry, *_) = json.loads(ask("evidence", "list", "--kind", "export.made", "--json").stdout)
        assert (entry["data"]["subject"], entry["data"]["sha256"]) == (verb, done["sha256"])
    body = json.loads((out / "oscal.json").read_text("utf-8"))["assessment-results"]
    assert body["metadata"]["oscal-version"] == "1.2.1" and "findings" not in body["results"][0]
    assert (out / "found.jsonl").read_text("utf-8") == ""
    assert "there is no audit" in ask("export", "oscal", "--audit", "none", "--out", out / "x", code=2).stderr
    assert not (out / "x").exists()
