"""Hints: tables that should be read again before their time, because something is said to have changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import F, Min, Q

from proofwatch.store.django import guarded, write
from proofwatch.store.models import Connection, Hint, ShardRead, Sweep
from proofwatch.store.models.connections import ConnectionState
from proofwatch.store.models.sweeps import APPLIED

MOST_TRIES = 4
FIRST_REST = timedelta(seconds=15)


def add(connection: Connection, places: Iterable[tuple[str, str, str]], now: datetime) -> int:
    """Remember (table, account, region) to be read again; however often it is said, it is one row.

    "" as account or region stands for every one. Returns how many are new.
    """
    wanted = list(dict.fromkeys(places))
    with write("keeping what is to be read again"):
        rows = Hint.objects.filter(connection=connection, table__in={table for table, _, _ in wanted})
        known = {(row.table, row.account_id, row.region): row.pk for row in rows}
        again = [known[place] for place in wanted if place in known]
        Hint.objects.filter(pk__in=again).update(events=F("events") + 1)
        fresh = [
            Hint(connection=connection, table=table, account_id=account, region=region, heard_at=now)
            for table, account, region in wanted
            if (table, account, region) not in known
        ]
        # Another process may have said the same meanwhile; then its row is as good as ours.
        Hint.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def waiting(now: datetime, limit: int = 20) -> list[Connection]:
    """Return the connections of which something is to be read again, longest waiting first."""
    due = Q(hints__due_at__isnull=True) | Q(hints__due_at__lte=now)
    with guarded("looking for what is to be read again"):
        rows = Connection.objects.filter(due, hints__isnull=False, removed_at__isnull=True)
        rows = rows.exclude(state=ConnectionState.PAUSED).annotate(oldest=Min("hints__heard_at"))
        return list(rows.order_by("oldest")[:limit])


def of(connection: Connection, now: datetime) -> list[Hint]:
    """Return what is to be read again of a connection by now, the oldest first."""
    due = Q(due_at__isnull=True) | Q(due_at__lte=now)
    with guarded("looking for what is to be read again"):
        return list(Hint.objects.filter(due, connection=connection).order_by("heard_at", "pk"))


def forget(taken: Sequence[Hint]) -> None:
    """Forget hints about tables that nobody reads any more."""
    with write("forgetting what cannot be read again"):
        Hint.objects.filter(pk__in=[hint.pk for hint in taken]).delete()


def settle(sweep: Sweep, taken: Sequence[Hint], now: datetime) -> int:
    """Forget the hints that a sweep has answered; return how many.

    Answered is what was heard before the sweep began to look, and whose table it read completely. A hint that
    got another event meanwhile stays, and waits from now on: else what changes all the time would keep what
    changes seldom from its turn. What could not be read is tried again a few times, later and later; then the
    next whole sweep has to do.
    """
    began = sweep.observed_at
    lost = set(ShardRead.objects.filter(sweep=sweep, state="failed").values_list("table", flat=True))
    read = began is not None and sweep.state in APPLIED
    done = 0
    with write("forgetting what was read again"):
        for hint in taken:
            rows = Hint.objects.filter(pk=hint.pk)
            if read and hint.table not in lost and began is not None and hint.heard_at <= began:
                done += rows.filter(events=hint.events).delete()[0]
                rows.update(heard_at=began, tries=0, due_at=None)
            elif hint.tries >= MOST_TRIES:
                rows.delete()
            else:
                rows.update(tries=F("tries") + 1, due_at=now + FIRST_REST * 2**hint.tries)
    return done
