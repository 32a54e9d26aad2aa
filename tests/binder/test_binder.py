"""The binder that a user gets: complete, as the state says, and the same in every form."""

import csv
import io
import json
import subprocess
import sys

import rfc8785

from proofwatch.evidence.binder import verify_binder
from proofwatch.evidence.bundle import Bundle
from proofwatch.evidence.entry import parse
from tests.binder.conftest import verified
from tests.companies import proofwatch

FOLDERS = {
    "access", "alerts", "configuration", "connections", "controls", "coverage", "documents", "log", "objects",
    "remediation", "screenshots",
}  # fmt: skip
FILES = {"README.md", "SHA256SUMS", "SHA256SUMS.note", "binder.json", "verify.py", "verify.html"}


def rows(contents, name):
    return list(csv.DictReader(io.StringIO(contents[f"{name}.csv"].decode("utf-8"))))


def test_everything_that_an_auditor_expects_is_in_it(contents):
    assert {name.split("/")[0] for name in contents} == FOLDERS | FILES
    controls = json.loads(contents["binder.json"])["controls"]
    assert len(controls) == 45
    for control in controls:
        about = json.loads(contents[f"controls/{control}/control.json"])
        wanted = {"runs", "daily", "results"} if about["checks"] else set()
        assert {
            part for part in ("runs", "daily", "results") if f"controls/{control}/{part}.csv" in contents
        } == wanted
        assert all(contents[item["text"]] for item in about["checks"].values())
    for printed in ("alerts/alerts.pdf", "alerts/reviews.pdf", "remediation/tasks.pdf"):
        assert contents[printed].startswith(b"%PDF-")


def test_each_table_has_raw_values_and_the_five_questions_beside_it(contents):
    tables = [name.removesuffix(".csv") for name in contents if name.endswith(".csv")]
    assert len(tables) > 100
    for name in tables:
        meta = json.loads(contents[f"{name}.meta.json"])
        number = len(list(csv.reader(io.StringIO(contents[f"{name}.csv"].decode())))) - 1
        assert meta["rows"] == number == contents[f"{name}.jsonl"].count(b"\n"), name
        for question in (
            "system", "organization", "where", "generated_at", "generated_by", "role", "filter", "title",
            "question", "includes_silenced_and_accepted", "data_as_of", "control_list", "note", "columns",
        ):  # fmt: skip
            assert question in meta, f"{name} does not answer {question}"
        assert meta["generated_at"].endswith("Z")


def test_the_counts_of_each_control_are_those_of_the_signed_manifests(contents):
    """What a reader sees in runs.csv is what the log's own manifests say, check by check."""
    seen = 0
    for control in json.loads(contents["binder.json"])["controls"]:
        if f"controls/{control}/runs.csv" not in contents:
            continue
        for row in rows(contents, f"controls/{control}/runs"):
            manifest = contents[f"objects/{row['sweep_manifest'][:2]}/{row['sweep_manifest'][2:]}"]
            said = {item["check"]: item for item in json.loads(manifest)["checks"]}[row["check"]]
            assert {name: str(value) for name, value in said["counts"].items()} == {
                name: row[name] for name in said["counts"]
            }
            assert (said["version"], said["results"]) == (row["check_version"], row["results"])
            seen += 1
    assert seen > 20


def test_results_are_all_that_do_not_pass_and_say_how_many_pass(contents):
    runs = {row["check"]: row for row in rows(contents, "controls/DP-01/runs")}
    listed = rows(contents, "controls/DP-01/results")
    meta = json.loads(contents["controls/DP-01/results.meta.json"])
    for check, run in runs.items():
        mine = [row for row in listed if row["check"] == check]
        assert sum(row["status"] == "fail" for row in mine) == int(run["failed"])
        left = meta["passing_left_out"].get(check, 0)
        assert sum(row["status"] == "pass" for row in mine) + left == int(run["passed"])


def test_the_configuration_of_any_date_and_every_change_are_there(contents):
    (start,) = (
        row for row in rows(contents, "configuration/checks-at-start") if row["check"] == "aws.iam.user-mfa"
    )
    (end,) = (
        row for row in rows(contents, "configuration/checks-at-end") if row["check"] == "aws.iam.user-mfa"
    )
    assert (start["enabled"], end["enabled"]) == ("true", "false")
    assert end["reason"] == "'=HYPERLINK(1)", "a spreadsheet would run it"
    (span,) = rows(contents, "configuration/checks-by-date")
    assert (span["check"], span["valid_to"], span["enabled"]) == ("aws.iam.user-mfa", "", "false")
    assert any(row["kind"] == "check.changed" for row in rows(contents, "configuration/changes"))
    assert end["passes"] and end["version"] == "", "it had not run: its table was not read"


def test_the_control_list_has_the_digest_that_was_approved(contents):
    import hashlib

    for row in rows(contents, "controls/versions"):
        data = contents[f"controls/{row['file']}"]
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert bytes(rfc8785.dumps(json.loads(data))) == data


def test_every_day_of_every_control_is_in_the_ledger(contents):
    ledger = rows(contents, "coverage/days")
    controls = {row["control"] for row in ledger}
    days = {row["day"] for row in ledger}
    assert len(ledger) == len(controls) * len(days) and len(days) == 4
    daily = rows(contents, "controls/DP-01/daily")
    assert [row["day"] for row in daily] == sorted(days)
    assert daily[-1]["status"] == "failing" and int(daily[-1]["population"]) > 0


def test_it_verifies_and_says_what_is_proven_and_what_is_not(binder, home, company):
    done = proofwatch(company, home, "verify", str(binder))
    out = " ".join(done.stdout.split())
    assert "files are those that SHA256SUMS lists" in out and "objects named by entries are there" in out
    assert "? that nothing was rewritten before you looked" in out
    assert "is the key of this organisation: it stands in the binder itself" in out
    vkey = next(
        line for line in binder_text(binder, "log/vkeys.txt").splitlines() if not line.startswith("#")
    )
    told = json.loads(proofwatch(company, home, "verify", str(binder), "--vkey", vkey, "--json").stdout)
    assert told["wrong"] == [] and not any("of this organisation" in text for text in told["unproven"])


def binder_text(binder, name):
    with Bundle(binder) as bundle:
        return bundle.text(name)


def test_the_verifier_inside_agrees(binder, contents, tmp_path):
    program = tmp_path / "verify.py"
    program.write_bytes(contents["verify.py"])
    done = subprocess.run(
        [sys.executable, "-I", str(program), str(binder), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["wrong"] == []


def test_a_checkpoint_that_was_kept_is_held_against_it(binder, home, tmp_path):
    older = binder_text(home / "older.zip", "log/checkpoint")
    assert any(
        "since the checkpoint that was kept" in text for text in verified(binder, earlier=older).proven
    )
    newer = binder_text(binder, "log/checkpoint")
    report = verified(home / "older.zip", earlier=newer)
    assert any("older than the checkpoint that you kept" in text for text in report.wrong)


def test_the_log_names_what_was_exported(binder, contents):
    from proofwatch.evidence.bundle import BundleLog

    with Bundle(binder) as bundle:
        kinds = [parse(data).kind for data in BundleLog(bundle).entries(0, BundleLog(bundle).size())]
        assert verify_binder(bundle).wrong == []
    assert kinds.count("export.asked") == 2 and kinds.count("export.made") == 1, "its own comes after it"
