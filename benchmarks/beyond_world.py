"""A made-up source of one large table and one that it is joined with, and files as a sweep spools them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from proofwatch.checks.base import Check, View
from proofwatch.checks.load import Catalog
from proofwatch.connectors import registry
from proofwatch.connectors.base import COMMON, Column, Table
from proofwatch.snapshots.base import Part

KIND = "bench"
VOLUME, KEYS, VIEW = "bench_volume", "bench_key", "bench_volume_key"
PLACES = [
    (f"{account:012}", region) for account in range(4) for region in ("a-1", "b-1", "c-1", "d-1", "e-1")
]
PER_KEY = 10
"""Volumes that share one key."""


def _table(name: str, **columns: str) -> Table:
    own = tuple(Column(column, kind) for column, kind in columns.items())
    return Table(name, "", "bench", "region", (*COMMON, *own), ())


TABLES = {
    VOLUME: _table(
        VOLUME,
        volume_id="VARCHAR",
        key="VARCHAR",
        encrypted="BOOLEAN",
        state="VARCHAR",
        size="BIGINT",
        created="TIMESTAMPTZ",
        modified="TIMESTAMPTZ",
        tags="MAP(VARCHAR, VARCHAR)",
        attachments="STRUCT(instance VARCHAR, device VARCHAR)[]",
        **{f"flag_{n}": "BOOLEAN" for n in range(5)},
        **{f"num_{n}": "BIGINT" for n in range(4)},
        **{f"word_{n}": "VARCHAR" for n in range(4)},
    ),
    KEYS: _table(KEYS, key="VARCHAR", enabled="BOOLEAN", rotated="TIMESTAMPTZ", manager="VARCHAR"),
}

_SHARED = "SELECT v.account_id, v.region, v.resource, v.volume_id, k.enabled, k.rotated, k.manager"
_JOIN = f"FROM {VOLUME} v LEFT JOIN {KEYS} k ON k.account_id = v.account_id AND k.region = v.region"
VIEWS = {
    VIEW: View(
        name=VIEW,
        about="",
        sql=f"{_SHARED} {_JOIN} AND k.key = v.key",
        tables=(VOLUME, KEYS),
        columns=(
            ("account_id", "VARCHAR"),
            ("region", "VARCHAR"),
            ("resource", "VARCHAR"),
            ("volume_id", "VARCHAR"),
            ("enabled", "BOOLEAN"),
            ("rotated", "TIMESTAMPTZ"),
            ("manager", "VARCHAR"),
        ),
        version="1",
        path=Path("bench"),
        anchor=VOLUME,
    )
}

_RULES = (
    (VOLUME, "state <> 'deleting'", "encrypted", ("state", "encrypted")),
    (VOLUME, "true", "size < 100000", ("size",)),
    (VOLUME, "true", "created > $now - to_days($days)", ("created",)),
    (VOLUME, "true", "modified >= created", ("modified", "created")),
    (VOLUME, "true", "tags['team'] IS NOT NULL", ("tags",)),
    (VOLUME, "word_0 <> 'd'", "len(attachments) < 5", ("word_0", "attachments")),
    *((VOLUME, f"word_{n} <> 'd'", f"num_{n} < 1000", (f"word_{n}", f"num_{n}")) for n in range(4)),
    *((VOLUME, "true", f"flag_{n} OR num_0 >= 0", (f"flag_{n}", "num_0")) for n in range(5)),
    (VIEW, "true", "enabled", ("enabled",)),
    (VIEW, "true", "rotated > $now - to_days($days)", ("rotated",)),
    (VIEW, "enabled", "manager <> 'nobody'", ("enabled", "manager")),
)


def catalog(view: bool) -> Catalog:
    """The checks of the table alone, or with those of the view."""
    import proofwatch.catalog

    shipped = Path(proofwatch.catalog.__path__[0]) / "bench.yaml"  # Judged in this process, as shipped ones.
    checks = {}
    for number, (table, applies, passes, columns) in enumerate(_RULES):
        if table == VIEW and not view:
            continue
        name = f"bench.check-{number:02}"
        days = {"days": 10_000} if "$days" in passes else {}
        fail = "{volume_id} does not hold" if table == VIEW else "{volume_id} ({size} GiB) does not hold"
        checks[name] = Check(
            id=name, title="", table=table, criteria=(), severity="high", why="", applies=applies,
            passes=passes, on_pass="{volume_id} holds", on_fail=fail, fix="", params=days, same_as={},
            cases=(), columns=columns, version="1", path=shipped, source="",
        )  # fmt: skip
    return Catalog(checks, VIEWS if view else {}, TABLES)


class BenchConnector:
    """Declares the tables; nothing is read through it."""

    kind: ClassVar[str] = KIND

    @classmethod
    def tables(cls) -> Mapping[str, Table]:
        return TABLES


def register() -> None:
    registry.CONNECTORS[KIND] = "benchmarks.beyond_world:BenchConnector"


def spool(folder: Path, rows: int, share: float, version: int) -> dict[str, list[Part]]:
    """Write the parts of both tables as `snapshots.spool` would; `share` of the volumes fail a check.

    In version 1 one volume in a hundred has another size, and of the unencrypted ones among them half are
    encrypted. The engine writes one place, because writing row by row takes longer than all that is measured;
    the other places have the same rows under other keys.
    """
    folder.mkdir(parents=True)
    each = rows // len(PLACES)
    first: dict[str, tuple[Path, int]] = {}
    with duckdb.connect() as session:
        for setting in ("threads = 1", "memory_limit = '256MB'", "enable_progress_bar = false"):
            session.execute(f"SET {setting}")
        for name, count, select in (
            (VOLUME, each, _volumes(share, version)),
            (KEYS, max(1, each // PER_KEY), _KEYS),
        ):
            path = folder / f"{name}.0.ndjson"
            body = f"SELECT '{PLACES[0][0]}' AS account_id, '{PLACES[0][1]}' AS region, {select}"
            session.execute(f"COPY ({body} FROM range({count}) t(i)) TO '{path}' (FORMAT json)")
            first[name] = path, count
    return {
        name: [_placed(path, count, name, number) for number in range(len(PLACES))]
        for name, (path, count) in first.items()
    }


def _placed(path: Path, rows: int, name: str, number: int) -> Part:
    """Write the rows of the first place under another one, line by line."""
    (account, region), target = PLACES[number], path.with_name(f"{name}.{number}.ndjson")
    mark, other = (
        f'{{"account_id":"{where[0]}","region":"{where[1]}",'.encode()
        for where in (PLACES[0], PLACES[number])
    )
    if number:
        with path.open("rb") as source, target.open("wb") as file:
            while lines := source.readlines(1 << 20):
                file.writelines(other + line.removeprefix(mark) for line in lines)
    return Part(name, account, region, target, rows)


_KEYS = (
    "'arn:bench:key/' || i AS resource, 'key-' || i AS key, true AS enabled, "
    "'2026-0' || (1 + i % 9) || '-11T00:00:00Z' AS rotated, 'team-' || i % 40 AS manager"
)


def _volumes(share: float, version: int) -> str:
    changed = "(i % 100 = 17)" if version else "false"
    plain = f"hash(i, 1) % 10000 < {int(share * 10000)}"
    parts: dict[str, str] = {
        "resource": "'arn:aws:ec2:eu-west-1:123456789012:volume/vol-' || substr(md5(i::VARCHAR), 1, 17)",
        "volume_id": "'vol-' || substr(md5(i::VARCHAR), 1, 17)",
        "key": f"'key-' || i // {PER_KEY}",
        "encrypted": f"NOT ({plain} AND NOT ({changed} AND hash(i, 2) % 2 = 0))",
        "state": "CASE WHEN hash(i, 3) % 100 = 0 THEN 'available' ELSE 'in-use' END",
        "size": f"hash(i, 4) % 1000 + CASE WHEN {changed} THEN 1 ELSE 0 END",
        "created": "'2025-0' || (1 + i % 9) || '-11T00:00:' || (10 + i % 50) || 'Z'",
        "modified": "'2026-0' || (1 + i % 9) || '-12T00:00:' || (10 + i % 50) || 'Z'",
        "tags": "{'Name': 'node-' || substr(md5(i::VARCHAR), 1, 8), 'team': 'team-' || i % 40}",
        "attachments": "[{'instance': 'i-' || substr(md5(i::VARCHAR), 1, 17), 'device': '/dev/xvda'}]",
        **{f"flag_{n}": f"hash(i, {10 + n}) % 10 <> 0" for n in range(5)},
        **{f"num_{n}": f"hash(i, {20 + n}) % 1000" for n in range(4)},
        **{
            f"word_{n}": f"['a', 'b', 'c', 'd'][1 + CAST(hash(i, {30 + n}) % 4 AS INTEGER)]" for n in range(4)
        },
    }
    return ", ".join(f"{sql} AS {name}" for name, sql in parts.items())


def described() -> dict[str, Any]:
    return {"columns": len(TABLES[VOLUME].columns), "checks": sum(rule[0] == VOLUME for rule in _RULES)}
