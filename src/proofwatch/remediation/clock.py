"""What follows from a sweep, and what follows from the time alone: alerts first, then what stands on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from proofwatch.alerts import digest, drills, engine, silences
from proofwatch.errors import ProofwatchError
from proofwatch.remediation import acceptances, tasks
from proofwatch.store import tags
from proofwatch.store.base import StoreError
from proofwatch.store.models import Sweep
from proofwatch.store.outcome import Outcome


def observe(now: datetime, sweep: Sweep | None = None, outcome: Outcome | None = None) -> Counter[str]:
    """Move alerts by what a sweep showed, then their tasks; in the transaction of the sweep.

    Raises:
        StoreError: the database refused; nothing is changed then.
    """
    if sweep is not None and outcome is not None:
        tags.refresh(sweep.connection, outcome.tagged)
    moved = engine.observe(now, sweep, outcome)
    tasks.follow(now)
    tasks.by_policy(now)
    return moved


STEPS: Mapping[str, Callable[[datetime], object]] = {
    "silences": silences.expire,
    "acceptances": acceptances.tick,
    "drills": drills.tick,
    "alerts": engine.observe,
    "deadlines": engine.tick,
    "tasks": tasks.follow,
    "new tasks": tasks.by_policy,
    "digest": digest.due,
}


def look(now: datetime, failed: Callable[[str, ProofwatchError], None] | None = None) -> None:
    """Move everything that only waited for the time: waits, levels, ends, dates, digests, drills.

    Args:
        now: the time.
        failed: hears of a step that cannot be done (a stored rule that is wrong, say); the others are done
            all the same. Without it the first such error ends the look.

    Raises:
        StoreError: the database is away. What is due stays due and is found next time.
    """
    for name, step in STEPS.items():
        try:
            step(now)
        except ProofwatchError as error:
            away = isinstance(error, StoreError) and not error.permanent
            if failed is None or away:
                raise
            failed(name, error)
