"""A small table with every kind of column, rows for it, and a write-once store in a folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

from proofwatch.connectors.base import COMMON, Column, Row, Table
from proofwatch.snapshots.base import SnapshotError

ACCOUNT = "123456789012"
REGION = "eu-west-1"


def table(*extra: Column, name: str = "aws_ec2_volume") -> Table:
    own = (
        Column("state", "VARCHAR"),
        Column("encrypted", "BOOLEAN"),
        Column("size", "BIGINT"),
        Column("port", "INTEGER"),
        Column("ratio", "DOUBLE"),
        Column("created", "TIMESTAMPTZ"),
        Column("expires", "DATE"),
        Column("policy", "JSON"),
        Column("tags", "MAP(VARCHAR, VARCHAR)"),
        Column("attachments", 'STRUCT(instance_id VARCHAR, "end" BIGINT, attached TIMESTAMPTZ)[]'),
    )
    return Table(name, "Volumes", "ec2", "region", (*COMMON, *own, *extra), ("ec2:DescribeVolumes",))


def row(number: int, *, account: str = ACCOUNT, region: str = REGION, **values: Any) -> Row:
    return {"account_id": account, "region": region, "resource": f"arn:vol-{number:04d}", **values}


class FolderObjects:
    """What `snapshots.base.Objects` promises, on a local folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        target = self.folder / digest
        if not target.exists():
            temporary = target.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_bytes(data)
            temporary.replace(target)
        return digest

    def put_file(self, path: Path) -> str:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        target = self.folder / digest
        if not target.exists():
            temporary = target.with_suffix(f".{os.getpid()}.tmp")
            shutil.copyfile(path, temporary)
            temporary.replace(target)
        return digest

    def get(self, digest: str) -> bytes:
        return self.path(digest).read_bytes()

    def path(self, digest: str) -> Path:
        path = self.folder / digest
        if not path.exists():
            raise SnapshotError("reading an object", f"object {digest} is missing")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise SnapshotError("reading an object", f"object {digest} was changed")
        return path

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}
