"""The validated catalogue, kept between runs: validating every expression takes seconds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import duckdb
from pydantic import TypeAdapter, ValidationError

from proofwatch import __version__
from proofwatch.checks.base import Check, View
from proofwatch.checks.load import Catalog, load_catalog
from proofwatch.connectors.base import Table

SHARED_KEPT = 4
"""Versions of the shipped catalogue that are kept for all homes of a user."""
_CHECKS = TypeAdapter(dict[str, Check])
_VIEWS = TypeAdapter(dict[str, View])


def open_catalog(
    folders: Sequence[Path],
    views: Path,
    tables: Mapping[str, Table],
    criteria: Iterable[str],
    cache: Path | None,
    shared: Path | None = None,
) -> Catalog:
    """Load and validate, or read back what was validated from exactly the same files.

    The first folder with the views is kept by itself: a change in another one validates only that one.

    Args:
        folders: of check files, ours first.
        views: folder of view files.
        tables: every declared table by name.
        criteria: ids of the known criteria.
        cache: folder for what was validated; None validates anew.
        shared: folder in which every home of this user finds what is shipped, as another has validated it.

    Raises:
        CheckError: something is wrong in a file; nothing is kept then.
    """
    known = sorted(criteria)
    ours, *others = folders
    mark = _fingerprint([ours, views], tables, known)
    name = f"shipped-{mark}.json"
    found = _read(shared / name, tables) if shared else None
    if found is None:
        found = _kept(cache, name, tables, lambda: load_catalog([ours], views, tables, known))
        if shared:
            _write(shared / name, found, keep=SHARED_KEPT)
    if not others:
        return found
    more = _fingerprint(others, {}, [mark])
    return _kept(
        cache, f"catalog-{more}.json", tables, lambda: load_catalog(others, None, tables, known, found)
    )


def _kept(cache: Path | None, name: str, tables: Mapping[str, Table], load: Callable[[], Catalog]) -> Catalog:
    if cache is None:
        return load()
    kept = _read(cache / name, tables)
    if kept is not None:
        return kept
    loaded = load()
    _write(cache / name, loaded)
    return loaded


def _fingerprint(folders: Iterable[Path], tables: Mapping[str, Table], criteria: Iterable[str]) -> str:
    """Return a digest of everything that validating depends on."""
    digest = hashlib.sha256()
    digest.update(repr((__version__, duckdb.__version__, list(criteria))).encode())
    for name in sorted(tables):
        digest.update(repr((name, [(item.name, item.type) for item in tables[name].columns])).encode())
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(repr(str(path)).encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _read(path: Path, tables: Mapping[str, Table]) -> Catalog | None:
    try:
        checks, _, views = path.read_bytes().partition(b"\n")
        return Catalog(_CHECKS.validate_json(checks), _VIEWS.validate_json(views), tables)
    except (OSError, ValidationError):
        return None


def _write(path: Path, catalog: Catalog, keep: int = 0) -> None:
    """Keep the catalogue; where that is not possible it is validated anew next time.

    Args:
        path: of the file.
        catalog: what was validated.
        keep: how many older ones stay: of other versions that the same user has.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = path.parent.glob(f"{path.name.partition('-')[0]}-*.json")
        for old in sorted(known, key=lambda item: item.stat().st_mtime, reverse=True)[keep:]:
            old.unlink(missing_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_bytes(
            _CHECKS.dump_json(dict(catalog.checks)) + b"\n" + _VIEWS.dump_json(dict(catalog.views))
        )
        temporary.replace(path)
    except OSError:
        return
