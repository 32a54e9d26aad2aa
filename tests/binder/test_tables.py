"""Tables that are signed and untrue: what the log says is what counts."""

import json

import pytest

from proofwatch.alerts import base as alerts
from proofwatch.evidence.binder_told import ENDED, short_digest
from proofwatch.evidence.keys import load_key
from tests.binder.conftest import summed, verified, written
from tests.evidence.test_cells import as_csv

RUNS = "controls/NW-01/runs"


@pytest.fixture(scope="module")
def forged(contents, home, tmp_path_factory):
    """Change a table and its CSV as whoever has the key of the log would; return what verifying says."""
    key = load_key(home / "keys" / "log.skey")
    folder = tmp_path_factory.mktemp("forged")

    def forge(base, change):
        rows = [json.loads(line) for line in contents[f"{base}.jsonl"].decode().splitlines()]
        columns = json.loads(contents[f"{base}.meta.json"])["columns"]
        rows = change(rows)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        files = {**contents, f"{base}.jsonl": lines, f"{base}.csv": as_csv(columns, rows)}
        return verified(written(folder / "forged.zip", summed(files, key))).wrong

    return forge


def with_first(**values):
    return lambda rows: [{**rows[0], **values}, *rows[1:]]


def without_first(rows):
    return rows[1:]


def test_the_tables_of_a_binder_are_what_its_log_says(binder):
    report = verified(binder)
    assert report.wrong == []
    assert any("say what the log says, and leave nothing out" in text for text in report.proven)
    assert any("the other tables row by row" in text for text in report.unproven)


def test_a_change_by_who_has_the_key_that_changes_nothing_is_no_fault(forged):
    assert forged(RUNS, lambda rows: rows) == []


@pytest.mark.parametrize(
    ("base", "change", "words"),
    [
        (RUNS, with_first(failed=0, passed=99), "is not what its sweep says"),
        (RUNS, with_first(check_version="0" * 64), "is not what its sweep says"),
        (RUNS, with_first(sweep="00000000-0000-4000-8000-000000000000"), "is not what its sweep says"),
        (RUNS, lambda rows: [*rows, rows[0]], "stands in it twice"),
        (RUNS, without_first, "that the log has are left out"),
        (RUNS, with_first(observed_at="2020-01-01T00:00:00Z"), "is not one of this control in this period"),
        (RUNS, with_first(check="aws.iam.user-mfa"), "is not one of this control in this period"),
        ("coverage/populations", with_first(rows=1_000_000), "is not what its sweep says"),
        ("coverage/populations", with_first(day="2020-01-01"), "is not what its sweep says"),
        ("coverage/populations", without_first, "is left out"),
        ("coverage/populations", lambda rows: [*rows, rows[0]], "stands in it twice"),
        ("alerts/alerts", lambda rows: [*rows, rows[0]], "stands in it twice"),
        ("alerts/reviews", lambda rows: [*rows, rows[0]], "stands in it twice"),
        ("controls/versions", without_first, "is left out"),
        ("controls/versions", with_first(sha256="0" * 64), "no entry says that version"),
        ("controls/approvals", with_first(approved_by="mallory"), "no entry says that mallory approved"),
        ("controls/approvals", without_first, "is left out"),
        ("alerts/alerts", with_first(state="verified restored"), "and the log says"),
        ("alerts/alerts", with_first(alert="AL-4711"), "the log has no alert AL-4711"),
        ("alerts/alerts", without_first, "is left out"),
        ("alerts/reviews", with_first(decided_at="2026-01-01T00:00:00Z"), "no entry says that"),
        ("alerts/reviews", without_first, "reviews that the log has are left out"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_table_that_says_something_else_than_the_log_is_named(forged, base, change, words):
    wrong = forged(base, change)
    assert any(text.startswith(f"{base}.jsonl: ") and words in text for text in wrong), wrong


def test_a_csv_that_says_something_else_than_its_json_lines_is_named(contents, home, tmp_path):
    key = load_key(home / "keys" / "log.skey")
    name = "access/looked.csv" if "access/looked.csv" in contents else "controls/controls.csv"
    files = {**contents, name: contents[name].replace(b"\r\n", b" \r\n", 2)}
    wrong = verified(written(tmp_path / "csv.zip", summed(files, key))).wrong
    assert any(text.startswith(f"{name}: it does not hold the") for text in wrong), wrong


def described(contents, home, folder, change, **files):
    """Return what verifying says of a binder that describes itself otherwise, signed by who has the key."""
    about = json.loads(contents["binder.json"])
    change(about)
    forged = {**contents, "binder.json": json.dumps(about).encode(), **files}
    return verified(written(folder / "forged.zip", summed(forged, load_key(home / "keys" / "log.skey"))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda it: it["entries"].update(first=0, last=-1),
            "are dated within its period, and it says 0 to -1",
        ),
        (lambda it: it["entries"].update(first=it["entries"]["first"] + 2), "are dated within its period"),
        (lambda it: it["entries"].update(last=10**6), "are dated within its period"),
        (lambda it: it["log"].update(tables_read_at=0), "its tables were read at entry 0 of"),
        (lambda it: it["log"].update(tables_read_at=10**6), "its tables were read at entry 1000000 of"),
        (lambda it: it.update(evidence_until="2020-01-01T00:00:00Z"), "does not reach to the end"),
        (
            lambda it: it.update(evidence_until="2020-01-01T00:00:00Z", generated_at="2020-01-01T00:00:00Z"),
            "its log has entries of long after it was made",
        ),
        (
            lambda it: (it["log"].update(tables_read_at=1), it.update(generated_at="2999-01-01T00:00:00Z")),
            "its tables were read at entry 1, long before it was made",
        ),
        (lambda it: it["controls"].remove("NW-01"), "control NW-01 of its control list is left out"),
        (lambda it: it["control_list"].update(sha256="0" * 64), "no entry says that its control list was"),
    ],
)
def test_a_binder_that_describes_itself_otherwise_than_its_log_is_wrong(
    contents, home, tmp_path, change, words
):
    wrong = described(contents, home, tmp_path, change).wrong
    assert any(text.startswith("binder.json: ") and words in text for text in wrong), wrong


def test_a_control_with_fewer_checks_than_its_list_says_is_named(contents, home, tmp_path):
    name = "controls/NW-01/control.json"
    body = json.loads(contents[name])
    body["checks"].popitem()
    found = described(contents, home, tmp_path, lambda it: None, **{name: json.dumps(body).encode()})
    assert any(text.startswith(f"{name}: its checks are not those") for text in found.wrong), found.wrong


def test_a_binder_that_does_not_say_when_its_tables_were_read_proves_nothing_of_them(
    contents, home, tmp_path
):
    found = described(contents, home, tmp_path, lambda it: it["log"].pop("tables_read_at"))
    assert found.exit_code == 3 and any("cannot be compared" in text for text in found.unproven)
    assert not any("what the log says" in text for text in found.proven)


@pytest.mark.parametrize("line", [b'{"a":' * 100_000, b"1e999\n", b"[1]\n", b'"' + b"x" * (17 << 20)])
def test_a_table_that_is_none_is_named_with_bounded_memory(contents, home, tmp_path, line):
    found = described(contents, home, tmp_path, lambda it: None, **{"alerts/reviews.jsonl": line})
    assert any(text.startswith("alerts/reviews.jsonl: ") for text in found.wrong), found.wrong


def test_a_whole_number_is_the_same_with_and_without_its_point():
    one, other = [{"days": 90.0, "x": [1.0, 2.5]}], [{"x": [1, 2.5], "days": 90}]
    assert short_digest(one) == short_digest(other) != short_digest([{"days": 91, "x": [1, 2.5]}])


def test_a_csv_without_the_lines_that_it_follows_from_is_named(contents, home, tmp_path):
    files = {name: data for name, data in contents.items() if name != "remediation/tasks.jsonl"}
    wrong = verified(
        written(tmp_path / "bare.zip", summed(files, load_key(home / "keys" / "log.skey")))
    ).wrong
    assert wrong == ["remediation/tasks.csv: its JSON lines or remediation/tasks.meta.json are missing"]


def test_the_states_that_end_an_alert_are_those_of_the_alert_machine():
    assert {str(state) for state in alerts.ENDED} == ENDED
