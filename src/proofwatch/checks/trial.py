"""Try a check and keep nothing: its form, its cases, and what it says of what was read last.

All of it runs in a process of its own with a limit on memory and time, because a check that a person is just
writing may need more of both than validation can foresee (see `apart`).
"""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import duckdb

from proofwatch.checks import apart
from proofwatch.checks.base import Check, CheckError, Counts, Result, TableInput
from proofwatch.checks.cases import Judged, judge_cases
from proofwatch.checks.draft import Draft, read_draft
from proofwatch.checks.evaluate import evaluate_here
from proofwatch.checks.load import Catalog
from proofwatch.checks.read import STATUSES, Where, results
from proofwatch.checks.validate import Problem, effective_params
from proofwatch.errors import ProofwatchError

DOING = "trying the check"
SECONDS = 60.0
"""For a whole trial; the evaluation on one connection gets a third of it."""
EXAMPLES = 20
"""Results that are shown of each verdict."""
AT_ONCE = 2
"""Trials of one server at the same time; more would take the machine from its pages."""

_turn = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Source:
    """What was read last on one connection, of the tables that the check needs; `now` is `$now`."""

    connection: str
    now: datetime
    inputs: Mapping[str, TableInput]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be tried, in a form that travels: a check, or the text of one.

    Attributes:
        catalog: its tables and views; its checks stay at home.
        criteria: ids of the known criteria.
        check: one that is valid, or None.
        draft: one that is being written, or None.
        sources: what it is tried on; none: only form and cases.
        params: parameters in place of its own.
    """

    catalog: Catalog
    criteria: tuple[str, ...]
    check: Check | None = None
    draft: Draft | None = None
    sources: tuple[Source, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the check says of one connection. `examples` holds some results of each verdict, worst first."""

    connection: str
    now: datetime
    counts: Counts
    examples: Mapping[str, tuple[Result, ...]]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it."""

    check: Check | None
    problems: tuple[Problem, ...] = ()
    """Line, field, what is wrong; empty if it is valid."""
    table: str = ""
    """What a draft wants to read, if there is such a table or view."""
    cases: tuple[Judged, ...] = ()
    seen: tuple[Seen, ...] = ()

    @property
    def sound(self) -> bool:
        """Tell whether it is valid and each of its cases comes out as expected."""
        return self.check is not None and not any(case.problem for case in self.cases)


def run(order: Order, *, seconds: float = SECONDS, address_space: int = apart.ADDRESS_SPACE) -> Trial:
    """Try a check in a child process.

    Raises:
        CheckError: a parameter does not fit, it needs too much memory or time, or others are trying now.
    """
    if not _turn.acquire(timeout=5):
        problem = f"{AT_ONCE} checks are being tried at this moment"
        raise CheckError(DOING, problem, "try again in a minute", permanent=False)
    try:
        return _in_child(replace(order, catalog=replace(order.catalog, checks={})), seconds, address_space)
    finally:
        _turn.release()


def _in_child(order: Order, seconds: float, address_space: int) -> Trial:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_serve, args=(theirs, order, seconds, address_space), daemon=True)
    try:
        child.start()
        theirs.close()
        if not mine.poll(seconds):
            raise CheckError(DOING, f"it was stopped after {seconds:g} s", "make its expressions simpler")
        answer = mine.recv()
    except EOFError:
        child.join(5)
        problem = f"its process ended with code {child.exitcode}: it needs more memory than a check may use"
        raise CheckError(DOING, problem, "make its expressions simpler") from None
    finally:
        child.kill()
        child.join(5)
        mine.close()
    if isinstance(answer, ProofwatchError):
        raise answer
    found: Trial = answer
    return found


def _serve(pipe: Pipe, order: Order, seconds: float, address_space: int) -> None:
    """Run one order in this process and answer through the pipe."""
    apart.limit(address_space)
    try:
        pipe.send(try_here(order, seconds))
    except ProofwatchError as error:
        pipe.send(error)
    except (MemoryError, duckdb.OutOfMemoryException):
        pipe.send(CheckError(DOING, "it needs more memory than a check may use", "make it simpler"))


def try_here(order: Order, seconds: float = SECONDS) -> Trial:
    """Try a check in this process; `run` is for everybody else."""
    check, table = order.check, ""
    problems: list[Problem] = []
    if order.draft is not None:
        check, problems, table = read_draft(order.draft, order.catalog, order.criteria)
    if check is None:
        return Trial(None, tuple(problems), table)
    effective_params(check, order.params)
    cases = tuple(judge_cases(check, order.catalog))
    seen = tuple(_look(check, source, order, seconds / 3) for source in order.sources)
    return Trial(check, (), check.table, cases, seen)


def _look(check: Check, source: Source, order: Order, seconds: float) -> Seen:
    with tempfile.TemporaryDirectory(prefix="proofwatch-trial-") as folder:
        params = {check.id: order.params}
        found = evaluate_here(
            apart.Order(
                order.catalog, (check,), source.inputs, params, source.now, Path(folder), seconds=seconds
            )
        )
        item = found.checks[check.id]
        examples = {}
        for status in STATUSES:
            rows = results(found, Where(statuses=(status,)))
            examples[str(status)] = tuple(islice(rows, EXAMPLES))
            rows.close()  # type: ignore[attr-defined]  # a generator: it holds a session
        shown = {status: rows for status, rows in examples.items() if rows}
        return Seen(source.connection, source.now, item.counts, shown, item.error)
