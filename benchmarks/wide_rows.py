"""Committing rows so wide that few of them fit into the engine: peak memory and CPU.

    python -m benchmarks.wide_rows [--rows 100000] [--characters 2000 10000]

One place, in no order of its keys; each width in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.beyond_memory import peak
from proofwatch.connectors.base import COMMON, Column, Table
from proofwatch.evidence.objects import LocalObjects
from proofwatch.snapshots.base import Part
from proofwatch.snapshots.commit import commit

TABLE = Table("wide", "", "wide", "region", (*COMMON, Column("body", "JSON")), ())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--characters", type=int, nargs="+", default=[2_000, 10_000])
    given = parser.parse_args()
    for characters in given.characters:
        child = multiprocessing.get_context("spawn").Process(target=run, args=(given.rows, characters))
        child.start()
        child.join()
        if child.exitcode:
            raise SystemExit(f"{characters:,} characters: the process ended with {child.exitcode}")


def run(rows: int, characters: int) -> None:
    with tempfile.TemporaryDirectory(prefix="wide-") as name:
        folder = Path(name)
        path = folder / "place.ndjson"
        words = max(1, characters // 67)  # a word of 64 characters, its quotes and a comma
        with duckdb.connect() as session:
            session.execute("SET enable_progress_bar = false")
            session.execute(
                "COPY (SELECT '1' AS account_id, 'north' AS region, hash(i)::VARCHAR AS resource, "
                f"list_transform(range({words}), lambda x: sha256(x || '-' || i)) AS body "
                f"FROM range({rows}) t(i)) TO '{path}' (FORMAT json)"
            )
        part = Part(TABLE.name, "1", "north", path, rows)
        Path("/proc/self/clear_refs").write_text("5")
        began = time.process_time()
        objects = LocalObjects(folder / "objects")
        state = commit(
            TABLE, "c", [part], [], None, objects, folder / "work", "2026-11", cache=folder / "cache"
        )
        spent = time.process_time() - began
        size = path.stat().st_size / 1e6
        print(f"{state.rows:,} rows, {size:,.0f} MB: {spent:.1f} CPU s, {peak():.0f} MB at most", flush=True)


if __name__ == "__main__":
    main()
