"""The CSV of a table follows from its JSON lines."""

import csv
import io
import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from proofwatch.evidence.cells import FORMULA_STARTS, csv_chunks, escape_cell
from proofwatch.reports.tables import write_table

scalar = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
moment = st.datetimes(timezones=st.just(UTC))
cell = scalar | moment | st.lists(scalar, max_size=3) | st.dictionaries(st.text(), scalar, max_size=3)


def as_csv(columns, rows):
    return b"".join(csv_chunks([columns, *(row.values() for row in rows)]))


@given(st.lists(st.tuples(cell, cell), max_size=5))
def test_a_csv_is_made_again_from_its_json_lines(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("cells")
    done = write_table(folder, "x", ("a", "b"), rows, {})
    with done.jsonl.open("rb") as file:
        again = [json.loads(line) for line in file]
    assert as_csv(("a", "b"), again) == done.csv.read_bytes()


@given(st.text())
def test_no_cell_starts_as_a_formula_does(text):
    ((found,),) = (
        csv.reader(io.StringIO(b"".join(csv_chunks([[text]])).decode(), newline="")) if text else (("",),)
    )
    assert not found.startswith(FORMULA_STARTS)
    assert found.removeprefix("'") == text or found == text


def test_values_stand_as_people_expect_them():
    at = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
    said = [escape_cell(value) for value in (None, True, 3, 2.5, at, [1, "a"], "=1+1", "plain")]
    assert said == ["", "true", "3", "2.5", "2026-11-28T05:00:00Z", '[1, "a"]', "'=1+1", "plain"]
