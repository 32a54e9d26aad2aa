"""Peak memory and CPU of collecting one table: spooled, committed and proven.

    python -m benchmarks.collect_memory [--rows 1000000] [--columns 26]

Prints the highest resident memory so far after each step, and CPU seconds of all threads. A second,
plain way is timed beside it: the same rows as a list of dicts, encoded with json.dumps.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections import deque
from pathlib import Path

from benchmarks.snapshot_world import ACCOUNT, REGION, FolderObjects, make_row, rows, table
from proofwatch.snapshots.commit import commit
from proofwatch.snapshots.rebuild import prove
from proofwatch.snapshots.spool import write_part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=26)
    given = parser.parse_args()
    declared = table(given.columns)
    began = time.process_time()
    deque(rows(declared, given.rows), maxlen=0)
    making = time.process_time() - began
    print(f"{given.rows:,} rows × {given.columns} columns; making the rows themselves: {making:.1f} CPU s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects = FolderObjects(folder / "objects")
        began = time.process_time()
        part = write_part(folder, declared, ACCOUNT, REGION, rows(declared, given.rows))
        _report("spooled", began + making, given.rows, part.path.stat().st_size)
        began = time.process_time()
        state = commit(
            declared, "bench", [part], [], None, objects, folder, "2026-11", cache=folder / "cache"
        )
        _report("committed", began, given.rows, objects.size())
        began = time.process_time()
        prove(state.manifest, objects, work=folder)
        _report("proven again", began, given.rows, objects.size())
    sample = [make_row(declared, number) for number in range(20_000)]
    began = time.process_time()
    for row in sample:
        json.dumps(row)
    print(f"  json.dumps alone: {len(sample) / (time.process_time() - began):,.0f} rows per CPU s")


def _report(step: str, began: float, count: int, size: int) -> None:
    used = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  {step:13} {used:6.1f} CPU s  {count / used:9,.0f} rows per CPU s  peak RSS {peak:5.0f} MiB  "
        f"{size / 1e6:7.1f} MB on disk"
    )


if __name__ == "__main__":
    main()
