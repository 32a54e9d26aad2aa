"""A rebuilt state is proven or refused; the cache is convenience and never proof."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import rfc8785

from proofwatch.snapshots.base import SnapshotError, State
from proofwatch.snapshots.manifest import resolve
from proofwatch.snapshots.rebuild import KEY_FILE, TABLE, materialise, prove, prune
from tests.snapshots.test_commit import NORTH, Bench, sizes, volumes


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def history(bench: Bench, monkeypatch: pytest.MonkeyPatch, sweeps: int = 9) -> list[State]:
    monkeypatch.setattr("proofwatch.snapshots.commit.ROLL_UP", 4)
    monkeypatch.setattr("proofwatch.snapshots.commit.LISTED", 2)
    # Sweep n changes row n, so that every object between is needed.
    return [
        bench.sweep({NORTH: volumes("north", *(100 + row if row <= last else row for row in range(30)))})
        for last in range(sweeps)
    ]


def test_chains_stay_short(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    states = history(bench, monkeypatch, 12)
    shapes = [
        (len(chain.rollups), len(chain.deltas), len(chain.body["deltas"]))
        for chain in (resolve(state.manifest, bench.objects) for state in states)
    ]
    assert shapes == [
        (0, 0, 0),
        (0, 1, 1),
        (0, 2, 2),
        (0, 3, 1),
        (1, 0, 0),
        (1, 1, 1),
        (1, 2, 2),
        (1, 3, 1),
        (2, 0, 0),
        (2, 1, 1),
        (2, 2, 2),
        (2, 3, 1),
    ]


def test_every_object_that_is_changed_is_found_and_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = history(bench, monkeypatch)[7]
    chain = resolve(last.manifest, bench.objects)
    needed = {
        *chain.objects,
        last.manifest,
        chain.body["schema"],
        chain.body["rollups"],
        chain.body["earlier"],
    }
    assert len(needed) == 9
    for digest in sorted(needed):
        path = bench.objects.folder / digest
        kept = path.read_bytes()
        for damaged in (kept[:-1] + bytes([kept[-1] ^ 1]), kept[: len(kept) // 2], b""):
            path.write_bytes(damaged)
            with pytest.raises(SnapshotError, match=digest):
                prove(last.manifest, bench.objects)
        path.unlink()
        with pytest.raises(SnapshotError, match=digest):
            materialise(last.manifest, bench.objects, bench.root / "empty")
        path.write_bytes(kept)
    assert prove(last.manifest, bench.objects).digest == last.digest
    assert [path for path in (bench.root / "empty").iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: body["deltas"].pop(),
        lambda body: body.update(rollups=None),
        lambda body: body.update(rows=body["rows"] + 1),
        lambda body: body.update(digest="0" * 64),
        lambda body: body.update(earlier=None),
    ],
)
def test_a_manifest_that_does_not_fit_its_objects_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, forge: object
) -> None:
    last = history(bench, monkeypatch)[7]
    body = dict(resolve(last.manifest, bench.objects).body)
    forge(body)  # type: ignore[operator]
    forged = bench.objects.put(rfc8785.dumps(body))
    with pytest.raises(SnapshotError, match=forged):
        prove(forged, bench.objects)


def test_what_is_no_manifest_is_refused(bench: Bench) -> None:
    with pytest.raises(SnapshotError, match="is no manifest"):
        prove(bench.objects.put(b"{}"), bench.objects)
    with pytest.raises(SnapshotError, match="not the digest"):
        prove("../../etc/passwd", bench.objects)


def test_the_committed_state_is_in_the_cache(bench: Bench) -> None:
    state = bench.sweep({NORTH: volumes("north", 1)})
    for name in bench.objects.names():
        (bench.objects.folder / name).unlink()
    assert materialise(state.manifest, bench.objects, bench.cache) == bench.cache / state.manifest / TABLE
    with pytest.raises(SnapshotError):
        prove(state.manifest, bench.objects)


@pytest.mark.parametrize("name", [TABLE, KEY_FILE])
def test_a_damaged_cache_is_rebuilt(bench: Bench, name: str) -> None:
    state = bench.sweep({NORTH: volumes("north", 1, 2)})
    path = bench.cache / state.manifest / name
    kept = path.read_bytes()
    path.write_bytes(kept[:50] + b"\xff" + kept[51:])
    later = bench.sweep({NORTH: volumes("north", 1, 3)})
    assert sizes(bench.rows(state.manifest)) == {("north", "arn:vol-0000"): 1, ("north", "arn:vol-0001"): 2}
    assert prove(later.manifest, bench.objects).digest == later.digest


def test_a_cache_may_be_emptied_at_any_time(bench: Bench) -> None:
    first = bench.sweep({NORTH: volumes("north", 1)})
    second = bench.sweep({NORTH: volumes("north", 2)})
    os.utime(bench.cache / first.manifest, (1, 1))
    assert prune(bench.cache, 1) == 1
    assert [path.name for path in bench.cache.iterdir()] == [second.manifest]
    assert prune(bench.cache, 0) == 1
    third = bench.sweep({NORTH: volumes("north", 3)})
    assert (third.added, third.changed) == (0, 1)
    assert sizes(bench.rows(first.manifest)) == {("north", "arn:vol-0000"): 1}
    assert prune(bench.root / "absent", 0) == 0


def test_what_a_killed_process_left_is_removed_when_it_is_old(tmp_path: Path) -> None:
    for name, made in ((".new-1-old", 1), (".new-2-busy", None)):
        (tmp_path / name).mkdir()
        if made:
            os.utime(tmp_path / name, (made, made))
    assert prune(tmp_path, 0) == 0
    assert [path.name for path in tmp_path.iterdir()] == [".new-2-busy"]
