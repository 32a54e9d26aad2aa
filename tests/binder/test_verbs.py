"""The verbs around a binder, as an auditor and an Engineering Lead type them."""

import csv
import hashlib
import json
import shutil
import zipfile

import pytest

from tests.companies import proofwatch


@pytest.fixture(scope="module")
def ask(company, home, tmp_path_factory):
    made = tmp_path_factory.mktemp("verbs") / "home"
    shutil.copytree(home, made)

    def asked(*words, code=0):
        done = proofwatch(company, made, *words, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return asked


def test_a_period_is_called_after_framework_and_year_unless_it_is_named(ask):
    span = ("--framework", "soc2", "--from", "2026-01-01", "--to", "2026-12-31", "--auditor", "Marple & Co")
    assert json.loads(ask("audits", "create", *span, "--json").stdout)["name"] == "soc2-2026"
    listed = json.loads(ask("audits", "list", "--json").stdout)
    assert {row["name"]: row["auditor"] for row in listed}["soc2-2026"] == "Marple & Co"
    assert "ends before it begins" in ask(
        "audits", "create", "--from", "2026-02-01", "--to", "2026-01-01", code=2
    ).stderr  # fmt: skip
    assert "Invalid value for '--from'" in ask("audits", "create", "--from", "x", "--to", "y", code=2).stderr


def test_readiness_names_every_control_day_and_ends_with_1_while_a_finding_stands(ask):
    told = json.loads(ask("audits", "readiness", "--audit", "soc2", "--json", code=1).stdout)
    usual = {item["finding"]: item for item in told["usual"]}
    assert set(usual) == {"checks", "coverage", "reviews", "evidence"}
    assert any("aws.iam.user-mfa" in text for text in usual["checks"]["reasons"]), "it was disabled"
    today = max(item["day"] for item in told["days"])
    for item in told["days"]:
        assert item["due"] == item["read"] + item["read_in_part"] + item["missed"]
        assert not item["missed"] or item["why"]
    assert any(item["check_runs"] for item in told["days"] if item["day"] == today)
    shown = ask("audits", "readiness", "--audit", "soc2", "--control", "DP-01", code=1).stdout
    assert today in shown and "Inconclusive runs" in shown
    assert "did you mean" in ask("audits", "readiness", "--audit", "soc3", code=2).stderr.lower()


def test_a_sample_is_drawn_again_by_anybody_from_its_population(ask, tmp_path):
    words = (
        "sample",
        "--control",
        "DP-01",
        "--n",
        "5",
        "--seed-from-population",
        "--audit",
        "soc2",
        "--json",
    )
    first = json.loads(ask(*words, "--out", str(tmp_path / "a")).stdout)
    second = json.loads(ask(*words, "--out", str(tmp_path / "b")).stdout)
    assert first["items"] == second["items"] and len(first["items"]) == min(5, first["population"])
    lines = (tmp_path / "a" / "sample-DP-01-resources.population.jsonl").read_bytes().splitlines()
    seed = hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
    assert (first["seed"], first["population"]) == (seed, len(lines))
    numbers = sorted((hashlib.sha256(f"{seed}:".encode() + line).hexdigest(), line) for line in lines)
    assert [json.loads(line) for _, line in numbers[:5]] == first["items"], "by the method that it states"
    with (tmp_path / "a" / "sample-DP-01-resources.csv").open(encoding="utf-8", newline="") as file:
        assert [row["resource"] for row in csv.DictReader(file)] == [
            item["resource"] for item in first["items"]
        ]
    other = json.loads(ask(*words, "--seed", "mine", "--out", str(tmp_path / "c")).stdout)
    assert other["seed"] == "mine" and other["population_sha256"] == seed
    assert "did you mean" in ask("sample", "--control", "DP-1", "--audit", "soc2", code=2).stderr


def test_binders_are_listed_with_their_digest_and_what_became_of_them(ask, tmp_path):
    rows = json.loads(ask("export", "list", "--json").stdout)
    assert [(row["kind"], row["audit"], row["state"]) for row in rows] == [("binder", "soc2", "done")] * 2
    assert all(len(row["sha256"]) == 64 and row["bytes"] > 0 for row in rows)
    (tmp_path / "file").write_text("x")
    refused = ask("export", "binder", "--audit", "soc2", "--out", str(tmp_path / "file" / "b.zip"), code=2)
    assert "Traceback" not in refused.stderr and "Name a place that can be written" in refused.stderr
    assert json.loads(ask("export", "list", "--json").stdout)[0]["state"] == "failed"
    assert "has not ended yet" in ask("export", "bundle", "--month", "2099-01", code=2).stderr


def test_a_checkpoint_that_was_kept_is_read_byte_by_byte(ask, home, tmp_path):
    path, binder = tmp_path / "kept.txt", str(home / "binder.zip")
    path.write_bytes(b"proofwatch.local\n5\n\xff\xfe\n")
    for words in (("verify", binder), ("evidence", "verify")):
        said = ask(*words, "--checkpoint", str(path), code=2).stderr
        assert "reading the checkpoint that you kept" in said and "it is not UTF-8" in said
        assert "Name the file that you kept" in said and "Traceback" not in said
    with zipfile.ZipFile(binder) as archive:
        kept = archive.read("log/checkpoint")
    path.write_bytes(kept)
    assert "nothing before entry" in ask("verify", binder, "--checkpoint", str(path)).stdout
    path.write_bytes(kept.replace(b"\n", b"\r\n"))
    for words in (("verify", binder), ("evidence", "verify")):
        assert "the earlier checkpoint: " in ask(*words, "--checkpoint", str(path), code=1).stdout


def test_what_is_no_binder_is_one_clear_error(ask, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"not a zip")
    for verb in ("verify", "reperform"):
        said = ask(verb, str(path), code=2).stderr
        assert "opening the binder" in said and "Traceback" not in said
