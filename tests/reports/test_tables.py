import csv
import hashlib
import json
from datetime import UTC, datetime

import pytest

from proofwatch.reports.tables import ReportError, write_table

AT = datetime(2026, 11, 23, 6, 0, 0, tzinfo=UTC)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_values_arrive_as_they_were(tmp_path):
    rows = [("a,b", 1, True, None, AT), ('say "x"\nthen y', 2.5, False, "é", AT)]
    done = write_table(tmp_path, "out", ["a", "b", "c", "d", "at"], rows, {"system": "proofwatch"})
    assert rows_of(done.csv)[1:] == [
        ["a,b", "1", "true", "", "2026-11-23T06:00:00Z"],
        ['say "x"\nthen y', "2.5", "false", "é", "2026-11-23T06:00:00Z"],
    ]
    assert done.csv.read_bytes().startswith(b"a,b,c,d,at\r\n")
    assert done.rows == 2


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_nothing_runs_in_a_spreadsheet_and_the_raw_value_is_kept(tmp_path, start):
    hostile = f'{start}HYPERLINK("http://evil.example")'
    done = write_table(tmp_path, "out", ["name"], [(hostile,)], {})
    assert rows_of(done.csv)[1] == [f"'{hostile}"]
    assert json.loads(done.jsonl.read_text("utf-8")) == {"name": hostile}


def test_a_negative_number_stays_a_number(tmp_path):
    assert rows_of(write_table(tmp_path, "out", ["n"], [(-1,)], {}).csv)[1] == ["-1"]


def test_the_provenance_names_the_digest_and_the_count(tmp_path):
    done = write_table(tmp_path, "out", ["n"], [(1,), (2,)], {"by": "ada"})
    meta = json.loads(done.meta.read_text("utf-8"))
    digest = hashlib.sha256(done.csv.read_bytes()).hexdigest()
    assert (meta["rows"], meta["by"], meta["files"]["out.csv"]["sha256"]) == (2, "ada", digest)
    assert meta["note"] == "Factual export, not an opinion."


def test_a_failure_half_way_leaves_no_file(tmp_path):
    def rows():
        yield (1,)
        raise OSError(28, "No space left on device")

    with pytest.raises(ReportError, match="No space left"):
        write_table(tmp_path, "out", ["n"], rows(), {})
    assert list(tmp_path.iterdir()) == []
