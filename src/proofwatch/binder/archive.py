"""The ZIP while it is written: every file is hashed on its way in, and the list of hashes is signed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from proofwatch.binder.base import BinderError, Order, text_of
from proofwatch.evidence.binder import FORMAT, SIGNED, SUMS
from proofwatch.evidence.checkpoint import Checkpoint
from proofwatch.evidence.note import Signer, encode64
from proofwatch.listings.base import Asked
from proofwatch.listings.files import write_list
from proofwatch.listings.registry import LISTINGS
from proofwatch.reports.provenance import provenance
from proofwatch.reports.tables import Written, write_table

CHUNK = 1 << 20
MODE = 0o100644 << 16


class Archive:
    """A ZIP under a temporary name; `finish` gives it its own. Times inside are that of its making.

    Args:
        path: where it will be.
        at: the time that every file in it bears.
    """

    def __init__(self, path: Path, at: datetime) -> None:
        self.path = path
        self._stamp = at.timetuple()[:6]
        self._sums: dict[str, str] = {}
        self._part = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._zip = zipfile.ZipFile(self._part, "w", allowZip64=True)
        except OSError as error:
            raise BinderError(
                f"writing {path}", error.strerror or str(error), "Name a place that can be written."
            ) from None

    def __enter__(self) -> Archive:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not finished. Raises BinderError where the disk is full."""
        try:
            # What cannot be written cannot be closed either; why it could not is known already.
            with suppress(OSError, ValueError):
                self._zip.close()
        finally:
            self._part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BinderError(f"writing {self.path}", error.strerror or str(error)) from error

    @property
    def names(self) -> list[str]:
        """Return the names of the files so far."""
        return list(self._sums)

    def add(self, name: str, data: bytes) -> None:
        """Add a file."""
        self.add_chunks(name, (data,))

    def add_json(self, name: str, value: Any) -> None:
        """Add a value as JSON that people can read."""
        body = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=_plain)
        self.add(name, f"{body}\n".encode())

    def add_file(self, name: str, path: Path, *, packed: bool = True) -> None:
        """Add a file from disk. Raises BinderError if it cannot be read."""
        try:
            with path.open("rb") as file:
                self.add_chunks(name, iter(lambda: file.read(CHUNK), b""), packed=packed)
        except OSError as error:
            raise BinderError(f"adding {name}", error.strerror or str(error)) from None

    def add_chunks(self, name: str, chunks: Iterable[bytes], *, packed: bool = True) -> str:
        """Add a file in parts; return its SHA-256.

        Args:
            name: where in the ZIP; each once.
            chunks: its bytes.
            packed: whether it is worth compressing.
        """
        if name in self._sums:
            raise BinderError(f"adding {name}", "there is a file of that name already")
        info = zipfile.ZipInfo(name, self._stamp)
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = MODE
        hasher = hashlib.sha256()
        with self._zip.open(info, "w", force_zip64=True) as file:
            for chunk in chunks:
                hasher.update(chunk)
                file.write(chunk)
        self._sums[name] = hasher.hexdigest()
        return self._sums[name]

    def add_rows(
        self, order: Order, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *,
        title: str, question: str, **more: Any,
    ) -> int:  # fmt: skip
        """Add a table as CSV and JSON lines with its provenance; return how many rows it has.

        Args:
            order: what it belongs to.
            name: `folder/name`, without an ending.
            columns: stable names.
            rows: cells in their order.
            title: for people.
            question: what it answers.
            more: further facts for the provenance, by name.
        """
        more = {"control_list": order.control_list, **more}
        about = provenance(order.origin, name, title=title, question=question, chosen=order.span, **more)
        folder, _, base = name.rpartition("/")
        with tempfile.TemporaryDirectory(dir=order.work) as made:
            done = write_table(Path(made), base, columns, rows, about)
            self._add_written(folder, done)
        order.facts.setdefault("rows", {})[name] = done.rows
        return done.rows

    def add_list(
        self, order: Order, folder: str, listing: str, *, within: bool = True, name: str = ""
    ) -> int:
        """Add a list that the pages show, as it stands in the period; return how many rows it has."""
        asked = Asked(filters=order.span if within else {})
        with tempfile.TemporaryDirectory(dir=order.work) as made:
            done = write_list(LISTINGS[listing], asked, Path(made), order.origin, name or listing)
            self._add_written(folder, done)
        order.facts.setdefault("rows", {})[f"{folder}/{name or listing}"] = done.rows
        return done.rows

    def _add_written(self, folder: str, done: Written) -> None:
        for path in (done.csv, done.jsonl, done.meta):
            self.add_file(f"{folder}/{path.name}", path)

    def finish(self, key: Signer, head: Checkpoint) -> None:
        """Add the list of hashes and its signature, and give the ZIP its name, whole and on disk."""
        listed = "".join(
            f"{value}  {name}\n"
            for name, value in sorted(self._sums.items(), key=lambda pair: pair[0].encode())
        ).encode()
        digest = hashlib.sha256(listed).hexdigest()
        note = key.sign(f"{FORMAT}\n{digest}\n{head.size}\n{encode64(head.root)}\n")
        self.add(SUMS, listed)
        self.add(SIGNED, note.encode())
        self._zip.close()
        try:
            with self._part.open("rb+") as file:
                os.fsync(file.fileno())
            self._part.replace(self.path)
        except OSError as error:
            raise BinderError(f"writing {self.path}", error.strerror or str(error)) from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return text_of(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
