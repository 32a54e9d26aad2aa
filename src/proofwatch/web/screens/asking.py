"""Who asks for pictures and why, and what became of each page."""

from __future__ import annotations

from dataclasses import dataclass

from proofwatch.store.models import Screenshot


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for pictures, and why.

    Attributes:
        by: a person, or a program of ours.
        cause: schedule, change or asked.
    """

    by: str
    cause: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one page: a row, or why there is none."""

    page: str
    url: str
    row: Screenshot | None
    problem: str = ""
