"""Tables that are signed and untrue: what the log says is what counts."""

import json

import pytest

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
        ("coverage/populations", with_first(rows=1_000_000), "is not what its sweep says"),
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


def test_tables_read_long_before_the_checkpoint_are_named(contents, home, tmp_path):
    key = load_key(home / "keys" / "log.skey")
    about = json.loads(contents["binder.json"])
    about["log"]["tables_read_at"], about["generated_at"] = 1, "2999-01-01T00:00:00Z"
    files = {**contents, "binder.json": json.dumps(about).encode()}
    wrong = verified(written(tmp_path / "early.zip", summed(files, key))).wrong
    assert any("its tables were read at entry 1, long before it was made" in text for text in wrong), wrong
