"""A pool ends every task, whoever dies; what kills its workers is named, and takes nothing else with it."""

import os
from pathlib import Path

import pytest

from proofwatch.runtime.executor import Local
from proofwatch.runtime.pool import KILLS, Pool, running
from proofwatch.snapshots.tasks import Lost
from tests.runtime.killers import Job, squares

KILLED = Lost(KILLS.format("squaring it"), killed=True)
JOBS = [Job((number, number + 1)) for number in range(0, 40, 2)]
ALL = {number: number * number for number in range(40)}


def done(pool: Pool, jobs: list[Job]) -> dict[int, object]:
    """Return number → square, or why there is none."""
    found: dict[int, object] = {}
    for job, result in pool.each(squares, jobs):
        for at, number in enumerate(job.numbers):
            assert number not in found, "nothing is told twice"
            found[number] = result if isinstance(result, Lost) else result[at]
    return found


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_every_task_ends_once(kind: str) -> None:
    with running(Local(kind, 2)) as pool:
        assert pool.size == 2
        assert done(pool, JOBS) == ALL


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    jobs = [*JOBS[:5], Job((10, 11), once=str(tmp_path / "once")), *JOBS[6:]]
    with running(Local("processes", 2)) as pool:
        assert done(pool, jobs) == ALL


def test_what_always_kills_is_named_and_takes_nothing_with_it() -> None:
    jobs = [*JOBS[:5], Job((10, 11), poison=11), *JOBS[6:]]
    with running(Local("processes", 2)) as pool:
        assert done(pool, jobs) == {**ALL, 11: KILLED}


def test_a_worker_without_room_is_tried_again_and_then_told(tmp_path: Path) -> None:
    once = Job((0, 1), full=str(tmp_path / "once"))
    always = Job((2, 3), full="/nowhere/at/all")
    with running(Local("threads", 2)) as pool, pytest.raises(FileNotFoundError):
        done(pool, [once, always])
    with running(Local("threads", 2)) as pool:
        assert done(pool, [Job((0, 1), full=str(tmp_path / "again"))]) == {0: 0, 1: 1}


def test_an_error_of_a_task_is_an_error() -> None:
    with running(Local("processes", 2)) as pool, pytest.raises(TypeError):
        list(pool.each(squares, [Job(("a",))]))  # type: ignore[arg-type]


def test_nothing_to_do_is_done() -> None:
    with running(Local("processes", 2)) as pool:
        assert done(pool, []) == {}


def test_this_process_is_never_killed() -> None:
    before = os.getpid()
    with running(Local("processes", 1)) as pool:
        assert done(pool, [Job((5,), poison=5)]) == {5: KILLED}
    assert os.getpid() == before
