"""Second opinions as they stand: what other sources assert beside what our own checks found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from proofwatch.snapshots.base import Objects
from proofwatch.snapshots.engine import connect, lock, quote
from proofwatch.snapshots.rebuild import materialise
from proofwatch.store.comparison import WHOLE, known
from proofwatch.store.services import connections, sweeps

_COLUMNS = "connection, check_id, rule, rule_name, item, ours, theirs, ours_at, theirs_at, why"


@dataclass(frozen=True, slots=True)
class Stated:
    """One thing that two judged.

    Attributes:
        source: connection that asserts, and which of its services where it has several.
        connection: whose resource it is.
        check: our check.
        rule: the source's, by its id and name.
        item: the resource, or `WHOLE`.
        ours, theirs: `pass` or `fail`; None where there is no verdict.
        ours_at, theirs_at: when each judged.
        compared_at: when both were held against each other.
        why: why one is missing.
    """

    source: str
    connection: str
    check: str
    rule: str
    rule_name: str
    item: str
    ours: str | None
    theirs: str | None
    ours_at: datetime | None
    theirs_at: datetime | None
    compared_at: datetime
    why: str

    @property
    def differs(self) -> bool:
        """Tell whether both judged, and not alike."""
        return self.ours is not None and self.theirs is not None and self.ours != self.theirs


def every(objects: Objects, cache: Path) -> Iterator[Stated]:
    """Yield everything that was compared last, by source, check and resource.

    Args:
        objects: where snapshots are.
        cache: folder of rebuilt tables.
    """
    yield from _rows(objects, cache, "true", [])


def about(
    objects: Objects, cache: Path, check: str, resource: str, place: tuple[str, str] = ("", "")
) -> list[Stated]:
    """Return what other sources assert of one resource, and of their rule as a whole.

    Args:
        objects: where snapshots are.
        cache: folder of rebuilt tables.
        check: our check.
        resource: the resource.
        place: its account and region, where sources judge a whole account.
    """
    where = "check_id = $1 AND item IN ($2, $3, $4)"
    return list(_rows(objects, cache, where, [check, resource, WHOLE, " ".join([*place, WHOLE])]))


def _rows(objects: Objects, cache: Path, where: str, values: list[Any]) -> Iterator[Stated]:
    for owner in connections.every():
        judges = [judge for judge in known().values() if judge.kind == owner.kind]
        states = sweeps.table_states(owner) if judges else {}
        for judge in sorted(judges, key=lambda item: item.table):
            state = states.get(judge.table)
            if state is None:
                continue
            source = f"{judge.title} of {owner.name}" if judge.title else owner.name
            path, at = materialise(state.manifest, objects, cache).resolve(), state.sweep.observed_at
            for row in _selected(path, where, values):
                connection, check, rule, name, item, ours, theirs, ours_at, theirs_at, why = row
                told = (source, connection, check, rule, name or rule, item)
                yield Stated(*told, ours, theirs, ours_at, theirs_at, at, why or "")


def _selected(path: Path, where: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connect(threads=1) as session:
        lock(session, [path])
        sql = f"SELECT {_COLUMNS} FROM read_parquet({quote(str(path))}) WHERE {where}"  # noqa: S608 - all ours
        return session.execute(f"{sql} ORDER BY check_id, rule, item", values).fetchall()
