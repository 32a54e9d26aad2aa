"""A list of nine columns as PDF: CPU, memory, bytes; typst in one process or in one for each file; squeezing.

Run: python -m benchmarks.pdf [--rows N …]
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proofwatch.listings.base import Column
from proofwatch.reports import pdf, typeset

AT = datetime(2026, 11, 28, 9, tzinfo=UTC)
COLUMNS = (
    Column("alert", "Alert", "name"), Column("state", "State", "status"),
    Column("severity", "Severity", "severity"), Column("control", "Control", "name"),
    Column("resource", "Resource"), Column("account", "Account"), Column("reason", "Why"),
    Column("opened_at", "Failing since", "moment"), Column("evidence", "Evidence", "digest"),
)  # fmt: skip
STATES = ("failing", "verified restored", "inconclusive", "in remediation", "accepted", "no data")
META = {
    "system": "Proofwatch", "title": "Alerts", "question": "How long does it take?", "generated_at": AT,
    "generated_by": "benchmark", "where": "python -m benchmarks.pdf",
}  # fmt: skip


def rows(number: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(1)
    for item in range(1, number + 1):
        mark = f"{chance.getrandbits(64):016x}"
        yield {
            "alert": f"AL-{item}", "state": STATES[item % 6], "severity": "high",
            "control": f"CC6-{item % 9}", "account": "111111111111", "opened_at": AT,
            "resource": f"arn:aws:elasticloadbalancing:eu-west-1:1111111111:loadbalancer/app/f-{item}/{mark}",
            "evidence": f"{chance.getrandbits(256):064x}",
            "reason": f"vol-{mark} (80 GiB, eu-west-1a) is not encrypted at rest and nobody accepted it",
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[2_000, 5_000, 20_000])
    for number in parser.parse_args().rows:
        report(f"{number:,} rows", number, _own)
    report("4 × 5,000 rows, all in one process", 20_000, _one_process)


def report(name: str, number: int, make: Callable[[int, Path], None]) -> None:
    """Run one case in a fresh process, so that its peak is its own."""
    with tempfile.TemporaryDirectory() as folder:
        read, write = multiprocessing.Pipe(False)
        process = multiprocessing.get_context("spawn").Process(
            target=_measured, args=(make, number, folder, write)
        )
        process.start()
        told = json.loads(read.recv())
        process.join()
        sizes = [path.stat().st_size for path in sorted(Path(folder).glob("*.pdf"))]
        line = f"{name}: {told['cpu']:.1f} CPU s, {told['wall']:.1f} s, peak {told['self']} MB"
        line += f" (typesetting {told['child']} MB), {sum(sizes) / 2**20:.1f} MB in {len(sizes)} files"
        print(f"{line}; squeezed by qpdf {_squeezed(Path(folder)) / 2**20:.1f} MB", flush=True)


def _measured(make: Callable[[int, Path], None], number: int, folder: str, answer: Any) -> None:
    began = time.perf_counter()
    make(number, Path(folder))
    used = os.times()
    peaks = [
        resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    cpu = used.user + used.system + used.children_user + used.children_system
    told = {"cpu": cpu, "wall": time.perf_counter() - began, "self": peaks[0], "child": peaks[1]}
    answer.send(json.dumps(told))


def _own(number: int, folder: Path) -> None:
    pdf.write_pdf(folder, "list", COLUMNS, rows(number), META)


def _one_process(number: int, folder: Path) -> None:
    """What it would cost without processes of their own: typst keeps all of it."""

    def here(place: Path, job: dict[str, Any]) -> Path:
        (place / typeset.JOB).write_text(json.dumps(job))
        typeset.serve(place)
        return place / typeset.MADE

    pdf.typeset = here
    _own(number, folder)


def _squeezed(folder: Path) -> int:
    import pikepdf

    total = 0
    for path in folder.glob("*.pdf"):
        made = io.BytesIO()
        with pikepdf.open(path) as document:
            document.save(made, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
        total += len(made.getvalue())
    return total


if __name__ == "__main__":
    main()
