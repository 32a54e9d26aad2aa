"""A backup restores to the same state, or to none; nothing in it can be changed unseen."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import resource
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proofwatch.evidence.checkpoint import sign_checkpoint
from proofwatch.evidence.entry import object_ref, parse
from proofwatch.evidence.note import Signer, parse_vkey
from proofwatch.evidence.objects import LocalObjects
from proofwatch.store import archive, backup, copying, log, manifest, restoring
from proofwatch.store import django as store
from proofwatch.store.archive import BackupError, Reader, Writer
from proofwatch.store.base import StoreError
from proofwatch.store.models import LogEntry, LogHead
from tests.store.everything import EVIDENCE, KEY, NOW, fill, snapshot

LATER = datetime(2026, 11, 2, tzinfo=UTC)
OTHER = Signer("test.example/log", b"o" * 32)
ROOT = Path(__file__).parent.parent.parent


def silent(stage: str, done: int, total: int) -> None:
    pass


@dataclass
class World:
    """A state with objects, checks and exports, and a place to restore into."""

    url: str
    folder: Path
    objects: LocalObjects
    named: str

    @property
    def files(self) -> backup.Files:
        keys = self.folder / "keys"
        return backup.Files(
            self.folder / "checks", self.folder / "exports", keys / "log.skey", keys / "web.secret"
        )

    def back_up(self, name: str = "a.tar", **more: Any) -> Path:
        store.setup(self.url)
        wanted = backup.Wanted(self.url, self.objects, self.files, keys=False, actor="ana", now=NOW)
        backup.make(self.folder / name, replace(wanted, **more), KEY, silent)
        return self.folder / name

    def restore(
        self, path: Path, url: str, keys: tuple[Signer, ...] = (KEY,), **more: Any
    ) -> restoring.Restored:
        target = self.folder / "target"
        store.setup(url)
        with path.open("rb") as file:
            found = manifest.inspect(file, [parse_vkey(key.vkey) for key in keys], silent)
            order = restoring.Order(
                file=file,
                inspected=found,
                objects=LocalObjects(target / "objects"),
                folders={"checks": target / "checks", "exports": target / "exports"},
                vkeys=tuple(key.vkey for key in keys),
                earlier="",
                accept_loss="",
                name=path.name,
                actor="ben",
                now=LATER,
            )
            return restoring.restore(replace(order, **more), silent)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> World:
    objects = LocalObjects(tmp_path / "objects")
    fill(5)
    inner = objects.put(b"a snapshot, as bytes")
    outer = objects.put(json.dumps({"object": inner}).encode())
    objects.put(b"named by nobody")
    with store.write("testing"):
        log.append("log.noted", "me", {"what": object_ref(outer, 80, "picture")}, NOW)
    log.sign_checkpoint(KEY, NOW)
    for name in ("checks/own/mine.yaml", "exports/EX-1.zip", "keys/log.skey", "keys/web.secret"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"SECRET of {name}" if "keys" in name else name, "utf-8")
    return World(database_url, tmp_path, objects, inner)


def emptied(url: str) -> bool:
    store.setup(url)
    tables = [table for table in copying.tables() if table.name not in copying.MADE]
    return LogHead.objects.get().size == 0 and not any(t.model._base_manager.exists() for t in tables)


def test_a_backup_restores_to_the_same_state(world: World, other_url: str) -> None:
    path = world.back_up()
    before = snapshot()
    done = world.restore(path, other_url)
    after = snapshot()
    for name, rows in before.items():
        if name in backup.LEFT_OUT:
            assert not after[name]
        elif name not in EVIDENCE:
            assert after[name] == rows, name
    size = len(before["store_logentry"])
    assert after["store_logentry"][:-1] == before["store_logentry"]
    assert (done.report.wrong, done.report.entries, done.objects, done.lost) == ([], size, 3, 0)
    target = world.folder / "target"
    assert (target / "checks/own/mine.yaml").read_text("utf-8") == "checks/own/mine.yaml"
    assert (target / "exports/EX-1.zip").stat().st_mode & 0o777 == 0o600
    assert LocalObjects(target / "objects").get(world.named) == b"a snapshot, as bytes"
    told = [parse(entry) for entry in log.DjangoLog().entries(size - 1, size + 1)]
    assert [entry.kind for entry in told] == ["backup.made", "backup.restored"]
    assert told[0].data["backup"] == told[1].data["backup"]
    assert (told[1].actor, told[1].data["entries"], told[1].data["lost_entries"]) == ("ben", size, 0)
    log.sign_checkpoint(KEY, LATER)


def test_a_backup_is_an_ordinary_tar_for_its_owner_only(world: World) -> None:
    path = world.back_up()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in world.folder.iterdir() if item.name.startswith(".")] == []
    with tarfile.open(path) as opened:
        names = opened.getnames()
        assert all(member.isreg() for member in opened.getmembers())
        rows = opened.extractfile("state/store_logentry/0000.jsonl")
        assert rows is not None
        assert len(rows.read().splitlines()) == LogEntry.objects.count()
        body = opened.extractfile("manifest.json")
        assert body is not None
        said = json.load(body)
    assert names[-2:] == ["manifest.json", "manifest.note"]
    assert said["log"]["size"] == LogHead.objects.get().size
    assert said["log"]["checkpoint"] == log.DjangoLog().checkpoint()
    assert "store.0014_first_opened" in said["migrations"]


def test_neither_keys_nor_sessions_are_in_it_unless_asked(world: World) -> None:
    plain = world.back_up("plain.tar").read_bytes()
    assert b"SECRET of" not in plain
    assert b"state/django_session" not in plain
    assert b"state/usersessions_usersession" not in plain
    assert b"SECRET of keys/log.skey" in world.back_up("keys.tar", keys=True).read_bytes()


def test_a_backup_is_never_replaced(world: World) -> None:
    path = world.back_up()
    before = path.read_bytes()
    size = LogHead.objects.get().size
    with pytest.raises(StoreError, match="is there already"):
        world.back_up()
    assert path.read_bytes() == before
    assert LogHead.objects.get().size == size


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_full_disk_leaves_no_file_and_is_noted(world: World) -> None:
    world.objects.put(random.Random(1).randbytes(3 << 20))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            world.back_up()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in world.folder.iterdir() if path.is_file() and "tar" in path.name] == []
    last = parse(next(log.DjangoLog().entries(LogHead.objects.get().size - 1, LogHead.objects.get().size)))
    assert (last.kind, last.data["note"]) == ("log.noted", "the backup was not finished")


def test_rows_are_spread_over_files_where_one_would_be_too_long(
    world: World, other_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PART", 500)
    path = world.back_up()
    with path.open("rb") as file:
        assert "state/store_logentry/0002.jsonl" in {member.name for member in Reader(file).members()}
    assert world.restore(path, other_url).report.wrong == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_changed_byte_is_noticed(world: World) -> None:
    path = world.back_up()
    whole = path.read_bytes()
    chance = random.Random(7)
    for place in [
        0,
        100,
        124,
        156,
        257,
        345,
        511,
        512,
        len(whole) - 1,
        *chance.sample(range(len(whole)), 150),
    ]:
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        with pytest.raises(BackupError):
            inspect(bytes(changed), world)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_cut_or_lengthened_backup_is_noticed(world: World) -> None:
    whole = world.back_up().read_bytes()
    chance = random.Random(8)
    for length in [
        0,
        1,
        511,
        512,
        513,
        len(whole) - 1024,
        len(whole) - 1,
        *chance.sample(range(len(whole)), 30),
    ]:
        with pytest.raises(BackupError):
            inspect(whole[:length], world)
    with pytest.raises(BackupError, match="something stands where it should end"):
        inspect(whole + bytes(512), world)


def inspect(data: bytes, world: World, keys: tuple[Signer, ...] = (KEY,)) -> manifest.Inspected:
    path = world.folder / "changed.tar"
    path.write_bytes(data)
    with path.open("rb") as file:
        return manifest.inspect(file, [parse_vkey(key.vkey) for key in keys], silent)


def rewritten(
    path: Path,
    key: Signer,
    files: dict[str, bytes] | None = None,
    change: Callable[[dict[str, Any]], None] = lambda said: None,
) -> bytes:
    """Return a backup with other files and another manifest, all digests right, signed by `key`."""
    made = path.with_name("rewritten.tar")
    with path.open("rb") as file, made.open("w+b") as out:
        reader, writer = Reader(file), Writer(out, 0)
        body: dict[str, Any] = {}
        digests = {}
        for member in reader.members():
            data = b"".join(reader.chunks(member))
            if member.name == "manifest.json":
                body = json.loads(data)
            elif member.name != "manifest.note":
                size, sha256 = writer.add(member.name, [(files or {}).get(member.name, data)])
                digests[member.name] = {"bytes": size, "sha256": sha256}
        body["files"] = {name: digests[name] for name in body["files"]}
        for name, row in body["tables"].items():
            if row["parts"] == 1:
                row["sha256"] = digests[f"state/{name}/0000.jsonl"]["sha256"]
        change(body)
        manifest.write(writer, manifest.Manifest(**body), key)
        writer.close()
    return made.read_bytes()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_forger_without_the_key_is_refused(world: World, other_url: str) -> None:
    """Who changes a person's role in a backup, and every digest with it, still lacks the signature."""
    path = world.back_up()
    name = "state/store_person/0000.jsonl"
    with tarfile.open(path) as opened:
        member = opened.extractfile(name)
        assert member is not None
        forged = member.read().replace(b"false", b"true ")
    data = rewritten(path, OTHER, {name: forged})
    with pytest.raises(BackupError, match="not signed by the key of the log"):
        inspect(data, world)
    changed = world.folder / "rewritten.tar"
    with pytest.raises(BackupError, match="not signed"):
        world.restore(changed, other_url)
    assert emptied(other_url)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda said: said["migrations"].append("store.9999_future"), "store.9999_future"),
        (lambda said: said["tables"].pop("store_hint"), "files of rows are not those"),
        (lambda said: said["tables"]["store_hint"]["columns"].append("x"), "columns of store_hint"),
        (lambda said: said["log"].update(size=3), "not those that the backup promises"),
        (lambda said: said["tables"]["store_hint"].update(rows=77), "store_hint came out"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_manifest_that_does_not_fit_restores_nothing(
    world: World, other_url: str, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    path = world.back_up()
    data = rewritten(path, KEY, None, change)
    (world.folder / "b.tar").write_bytes(data)
    with pytest.raises(BackupError, match=said):
        world.restore(world.folder / "b.tar", other_url)
    assert emptied(other_url)


def test_an_older_backup_is_refused_before_a_later_checkpoint(world: World, other_url: str) -> None:
    path = world.back_up()
    size = LogHead.objects.get().size
    with store.write("testing"):
        log.append_all([("log.noted", "me", {}, NOW)] * 3)
    kept = log.sign_checkpoint(KEY, NOW)
    with pytest.raises(restoring.Lost, match=rf"ends after entry {size - 1}.* 3 would be lost") as caught:
        world.restore(path, other_url, earlier=kept)
    assert caught.value.exit_code == 1
    assert emptied(other_url)
    done = world.restore(path, other_url, earlier=kept, accept_loss="the disk burnt")
    assert done.lost == 3
    told = parse(next(log.DjangoLog().entries(size, size + 1))).data
    assert (told["lost_entries"], told["reason"]) == (3, "the disk burnt")
    assert told["compared_with"]["entries"] == size + 3


def test_the_newest_checkpoint_fits_where_nothing_came_after_the_backup(world: World, other_url: str) -> None:
    path = world.back_up()
    done = world.restore(path, other_url, earlier=log.DjangoLog().checkpoint())
    assert any("nothing before entry" in line for line in done.report.proven)


def test_a_rewritten_log_is_refused(world: World, other_url: str) -> None:
    path = world.back_up()
    kept = sign_checkpoint(KEY, 4, b"r" * 32)
    with pytest.raises(BackupError, match="the log was rewritten"):
        world.restore(path, other_url, earlier=kept, accept_loss="it does not matter")
    assert emptied(other_url)


def backed_up_without(world: World, digest: str, damage: str) -> tuple[Path, dict[str, Any]]:
    """Lose or damage an object, and make a backup; return it and what it says of its objects."""
    file = world.objects.name(digest)
    file.unlink()
    if damage == "changed":
        file.write_bytes(b"other bytes")
    path = world.back_up()
    with path.open("rb") as opened:
        return path, manifest.inspect(opened, [parse_vkey(KEY.vkey)], silent).manifest.objects


@pytest.mark.parametrize("damage", ["missing", "changed"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_lost_objects_are_named_and_restored_without_only_for_a_reason(
    world: World, other_url: str, damage: str
) -> None:
    outer = next(d for d in world.objects.digests() if b'"object"' in world.objects.get(d))
    path, said = backed_up_without(world, outer, damage)
    assert said["missing" if damage == "missing" else "damaged"] == [outer]
    with pytest.raises(BackupError, match=outer):
        world.restore(path, other_url)
    assert emptied(other_url)
    done = world.restore(path, other_url, accept_loss="no copy is left")
    assert [outer in line for line in done.report.wrong] == [True]
    told = parse(list(log.DjangoLog().entries(0, LogHead.objects.get().size))[-1]).data
    assert (told["lost_objects"], told["reason"]) == (1, "no copy is left")


@pytest.mark.parametrize("damage", ["missing", "changed"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_objects_that_only_other_objects_name_are_lost_too(world: World, other_url: str, damage: str) -> None:
    nowhere = "ab" * 32
    world.objects.put(json.dumps({"object": nowhere, "by": "an object that nobody names"}).encode())
    path, said = backed_up_without(world, world.named, damage)
    empty = {"missing": [], "damaged": []}
    assert {name: said[name] for name in empty} == {
        **empty,
        damage.replace("changed", "damaged"): [world.named],
    }
    with pytest.raises(BackupError, match=world.named):
        world.restore(path, other_url)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_backup_without_objects_needs_them_where_it_is_restored(world: World, other_url: str) -> None:
    path = world.back_up(objects=None)
    with pytest.raises(BackupError, match="it is not in the store") as caught:
        world.restore(path, other_url)
    assert "PROOFWATCH_OBJECTS" in caught.value.remedy
    done = world.restore(path, other_url, objects=world.objects)
    assert done.report.wrong == []
    assert not (world.folder / "target" / "exports").exists()


def test_a_full_database_is_not_restored_into(world: World) -> None:
    path = world.back_up()
    before = snapshot()
    with pytest.raises(copying.NotEmpty):
        world.restore(path, world.url)
    assert snapshot() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_files_that_say_something_else_are_not_replaced(world: World, other_url: str) -> None:
    path = world.back_up()
    mine = world.folder / "target" / "checks" / "own" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("my newer one", "utf-8")
    with pytest.raises(BackupError, match=r"mine\.yaml is there"):
        world.restore(path, other_url)
    assert mine.read_text("utf-8") == "my newer one"
    assert emptied(other_url)


@pytest.mark.parametrize(
    ("stage", "number"), [("check", 20_000), ("objects", 2), ("state", 100), ("compare", 20), ("verify", 5)]
)
def test_killed_while_restoring_nothing_is_half_there(
    world: World, other_url: str, stage: str, number: int
) -> None:
    path = world.back_up()

    def run(*at: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.killed_restore", str(path), other_url]
        command += [str(world.folder / "target"), KEY.vkey, *at]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)

    assert run(stage, str(number)).returncode == -9
    assert emptied(other_url)
    store.disconnect()
    again = run("", "0")
    assert again.stdout == "restored\n", again.stderr
    store.setup(other_url)
    assert LogHead.objects.get().size == LogEntry.objects.count() > 6


def tar(given: dict[str, Any]) -> bytes:
    """Return a tar with one member, as somebody else would make it."""
    given = {"name": "manifest.json", "data": b"{}", "format": tarfile.USTAR_FORMAT, **given}
    data, pack, info = given.pop("data"), given.pop("pack", bytes), tarfile.TarInfo(given.pop("name"))
    info.size, form = len(data), given.pop("format")
    for key, value in given.items():
        setattr(info, key, value)
    body = info.tobuf(form) + data + bytes(-len(data) % 512) + bytes(1024)
    return bytes(pack(body))


@pytest.mark.parametrize(
    "given",
    [
        {"name": "../../etc/passwd"},
        {"name": "/etc/passwd"},
        {"name": "checks/../../x.yaml"},
        {"name": "checks/.hidden"},
        {"name": "checks//x"},
        {"name": "exports/a\nb"},
        {"name": "keys/other"},
        {"name": "manifest.json", "type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"name": "exports/x", "type": tarfile.LNKTYPE, "linkname": "manifest.json"},
        {"name": "exports/x", "type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
        {"name": "exports/x", "type": tarfile.BLKTYPE},
        {"name": "exports/x", "type": tarfile.FIFOTYPE},
        {"name": "exports/x", "type": tarfile.DIRTYPE},
        {"name": "exports/x", "type": tarfile.GNUTYPE_SPARSE, "size": 8**11 - 1},
        {"name": "exports/x", "type": b"0", "size": 8**11 - 1, "data": b""},
        {"name": f"exports/{'x' * 200}", "format": tarfile.GNU_FORMAT},
        {"name": f"exports/{'x' * 200}", "format": tarfile.PAX_FORMAT},
        {"name": "exports/x", "uname": "root"},
        {"pack": gzip.compress},
        {"pack": lzma.compress},
    ],
    ids=lambda given: " ".join(
        f"{key}={getattr(value, '__module__', str(value)[:40])}" for key, value in given.items()
    ),
)
def test_what_a_backup_never_has_is_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    world = World("", tmp_path, LocalObjects(tmp_path), "")
    with pytest.raises(BackupError):
        inspect(tar(given), world)
    assert {path.name for path in tmp_path.rglob("*")} == {"changed.tar"}


def test_names_are_ours_and_no_others() -> None:
    for name in ("checks/a/b.yaml", "state/store_hint/0000.jsonl", "keys/web.secret"):
        assert archive.is_name(name)
    for name in (
        "",
        "checks",
        "checks/",
        "checks/a/../b",
        "state/x.jsonl",
        "checks/a\n",
        "x" * 101,
        "objects/aa/bb",
    ):
        assert not archive.is_name(name)
