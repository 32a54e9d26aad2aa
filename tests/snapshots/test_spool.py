"""What a connector reads arrives exactly, or is named as unread; a finished part is whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

from proofwatch.connectors.base import Column, Row, Unread
from proofwatch.snapshots.base import Part, SnapshotError
from proofwatch.snapshots.spool import write_part, write_some
from tests.snapshots.samples import ACCOUNT, REGION, row, table

TABLE = table()


def write(folder: Path, *rows: Row) -> Part:
    return write_part(folder, TABLE, ACCOUNT, REGION, rows)


def lines(part: Part) -> list[dict[str, Any]]:
    return [json.loads(line) for line in part.path.read_bytes().splitlines()]


def one(folder: Path, **values: Any) -> dict[str, Any]:
    return lines(write(folder, row(1, **values)))[0]


def test_every_type_arrives_as_it_is(tmp_path: Path) -> None:
    given = {
        "state": "in-use é \u2028 \x00",
        "encrypted": False,
        "size": 2**63 - 1,
        "port": -1,
        "ratio": 1,
        "created": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2))),
        "expires": date(2026, 1, 2),
        "policy": {"b": [1.5, None, True], "a": datetime(2026, 1, 1, tzinfo=UTC)},
        "tags": {"b": "2", "a": ""},
        "attachments": [{"instance_id": "i-1", "end": 0, "unknown": 1}, None],
        "undeclared": object(),
    }
    part = write(tmp_path, row(1, **given))
    columns = {column.name: column.type for column in TABLE.columns}
    read = (
        duckdb.connect()
        .execute(
            "SELECT * EXCLUDE (created) FROM read_json(?, format = 'newline_delimited', columns = ?)",
            [str(part.path), columns],
        )
        .fetchone()
    )
    assert read[:4] == (ACCOUNT, REGION, "arn:vol-0001", None)
    assert read[4:9] == ("in-use é \u2028 \x00", False, 2**63 - 1, -1, 1.0)
    assert read[9] == date(2026, 1, 2)
    assert read[10] == '{"a":"2026-01-01T00:00:00Z","b":[1.5,null,true]}'
    assert read[11] == {"a": "", "b": "2"}
    assert read[12] == [{"instance_id": "i-1", "end": 0, "attached": None}, None]
    assert lines(part)[0]["created"] == "2026-01-02T01:04:05.000006Z"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("state", 7, "state: expected text, got a number"),
        ("state", {"secret": "hunter2"}, "state: expected text, got an object"),
        ("state", b"raw", "state: expected text, got bytes"),
        ("encrypted", "true", "encrypted: expected true or false, got text"),
        ("encrypted", 1, "encrypted: expected true or false, got a number"),
        ("size", 100.7, "size: expected a whole number, got a fraction"),
        ("size", 100.0, "size: expected a whole number, got a fraction"),
        ("size", True, "size: expected a whole number, got a boolean"),
        ("size", "12", "size: expected a whole number, got text"),
        ("size", 2**63, "size: expected a whole number of 64 bits, got a larger number"),
        ("port", 2**31, "port: expected a whole number of 32 bits, got a larger number"),
        (
            "ratio",
            float("nan"),
            "ratio: expected a number, got one that is not finite or not exact as DOUBLE",
        ),
        ("ratio", 2**53 + 1, "ratio: expected a number, got one that is not finite or not exact as DOUBLE"),
        ("ratio", "1.5", "ratio: expected a number, got text"),
        (
            "created",
            datetime(2026, 1, 1),  # noqa: DTZ001
            "created: expected a time with its zone, got a time without a zone",
        ),
        ("created", "2026-01-01", "created: expected a time, got text that is no RFC 3339 time"),
        ("created", "hunter2", "created: expected a time, got text that is no RFC 3339 time"),
        ("created", 1700000000, "created: expected a time, got a number"),
        ("expires", datetime(2026, 1, 1, tzinfo=UTC), "expires: expected a date, got a time"),
        ("expires", "2026-02-30", "expires: expected a date, got text that is no date YYYY-MM-DD"),
        ("policy", {"a": [b"x"]}, "policy.a[0]: expected JSON, got bytes"),
        ("policy", {"a": float("inf")}, "policy.a: expected JSON, got a number that is not finite"),
        ("policy", {1: "x"}, "policy: expected text as every key, got a number as a key"),
        ("tags", {"a": 1}, "tags.a: expected text, got a number"),
        ("tags", [{"Key": "a"}], "tags: expected an object, got a list"),
        ("attachments", {"instance_id": "i"}, "attachments: expected a list, got an object"),
        ("attachments", [{}, {"end": "9"}], "attachments[1].end: expected a whole number, got text"),
        ("state", "\ud800", "state: expected text, got text that is not valid Unicode"),
    ],
)
def test_what_does_not_fit_is_unread_and_named_without_its_value(
    tmp_path: Path, column: str, value: object, reason: str
) -> None:
    found = one(tmp_path, **{column: value, **({} if column == "port" else {"port": 22})})
    assert found.get(column) is None
    assert found["_unread"] == {column: reason}
    assert "hunter2" not in json.dumps(found)
    assert found.get("port") == (None if column == "port" else 22)


def test_what_the_connector_marks_as_unread_is_kept(tmp_path: Path) -> None:
    found = one(tmp_path, _unread={"tags": "denied: ec2:DescribeTags"}, size="x")
    assert found["_unread"] == {
        "size": "size: expected a whole number, got text",
        "tags": "denied: ec2:DescribeTags",
    }
    with pytest.raises(SnapshotError, match="what of it is unread"):
        write_part(tmp_path, TABLE, ACCOUNT, "other", [row(1, region="other", _unread=["tags"])])


def test_a_huge_value_is_dropped_and_said_so(tmp_path: Path) -> None:
    found = one(tmp_path, state="x" * 5_000_000, size=1)
    assert "state" not in found
    assert found["size"] == 1
    assert "too large to keep" in found["_unread"]["state"]


@pytest.mark.parametrize("resource", [None, "", 7])
def test_a_row_without_identity_fails_the_part(tmp_path: Path, resource: object) -> None:
    with pytest.raises(SnapshotError, match="row 2 has no identity"):
        write(tmp_path, row(1), {**row(2), "resource": resource})
    assert list(tmp_path.iterdir()) == []


def test_a_row_of_another_place_fails_the_part(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="row 1 says it belongs to '999' in 'eu-west-1'"):
        write(tmp_path, row(1, account="999"))


def test_exact_repetitions_are_dropped_and_counted(tmp_path: Path) -> None:
    part = write(tmp_path, row(1, size=1), row(2, size=2), row(1, size=1), row(1, size=1))
    assert (part.rows, part.duplicates) == (2, 2)
    assert [line["resource"] for line in lines(part)] == ["arn:vol-0001", "arn:vol-0002"]


def test_contradicting_repetitions_fail_the_part(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="'arn:vol-0001' is listed twice") as caught:
        write(tmp_path, row(1, size=1), row(1, size=2))
    assert not caught.value.permanent
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Row]:
        for number in range(2000):
            yield row(number)
        raise Unread("reading volumes", "page 4 did not arrive")

    with pytest.raises(Unread, match="page 4"):
        write_part(tmp_path, TABLE, ACCOUNT, REGION, broken())
    assert list(tmp_path.iterdir()) == []


def test_two_writings_of_a_table_never_meet(tmp_path: Path) -> None:
    first, second = write(tmp_path, row(1)), write(tmp_path, row(1), row(2))
    assert first.path != second.path
    assert [len(lines(part)) for part in (first, second)] == [1, 2]


def test_an_empty_part_is_a_part(tmp_path: Path) -> None:
    part = write(tmp_path)
    assert (part.rows, part.path.read_bytes()) == (0, b"")


@pytest.mark.parametrize("account", ["../../etc/passwd", "a/b", "x" * 500, "é*[?]", ".", "a\x00b"])
def test_any_place_has_a_safe_file_of_its_own(tmp_path: Path, account: str) -> None:
    part = write_part(tmp_path, TABLE, account, REGION, [row(1, account=account)])
    other = write_part(tmp_path, TABLE, account + "_", REGION, [])
    assert part.path.parent.parent == tmp_path and len(part.path.parent.name) == 2
    assert part.path.name.rsplit(".", 2)[0] != other.path.name.rsplit(".", 2)[0]


@pytest.mark.parametrize("kind", ["BLOB", "NOPE", "MAP(BIGINT, VARCHAR)", "STRUCT(a TIME)"])
def test_a_type_that_snapshots_cannot_hold_is_refused(tmp_path: Path, kind: str) -> None:
    declared = table(Column("odd", kind))
    with pytest.raises(SnapshotError, match="column odd has the type"):
        write_part(tmp_path, declared, ACCOUNT, REGION, [row(1)])


def test_a_killed_writer_leaves_no_finished_part(tmp_path: Path) -> None:
    script = (
        "import itertools, pathlib, sys\n"
        "from proofwatch.snapshots.spool import write_part\n"
        "from tests.snapshots.samples import ACCOUNT, REGION, row, table\n"
        "rows = (row(number) for number in itertools.count())\n"
        "write_part(pathlib.Path(sys.argv[1]), table(), ACCOUNT, REGION, rows)\n"
    )
    root = Path(__file__).parents[2]
    writer = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=root)
    try:
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size for path in tmp_path.iterdir()):
            assert time.monotonic() < deadline and writer.poll() is None
            time.sleep(0.02)
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert not list(tmp_path.rglob("*.ndjson"))
    assert write(tmp_path, row(1)).rows == 1


def test_no_rows_leave_no_file(tmp_path: Path) -> None:
    assert write_some(tmp_path, TABLE, ACCOUNT, REGION, []) is None
    assert not list(tmp_path.iterdir())
    part = write_some(tmp_path, TABLE, ACCOUNT, REGION, [row(1), row(2)])
    assert part is not None and part.rows == 2
