"""Typesetting, in a process of its own: `python -m proofwatch.reports.typeset FOLDER BYTES`.

typst keeps what it worked out for ten more documents, some 0.8 GB for 5,000 rows, and never gives it back.
A process that ends gives back all of it, and a document that is too large ends only that process.
Data goes to typst as JSON text; nothing of it is ever part of the program in `list.typ`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

JOB, MADE, FAILED = "job.json", "made.pdf", "failed.txt"
TEMPLATE = Path(__file__).parent / "list.typ"
STANDARDS: tuple[Literal["a-2a", "ua-1"], ...] = ("a-2a", "ua-1")
"""PDF/A-2a: for keeping, tagged; PDF/UA-1: for reading aloud."""
ADDRESS_SPACE = 4 * 2**30
SECONDS = 600
_ONE = threading.Lock()
"""One at a time in each process: memory is bounded, however many people ask."""


class TypesettingFailed(Exception):
    """The process ended without a PDF; the text says why."""


def typeset(folder: Path, job: dict[str, Any], memory: int = ADDRESS_SPACE) -> Path:
    """Make a PDF in a process of its own; return its path in `folder`.

    Args:
        folder: an empty one, of this job alone.
        job: what `list.typ` reads, and `timestamp`, seconds since 1970.
        memory: bytes of address space that the process may have.

    Raises:
        TypesettingFailed: typst refused it, or it took more memory or time than it may.
        OSError: the folder cannot be written.
    """
    (folder / JOB).write_text(json.dumps(job, ensure_ascii=False), "utf-8")
    env = {**os.environ, "RAYON_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    try:
        with _ONE:
            done = subprocess.run(  # noqa: S603 - no shell, and every word is ours
                [sys.executable, "-P", "-m", "proofwatch.reports.typeset", str(folder), str(memory)],
                env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False,
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TypesettingFailed(f"it was stopped after {SECONDS} s") from None
    if (folder / FAILED).exists():
        raise TypesettingFailed((folder / FAILED).read_text("utf-8"))
    if done.returncode or not (folder / MADE).exists():
        raise TypesettingFailed(f"the process ended with code {done.returncode}, probably for want of memory")
    return folder / MADE


def serve(folder: Path) -> None:
    """Do the job of a folder in this process."""
    import typst

    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(TEMPLATE.parent / "fonts")]
    )
    job = (folder / JOB).read_text("utf-8")
    at = datetime.fromtimestamp(json.loads(job)["timestamp"], UTC)
    try:
        made = typst.compile(
            TEMPLATE.read_bytes(), sys_inputs={"job": job}, font_paths=fonts, pdf_standards=[*STANDARDS],
            timestamp=at,
        )  # fmt: skip
    except typst.TypstError as error:
        (folder / FAILED).write_text(error.message, "utf-8")
        return
    (folder / MADE).write_bytes(made)


def main() -> None:
    """Limit this process, then do the job of the folder that is named."""
    import resource

    memory = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    serve(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
