"""What follows from a sweep, and what follows from the time alone: alerts first, then what stands on them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from proofwatch.alerts import digest, drills, engine, silences
from proofwatch.remediation import acceptances, tasks
from proofwatch.store import tags
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


def look(now: datetime) -> Counter[str]:
    """Move everything that only waited for the time: waits, levels, ends, dates, digests, drills.

    Raises:
        StoreError: the database refused. What is due stays due and is found next time.
    """
    silences.expire(now)
    acceptances.tick(now)
    drills.tick(now)
    moved = engine.observe(now)
    moved += engine.tick(now)
    tasks.follow(now)
    tasks.by_policy(now)
    digest.due(now)
    return moved
