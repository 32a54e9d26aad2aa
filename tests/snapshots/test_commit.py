"""Any sweep is rebuilt and proven; what was not read is carried; the same run gives the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofwatch.connectors.base import Column, Row
from proofwatch.snapshots.base import Part, SnapshotError, State
from proofwatch.snapshots.commit import commit
from proofwatch.snapshots.manifest import read_state, resolve
from proofwatch.snapshots.rebuild import materialise, prove
from proofwatch.snapshots.spool import write_part
from tests.snapshots.samples import ACCOUNT, FolderObjects, row, table

TABLE = table()
NORTH, SOUTH = (ACCOUNT, "north"), (ACCOUNT, "south")


class Bench:
    """Sweeps one after another into one store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = FolderObjects(root / "objects")
        self.cache = root / "cache"
        self.number = 0
        self.state: State | None = None

    def parts(self, places: dict[tuple[str, str], Sequence[Row]], declared: Any = TABLE) -> list[Part]:
        self.number += 1
        folder = self.root / f"sweep{self.number}"
        folder.mkdir()
        return [write_part(folder, declared, *place, rows) for place, rows in places.items()]

    def sweep(
        self,
        places: dict[tuple[str, str], Sequence[Row]],
        unread: Sequence[tuple[str, str]] = (),
        declared: Any = TABLE,
        month: str = "2026-11",
    ) -> State:
        parts = self.parts(places, declared)
        work = self.root / f"sweep{self.number}"
        self.state = commit(
            declared, "aws", parts, unread, self.state, self.objects, work, month, cache=self.cache
        )
        return self.state

    def rows(self, manifest: str, cache: Path | None = None) -> list[dict[str, Any]]:
        path = materialise(manifest, self.objects, cache or self.cache)
        found = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(path)])
        columns = [item[0] for item in found.description]
        return [dict(zip(columns, values, strict=True)) for values in found.fetchall()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def volumes(region: str, *sizes: int) -> list[Row]:
    return [row(number, region=region, size=size, state="in-use") for number, size in enumerate(sizes)]


def sizes(rows: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    return {(item["region"], item["resource"]): item["size"] for item in rows}


def test_the_first_state_is_a_base(bench: Bench) -> None:
    state = bench.sweep({NORTH: volumes("north", 1, 2), SOUTH: volumes("south", 3)})
    assert (state.rows, state.added, state.changed, state.removed) == (3, 3, 0, 0)
    rows = bench.rows(state.manifest)
    assert list(rows[0]) == ["idx", *(column.name for column in TABLE.columns)]
    assert [(item["idx"], item["region"], item["size"]) for item in rows] == [
        (0, "north", 1),
        (1, "north", 2),
        (2, "south", 3),
    ]
    assert state.body["columns"][0] == ["account_id", "VARCHAR"]
    assert state.body["duckdb"] == duckdb.__version__


def test_changes_are_counted_and_indexes_stay(bench: Bench) -> None:
    bench.sweep({NORTH: volumes("north", 1, 2, 3)})
    state = bench.sweep({NORTH: [*volumes("north", 1, 20), row(7, region="north", size=7)]})
    assert (state.rows, state.added, state.changed, state.removed) == (3, 1, 1, 1)
    assert [(item["idx"], item["size"]) for item in bench.rows(state.manifest)] == [(0, 1), (1, 20), (3, 7)]
    back = bench.sweep({NORTH: volumes("north", 1, 20, 3)})
    assert [(item["idx"], item["size"]) for item in bench.rows(back.manifest)] == [(0, 1), (1, 20), (4, 3)]


def test_a_small_change_costs_few_bytes(bench: Bench) -> None:
    bench.sweep({NORTH: volumes("north", *range(200))})
    before = bench.objects.names()
    state = bench.sweep({NORTH: volumes("north", *range(199), 7)})
    new = bench.objects.names() - before
    assert len(new) == 2
    assert sum((bench.objects.folder / name).stat().st_size for name in new) < 1500
    delta = gzip.decompress(bench.objects.get(resolve(state.manifest, bench.objects).deltas[0]))
    lines = [json.loads(line) for line in delta.splitlines()]
    assert [(line["idx"], line["size"], line["_gone"]) for line in lines] == [(199, 7, None)]


def test_nothing_changed_writes_nothing(bench: Bench) -> None:
    first = bench.sweep({NORTH: volumes("north", 1, 2)})
    before = bench.objects.names()
    again = bench.sweep({NORTH: list(reversed(volumes("north", 1, 2)))}, month="2026-12")
    assert again.manifest == first.manifest
    assert (again.added, again.changed, again.removed) == (0, 0, 0)
    assert bench.objects.names() == before


def test_the_same_parts_again_are_not_compared_row_by_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.sweep({NORTH: volumes("north", 1, 2)})
    turned = bench.sweep({NORTH: list(reversed(volumes("north", 1, 2)))})
    with monkeypatch.context() as patch:
        patch.setattr("proofwatch.snapshots.commit._compare", None)
        again = bench.sweep({NORTH: list(reversed(volumes("north", 1, 2)))})
    assert first.manifest == turned.manifest == again.manifest
    changed = bench.sweep({NORTH: volumes("north", 1, 3)})
    assert (changed.changed, changed.rows) == (1, 2)
    with pytest.raises(SnapshotError, match="does not hold the 2 rows"):
        parts = bench.parts({NORTH: volumes("north", 1, 3)})
        parts[0].path.write_bytes(b"")
        commit(
            TABLE, "aws", parts, [], changed, bench.objects, bench.root / "w", "2026-11", cache=bench.cache
        )


def test_the_order_of_tags_and_of_policy_members_is_no_change(bench: Bench) -> None:
    one = {"tags": {"a": "1", "b": "2"}, "policy": {"x": [1, {"p": 1, "q": 2}], "y": 2}}
    two = {"tags": {"b": "2", "a": "1"}, "policy": {"y": 2, "x": [1, {"q": 2, "p": 1}]}}
    first = bench.sweep({NORTH: [row(1, region="north", **one)]})
    assert bench.sweep({NORTH: [row(1, region="north", **two)]}).manifest == first.manifest


def test_unread_places_are_carried_and_read_ones_are_not(bench: Bench) -> None:
    bench.sweep({NORTH: volumes("north", 1, 2), SOUTH: volumes("south", 3, 4)})
    state = bench.sweep({NORTH: volumes("north", 1)}, unread=[SOUTH])
    assert (state.rows, state.removed) == (3, 1)
    assert sizes(bench.rows(state.manifest)) == {
        ("north", "arn:vol-0000"): 1,
        ("south", "arn:vol-0000"): 3,
        ("south", "arn:vol-0001"): 4,
    }
    nothing_read = bench.sweep({}, unread=[NORTH, SOUTH])
    assert nothing_read.manifest == state.manifest
    empty = bench.sweep({NORTH: []}, unread=[SOUTH])
    assert empty.rows == 2
    left = bench.sweep({NORTH: []})
    assert (left.rows, left.removed) == (0, 2)
    assert left.digest == hashlib.sha256(b"").hexdigest()
    assert bench.rows(left.manifest, bench.root / "other") == []


def test_a_table_that_nobody_read_is_no_empty_table(bench: Bench) -> None:
    with pytest.raises(SnapshotError, match="no place was read"):
        bench.sweep({}, unread=[NORTH])
    assert bench.objects.names() == set()


def test_a_place_is_either_read_or_unread(bench: Bench) -> None:
    with pytest.raises(SnapshotError, match="given twice"):
        bench.sweep({NORTH: []}, unread=[NORTH])


def test_a_part_that_lost_rows_is_refused(bench: Bench) -> None:
    [part] = bench.parts({NORTH: volumes("north", 1, 2)})
    part.path.write_bytes(part.path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(SnapshotError, match="does not hold the 2 rows"):
        commit(TABLE, "aws", [part], [], None, bench.objects, bench.root / "w", "2026-11")


def test_the_same_inputs_give_the_same_bytes(bench: Bench) -> None:
    first = bench.sweep({NORTH: volumes("north", *range(50)), SOUTH: volumes("south", 1)})
    parts = bench.parts({NORTH: volumes("north", *range(1, 40)), SOUTH: volumes("south", 1)})
    other = FolderObjects(bench.root / "copy")
    for name in bench.objects.names():
        other.put(bench.objects.get(name))
    arguments = (TABLE, "aws", parts, [], first)
    one = commit(*arguments, bench.objects, bench.root / "w1", "2026-11", cache=bench.cache)
    two = commit(*arguments, other, bench.root / "w2", "2026-11")
    again = commit(*arguments, bench.objects, bench.root / "w3", "2026-11", cache=bench.cache)
    assert one == two == again
    assert bench.objects.names() == other.names()


class Killed(BaseException):
    """Stands for a SIGKILL: nothing of ours catches it."""


@pytest.mark.parametrize("survives", range(4))
def test_killed_between_any_two_objects_leaves_nothing_half(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    first = bench.sweep({NORTH: volumes("north", 1, 2)})
    parts = bench.parts({NORTH: volumes("north", 1, 3)})
    calls = 0

    def counted(original: Any) -> Any:
        def put(*given: Any) -> str:
            nonlocal calls
            calls += 1
            if calls > survives:
                raise Killed
            return original(*given)

        return put

    undisturbed = FolderObjects(bench.root / "undisturbed")
    for name in bench.objects.names():
        undisturbed.put(bench.objects.get(name))
    expected = commit(TABLE, "aws", parts, [], first, undisturbed, bench.root / "u", "2026-12")
    with monkeypatch.context() as patch:
        patch.setattr(bench.objects, "put", counted(bench.objects.put))
        patch.setattr(bench.objects, "put_file", counted(bench.objects.put_file))
        if survives < 3:
            with pytest.raises(Killed):
                commit(TABLE, "aws", parts, [], first, bench.objects, bench.root / "k", "2026-12")
    assert sizes(bench.rows(first.manifest)) == {("north", "arn:vol-0000"): 1, ("north", "arn:vol-0001"): 2}
    rerun = commit(
        TABLE, "aws", parts, [], first, bench.objects, bench.root / "k", "2026-12", cache=bench.cache
    )
    assert rerun == expected
    assert bench.objects.names() == undisturbed.names()
    assert list((bench.root / "k").iterdir()) == []


def test_a_new_month_makes_a_new_base_at_its_first_change(bench: Bench) -> None:
    first = bench.sweep({NORTH: volumes("north", *range(20))})
    same_month = bench.sweep({NORTH: volumes("north", *range(19))})
    assert same_month.body["base"] == first.body["base"]
    new_month = bench.sweep({NORTH: volumes("north", *range(18))}, month="2026-12")
    assert new_month.body["base"] != first.body["base"]
    assert new_month.body["deltas"] == []
    assert prove(same_month.manifest, bench.objects).digest == same_month.digest


def test_new_columns_make_a_new_base_and_say_what_was_not_read(bench: Bench) -> None:
    bench.sweep({NORTH: volumes("north", 1), SOUTH: volumes("south", 2)})
    wider = table(Column("kms_key_id", "VARCHAR"))
    state = bench.sweep(
        {NORTH: [row(0, region="north", size=1, state="in-use", kms_key_id="k")]}, [SOUTH], wider
    )
    north, south = bench.rows(state.manifest)
    assert (north["kms_key_id"], north["_unread"], north["idx"]) == ("k", None, 0)
    assert (south["kms_key_id"], south["size"], south["idx"]) == (None, 2, 1)
    assert south["_unread"] == {"kms_key_id": "not read since the column was added or its type changed"}
    assert state.body["deltas"] == []
    assert prove(state.manifest, bench.objects).rows == 2


@pytest.mark.parametrize("name", ["idx", "_h", "_seq"])
def test_reserved_columns_are_refused(bench: Bench, name: str) -> None:
    with pytest.raises(SnapshotError, match=f"reserved column {name}"):
        bench.sweep({NORTH: []}, declared=table(Column(name, "VARCHAR")))


def test_the_digest_can_be_redone_without_this_code(bench: Bench) -> None:
    """As the documentation of `canon` says, from the rows' canonical text."""
    bench.sweep({NORTH: volumes("north", *range(3000))})
    state = bench.sweep({NORTH: volumes("north", *range(0, 6000, 2))})
    path = materialise(state.manifest, bench.objects, bench.cache)
    buckets: dict[int, Any] = {}
    session = duckdb.connect()  # The module's own connection is every test's.
    session.execute("SET TimeZone = 'UTC'")
    for idx, text in session.execute(
        f"SELECT idx, to_json(t)::VARCHAR FROM (SELECT * FROM read_parquet('{path}')) t ORDER BY idx"
    ).fetchall():
        body = text.replace(f'"idx":{idx},', "", 1)
        digest = hashlib.sha256(body.encode()).hexdigest()
        buckets.setdefault(idx // 1024, hashlib.sha256()).update(f"{idx}:{digest}\n".encode())
    lines = "".join(f"{number}:{found.hexdigest()}\n" for number, found in sorted(buckets.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == state.digest


SWEEPS = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, 5), st.integers(0, 2), max_size=5),
        st.dictionaries(st.integers(0, 5), st.integers(0, 2), max_size=5),
        st.sampled_from(["both", "north", "south"]),
        st.sampled_from(["2026-11", "2026-11", "2026-11", "2026-12"]),
    ),
    min_size=1,
    max_size=10,
)


@given(sweeps=SWEEPS)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_past_sweep_is_rebuilt_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, sweeps: Any
) -> None:
    monkeypatch.setattr("proofwatch.snapshots.commit.ROLL_UP", 4)
    monkeypatch.setattr("proofwatch.snapshots.commit.LISTED", 2)
    bench = Bench(tmp_path_factory.mktemp("history"))
    truth: dict[tuple[str, str], int] = {}
    history = []
    for north, south, read, month in sweeps:
        places = {}
        for place, found in ((NORTH, north), (SOUTH, south)):
            if read not in ("both", place[1]):
                continue
            rows = [row(number, region=place[1], size=size) for number, size in found.items()]
            places[place] = rows
            truth = {key: size for key, size in truth.items() if key[0] != place[1]}
            truth |= {(place[1], item["resource"]): item["size"] for item in rows}
        unread = [place for place in (NORTH, SOUTH) if place not in places]
        history.append((bench.sweep(places, unread, month=month), dict(truth)))
    for state, expected in history:
        fresh = bench.root / "fresh"
        assert sizes(bench.rows(state.manifest, fresh)) == expected
        assert sizes(bench.rows(state.manifest)) == expected
        proven = prove(state.manifest, bench.objects)
        assert (proven.digest, proven.rows) == (state.digest, len(expected))
        assert read_state(state.manifest, bench.objects).body == state.body
