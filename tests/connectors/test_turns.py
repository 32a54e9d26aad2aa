"""Turns come at an even pace, whoever takes them: threads, processes, or both."""

import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proofwatch.connectors import turns
from proofwatch.connectors.turns import FolderTurns, OwnTurns, next_turn

ROOT = Path(__file__).parents[2]


def test_a_burst_and_then_an_even_pace() -> None:
    held, waits = 0.0, []
    for _ in range(6):
        wait, held = next_turn(1000.0, held, 0.5, 3)
        waits.append(wait)
    assert waits == [0.0, 0.0, 0.0, 0.5, 1.0, 1.5]
    assert next_turn(1010.0, held, 0.5, 3)[0] == 0.0


def test_a_clock_set_back_keeps_nobody_for_ever() -> None:
    _, held = next_turn(1_000_000.0, 0.0, 1.0, 1)
    assert next_turn(0.0, held, 1.0, 1)[0] <= 3600.0


@pytest.mark.parametrize("kind", ["own", "folder"])
def test_each_key_has_turns_of_its_own(kind: str, tmp_path: Path) -> None:
    given = OwnTurns() if kind == "own" else FolderTurns(tmp_path / "turns")
    assert given.take("a", 60.0, 1) == 0.0
    assert given.take("b", 60.0, 1) == 0.0
    assert 59.0 < given.take("a", 60.0, 1) <= 60.0
    assert 119.0 < pickle.loads(pickle.dumps(given)).take("a", 60.0, 1) <= 120.0 or kind == "own"


def test_processes_share_the_turns_of_a_folder(tmp_path: Path) -> None:
    script = (
        "import json, pathlib, sys, time\n"
        "from proofwatch.connectors.turns import FolderTurns\n"
        "given = FolderTurns(pathlib.Path(sys.argv[1]))\n"
        "print(json.dumps([time.time() + given.take('key', 10.0, 1) for _ in range(50)]))\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    due = sorted(moment for process in running for moment in json.loads(process.communicate()[0]))
    # Each turn is ten seconds after another: none was given twice.
    assert [round((moment - due[0]) / 10) for moment in due] == list(range(200))


def test_a_process_waits_for_the_turns_that_it_shares(tmp_path: Path) -> None:
    given = FolderTurns(tmp_path)
    given.take("slow", 0.3, 1)
    try:
        turns.share(given)
        began = time.monotonic()
        turns.wait("slow", 0.3)
        assert time.monotonic() - began >= 0.2
    finally:
        turns.share(OwnTurns())


def test_the_files_of_turns_name_no_key(tmp_path: Path) -> None:
    FolderTurns(tmp_path).take("vanta secret-client-id", 1.0, 1)
    (file,) = tmp_path.iterdir()
    assert "secret" not in file.name
    assert file.stat().st_mode & 0o077 == 0
    assert len(file.read_bytes()) == 8


def test_turns_of_long_ago_are_forgotten(tmp_path: Path) -> None:
    given = FolderTurns(tmp_path / "turns")
    given.forget()
    given.take("old", 1.0, 1)
    (old,) = given.folder.iterdir()
    os.utime(old, (0, 0))
    given.take("new", 1.0, 1)
    given.forget()
    assert len(list(given.folder.iterdir())) == 1 and not old.exists()
