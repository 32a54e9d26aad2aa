"""Hints: tables that should be read again before their time, because something is said to have changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import F, Min

from proofwatch.store.django import guarded, write
from proofwatch.store.models import Connection, Hint, Sweep
from proofwatch.store.models.connections import ConnectionState


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


def waiting(limit: int = 20) -> list[Connection]:
    """Return the connections of which something is to be read again, longest waiting first."""
    with guarded("looking for what is to be read again"):
        rows = Connection.objects.filter(hints__isnull=False, removed_at__isnull=True)
        rows = rows.exclude(state=ConnectionState.PAUSED).annotate(oldest=Min("hints__heard_at"))
        return list(rows.order_by("oldest")[:limit])


def of(connection: Connection) -> list[Hint]:
    """Return what is to be read again of a connection, the oldest first."""
    with guarded("looking for what is to be read again"):
        return list(Hint.objects.filter(connection=connection).order_by("heard_at", "pk"))


def forget(taken: Sequence[Hint]) -> None:
    """Forget hints about tables that nobody reads any more."""
    with write("forgetting what cannot be read again"):
        Hint.objects.filter(pk__in=[hint.pk for hint in taken]).delete()


def settle(sweep: Sweep, taken: Sequence[Hint]) -> int:
    """Forget the hints that a sweep has answered: those heard before it began to look, and no later event.

    A hint that got another event meanwhile stays, for the next sweep, and waits from now on: else what
    changes all the time would keep what changes seldom from its turn.
    """
    done = 0
    with write("forgetting what was read again"):
        for hint in taken:
            rows = Hint.objects.filter(pk=hint.pk, events=hint.events)
            done += rows.delete()[0]
        later = Hint.objects.filter(pk__in=[hint.pk for hint in taken])
        later.update(heard_at=sweep.observed_at or sweep.slot)
    return done
