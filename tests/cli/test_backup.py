"""`backup`, `restore`, `db move` and `retention report`, as an operator types them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proofwatch.evidence.entry import object_ref
from proofwatch.evidence.keys import load_key
from proofwatch.evidence.objects import LocalObjects
from proofwatch.store import django as store
from proofwatch.store import log
from tests.databases import _admin, postgres_url

SECRET = "hunter2-of-the-database"


def run(home: Path, *arguments: str, code: int = 0, **more: str) -> Any:
    """Run a verb; return what it printed as JSON, or its standard error where it should fail."""
    known = {
        key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "PROOFWATCH_OBJECTS")
    }
    done = subprocess.run(
        [sys.executable, "-m", "proofwatch.cli", *arguments],
        env={**known, "PROOFWATCH_HOME": str(home), "PROOFWATCH_ACTOR": "ana", **more},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stdout + done.stderr
    return json.loads(done.stdout) if "--json" in arguments and done.stdout else done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a few objects that its log names."""
    home = tmp_path_factory.mktemp("made") / "home"
    run(home, "init")
    extend(home, b"first", b"second")
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home"


def extend(home: Path, *data: bytes) -> None:
    """Let something happen that leaves objects."""
    objects = LocalObjects(home / "objects")
    store.setup(f"sqlite:///{home}/proofwatch.sqlite3")
    with store.write("testing"):
        for item in data:
            log.append("log.noted", "ana", {"what": object_ref(objects.put(item), len(item), "picture")})
    log.sign_checkpoint(load_key(home / "keys" / "log.skey"))
    store.disconnect()


def keys_only(home: Path, new: Path) -> Path:
    shutil.copytree(home / "keys", new / "keys")
    return new


def test_a_backup_is_restored_elsewhere_and_verified(home: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "a.tar", keys_only(home, tmp_path / "new")
    told = run(home, "backup", "--out", str(file), "--json")
    assert (told["objects"], told["keys"], told["missing"], told["damaged"]) == (2, False, [], [])
    assert file.stat().st_mode & 0o777 == 0o600
    kept = tmp_path / "kept.txt"
    kept.write_text(run(home, "evidence", "checkpoint"), "utf-8")
    found = run(new, "restore", str(file), "--checkpoint", str(kept), "--json")
    assert (found["lost"], found["signed"], found["report"]["wrong"]) == (0, True, [])
    assert found["rows"] == told["rows"]
    again = run(new, "evidence", "verify", "--checkpoint", str(kept), "--json")
    assert (again["exit_code"], again["entries"]) == (0, told["entries"] + 1)
    last = run(new, "evidence", "list", "--limit", "2", "--json")
    assert [(item["kind"], item["actor"]) for item in last] == [
        ("backup.restored", "ana"),
        ("backup.made", "ana"),
    ]
    assert run(new, "status", "--fail-on", "never")


def test_it_says_what_is_missing_from_a_backup(home: Path, tmp_path: Path) -> None:
    said = run(home, "backup", "--out", str(tmp_path / "a.tar"))
    assert "Not in it: the keys in" in said
    assert "objects" in said


def test_a_restore_needs_the_keys_or_is_told_to_do_without(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    run(home, "backup", "--out", str(file))
    said = run(tmp_path / "new", "restore", str(file), code=2)
    assert "the log's key is neither in it nor in" in said
    assert not (tmp_path / "new").exists()
    said = run(tmp_path / "new", "restore", str(file), "--no-key")
    assert "nothing is signed until the log's key is in" in said
    assert "its key was read from the backup itself" in said
    verified = run(tmp_path / "new", "evidence", "verify", "--json")
    assert verified["wrong"] == []


def test_keys_are_in_it_if_asked_with_a_warning(home: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "a.tar", tmp_path / "new"
    said = run(home, "backup", "--out", str(file), "--with-keys")
    assert "whoever has it can sign as this installation" in " ".join(said.split())
    run(new, "restore", str(file))
    key = new / "keys" / "log.skey"
    assert key.read_bytes() == (home / "keys" / "log.skey").read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    other = keys_only(home, tmp_path / "other")
    (other / "keys" / "web.secret").write_text("x" * 64, "ascii")
    assert run(other, "restore", str(file), "--json")["signed"]


def test_an_older_backup_ends_with_1_before_a_later_checkpoint(home: Path, tmp_path: Path) -> None:
    file, new, kept = tmp_path / "a.tar", keys_only(home, tmp_path / "new"), tmp_path / "kept.txt"
    run(home, "backup", "--out", str(file))
    extend(home, b"third")
    kept.write_text(run(home, "evidence", "checkpoint"), "utf-8")
    said = run(new, "restore", str(file), "--checkpoint", str(kept), code=1)
    assert "1 would be lost. Nothing was restored" in said
    assert not (new / "proofwatch.sqlite3").exists() or "is not empty" not in said
    found = run(
        new, "restore", str(file), "--checkpoint", str(kept), "--accept-loss", "the disk burnt", "--json"
    )
    assert found["lost"] == 1
    assert run(new, "evidence", "verify", "--checkpoint", str(kept), code=1)


def test_a_tampered_backup_ends_with_1(home: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "a.tar", keys_only(home, tmp_path / "new")
    run(home, "backup", "--out", str(file))
    data = file.read_bytes()
    place = data.index(b'"key.created"')
    file.write_bytes(data[:place] + b'"key.CREATED"' + data[place + 13 :])
    said = run(new, "restore", str(file), code=1)
    assert "state/store_logentry/0000.jsonl was changed after the backup was made" in said
    assert not (new / "proofwatch.sqlite3").exists()


def test_a_backup_is_not_restored_over_what_is_there(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    run(home, "backup", "--out", str(file))
    assert "is not empty" in run(home, "restore", str(file), code=2)
    assert "is there already" in run(home, "backup", "--out", str(file), code=2)


def test_the_state_moves_to_postgresql_and_back(home: Path, tmp_path: Path, postgres_server: str) -> None:
    name = f"moved_{os.getpid()}"
    _admin(postgres_server, f"CREATE DATABASE {name}")
    url = postgres_url(postgres_server, name).replace("postgres@", f"postgres:{SECRET}@")
    before = run(home, "evidence", "verify", "--json")
    moved = run(home, "db", "move", "--to", "env:NEW", "--json", NEW=url)
    assert (moved["root"], moved["entries"]) == (before["root"], before["entries"])
    assert run(home, "evidence", "verify", "--json") == before
    there = run(home, "evidence", "verify", "--json", DATABASE_URL=url)
    assert (there["entries"], there["exit_code"]) == (before["entries"] + 1, 0)
    back = run(home, "db", "move", "--to", f"sqlite:///{tmp_path}/back.sqlite3", DATABASE_URL=url)
    assert there["root"] in back
    assert "Now set DATABASE_URL to the address that you gave with --to" in back
    kinds = run(
        home, "evidence", "list", "--limit", "2", "--json", DATABASE_URL=f"sqlite:///{tmp_path}/back.sqlite3"
    )
    assert [item["kind"] for item in kinds] == ["state.moved", "state.moved"]
    assert SECRET not in json.dumps(kinds)
    assert "is not empty" in run(home, "db", "move", "--to", url, code=2)


def test_an_address_that_is_none_is_not_repeated(home: Path) -> None:
    for wrong in (
        f"mysql://me:{SECRET}@host/x",
        f"postgres://me:{SECRET}@127.0.0.1:1/x",
        f"postgres://me:{SECRET}@host:x/y",
    ):
        run(home, "db", "move", "--to", wrong, code=2)


def test_the_retention_report_counts_what_is_missing(home: Path) -> None:
    found = run(home, "retention", "report", "--json")
    assert (found["objects"], found["missing"], found["years"], found["lock"]) == (2, 0, 7, None)
    assert sum(month["entries"] for month in found["months"]) == found["entries"]
    said = run(home, "retention", "report", PROOFWATCH_RETAIN_YEARS="3")
    assert "3 years after the end of a period" in said
    assert "whoever administers this machine can delete files in it" in said
    objects = LocalObjects(home / "objects")
    gone = next(objects.digests())
    objects.name(gone).unlink()
    assert gone in run(home, "retention", "report", code=1)
