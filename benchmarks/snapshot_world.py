"""A made-up table of 40 columns and a folder of objects, for the benchmarks of snapshots."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from proofwatch.connectors.base import COMMON, Column, Row, Table

ACCOUNT, REGION = "123456789012", "eu-west-1"


def table(columns: int) -> Table:
    """A table of exactly `columns` columns: text, numbers, booleans, times, tags and nested lists."""
    own = [
        Column("owner_id", "VARCHAR"),
        Column("created", "TIMESTAMPTZ"),
        Column("modified", "TIMESTAMPTZ"),
        Column("tags", "MAP(VARCHAR, VARCHAR)"),
        Column("attachments", "STRUCT(instance_id VARCHAR, device VARCHAR, attached TIMESTAMPTZ)[]"),
        Column("policy", "JSON"),
    ]
    kinds = ("VARCHAR", "VARCHAR", "BOOLEAN", "BIGINT")
    left = columns - len(COMMON) - len(own)
    own += [Column(f"c{number:02}", kinds[number % len(kinds)]) for number in range(left)]
    return Table("aws_bench_thing", "", "bench", "region", (*COMMON, *own), ())


def make_row(declared: Table, number: int, version: int = 0) -> Row:
    """The row of resource `number`; another `version` differs in three columns."""
    chance = random.Random(number)
    resource = hashlib.md5(str(number).encode()).hexdigest()[:17]
    row: Row = {
        "account_id": ACCOUNT,
        "region": REGION,
        "resource": f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-{resource}",
        "owner_id": ACCOUNT,
        "created": f"2026-{1 + number % 9:02}-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z",
        "modified": f"2026-10-{1 + version % 28:02}T{(number + version) % 24:02}:00:{version % 60:02}Z",
        "tags": {"Name": f"node-{resource[:8]}", "team": f"team-{number % 40}", "version": str(version)},
        "policy": {"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": resource}]},
    }
    if number % 3:
        row["attachments"] = [
            {"instance_id": f"i-{resource}", "device": "/dev/xvda", "attached": row["created"]}
        ]
    for column in declared.columns[10:]:
        match column.type:
            case "BOOLEAN":
                row[column.name] = chance.random() < 0.9
            case "BIGINT":
                row[column.name] = chance.randrange(10_000)
            case _:
                word = chance.choice(("gp3", "io2", "in-use", "available", "vpc", "default", resource))
                row[column.name] = f"{word}-{chance.randrange(200)}"
    row[declared.columns[-1].name] = version if declared.columns[-1].type == "BIGINT" else bool(version % 2)
    return row


def rows(declared: Table, count: int) -> Iterator[Row]:
    return (make_row(declared, number) for number in range(count))


class FolderObjects:
    """The smallest write-once store: a folder of files named by their SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if not (self.folder / digest).exists():
            (self.folder / digest).write_bytes(data)
        return digest

    def put_file(self, path: Path) -> str:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not (self.folder / digest).exists():
            shutil.copyfile(path, self.folder / digest)
        return digest

    def get(self, digest: str) -> bytes:
        data = (self.folder / digest).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"object {digest} was changed")
        return data

    def path(self, digest: str) -> Path:
        self.get(digest)
        return self.folder / digest

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir())


def committed(declared: Table, count: int, objects, folder: Path):  # type: ignore[no-untyped-def]
    """Return the state of a table of `count` resources, as the first sweep of a month commits it."""
    from proofwatch.snapshots.commit import commit
    from proofwatch.snapshots.spool import write_part

    work = folder / "spool"
    work.mkdir(parents=True)
    part = write_part(work, declared, ACCOUNT, REGION, rows(declared, count))
    return commit(declared, "bench", [part], [], None, objects, work, "2026-11", cache=folder / "cache")
