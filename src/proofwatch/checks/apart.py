"""Evaluate checks that a person added in a process of their own, with a limit on its memory.

The engine's memory limit does not cover every function, and validation cannot foresee every expression that
grows (`list_reduce` over texts doubles at each step). What a user's check may cost is therefore limited by
the operating system: if the child dies, the checks that kill it are found one by one and left out, with the
reason, and all others are judged.
"""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from proofwatch.checks.base import Check, CheckError, TableInput
from proofwatch.checks.load import Catalog
from proofwatch.checks.outcome import Evaluation
from proofwatch.snapshots.engine import MEMORY_LIMIT

ADDRESS_SPACE = 6 * 2**30
"""Bytes of address space of the child: the engine's own part, code, and what functions allocate."""

SECONDS = 600.0
"""After which the evaluation of one table is stopped."""

KILLED = "the check could not be evaluated: it needs more memory than a check may use"

_SHIPPED = Path(__file__).resolve().parent.parent / "catalog"


@dataclass(frozen=True, slots=True)
class Order:
    """What `evaluate` is asked for, in a form that travels to another process."""

    catalog: Catalog
    checks: tuple[Check, ...]
    inputs: Mapping[str, TableInput]
    params: Mapping[str, Mapping[str, Any]]
    now: datetime
    out: Path
    threads: int = 1
    memory_limit: str = MEMORY_LIMIT
    seconds: float = SECONDS
    refused: Mapping[str, str] = field(default_factory=dict)


def foreign(check: Check) -> bool:
    """Tell whether a check is not one of those that Proofwatch ships."""
    return not check.path.resolve().is_relative_to(_SHIPPED)


def evaluate_apart(order: Order, *, address_space: int = ADDRESS_SPACE) -> Evaluation:
    """Evaluate in a child process; what kills it is left out and reported as inconclusive.

    Raises:
        CheckError: a parameter does not fit its check, or the child dies even without any added check.
    """
    found = _in_child(order, address_space)
    if found is not None:
        return found
    refused = dict(order.refused)
    for check in filter(foreign, order.checks):
        if check.id not in refused and _alone(order, check, address_space) is None:
            refused[check.id] = KILLED
    found = _in_child(replace(order, refused=refused), address_space)
    if found is None:
        refused |= {check.id: KILLED for check in order.checks if foreign(check)}
        found = _in_child(replace(order, refused=refused), address_space)
    if found is None:
        raise CheckError(
            "evaluating the checks",
            "the system ended the process, even without the checks that were added",
            "Give the machine more memory.",
            permanent=False,
        )
    return found


def _alone(order: Order, check: Check, address_space: int) -> Evaluation | None:
    with tempfile.TemporaryDirectory(dir=order.out, prefix="alone-") as folder:
        return _in_child(replace(order, checks=(check,), out=Path(folder)), address_space)


def _in_child(order: Order, address_space: int) -> Evaluation | None:
    """Return what the child found, or None if it died."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=limit, initargs=(address_space,)) as pool:
        try:
            return pool.submit(_evaluate, order).result()
        except (BrokenProcessPool, MemoryError, duckdb.OutOfMemoryException):
            shutil.rmtree(order.out / "spill", ignore_errors=True)
            return None


def limit(address_space: int) -> None:
    """Limit the address space of this process, and leave no dump of it when it dies."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _evaluate(order: Order) -> Evaluation:
    from proofwatch.checks.evaluate import evaluate_here

    return evaluate_here(order)
