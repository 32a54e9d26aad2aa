"""Messages held back for a reason and until an end; evaluation, clocks and the log go on meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from proofwatch.alerts import people
from proofwatch.alerts.base import ACTIVE, AlertError, State
from proofwatch.checks.base import SEVERITIES
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Alert, AlertRule, Connection, Silence
from proofwatch.store.services import controls as control_lists
from proofwatch.store.services.naming import unknown

FIELDS = ("alert", "rule", "control", "connection", "severity", "group")
LONGEST = timedelta(days=30)


def running(now: datetime) -> list[Silence]:
    """Return the silences in force."""
    with guarded("looking for silences"):
        return list(Silence.objects.filter(ended_at__isnull=True, until__gt=now).order_by("at"))


def every(limit: int = 500) -> list[Silence]:
    """Return every silence, newest first."""
    with guarded("listing the silences"):
        return list(Silence.objects.order_by("-at")[:limit])


def covering(row: Alert, silences: Iterable[Silence]) -> Silence | None:
    """Return the silence that holds an alert's messages back, or None."""
    facts = {
        "alert": row.name,
        "rule": row.rule_id,
        "control": row.control_id,
        "connection": row.connection.name if row.connection else "",
        "severity": row.severity,
        "group": row.group,
    }
    for item in silences:
        if item.until_worse and row.count > item.counts.get(row.pk.hex, 0):
            continue
        if all(fnmatchcase(facts[key], value) for key, value in item.matcher.items()):
            return item
    return None


def make(
    matcher: Mapping[str, str],
    reason: str,
    until: datetime,
    *,
    by: str,
    now: datetime,
    until_worse: bool = False,
) -> Silence:
    """Hold back the messages of all alerts that match, at once.

    Args:
        matcher: any of alert, rule, control, connection, severity, group → text; `*` is any text.
        reason: why; required.
        until: its end, at most 30 days away.
        by: the person.
        now: the time.
        until_worse: it also ends for an alert of which more fail than now.

    Raises:
        AlertError: matcher, reason or end cannot be used, or the person may not act.
    """
    doing = "silencing"
    if not matcher or not all(matcher.values()):
        raise AlertError(doing, "nothing says what to silence", f"name at least one of {', '.join(FIELDS)}")
    if wrong := sorted(set(matcher) - set(FIELDS)):
        raise AlertError(doing, f"{wrong[0]!r} cannot be matched", f"known: {', '.join(FIELDS)}")
    if not reason.strip():
        raise AlertError(doing, "a silence needs a reason", "say why nobody is to be told")
    if not now < until <= now + LONGEST:
        raise AlertError(doing, "its end must lie within the next 30 days", "silence it again then if needed")
    person = people.acting(by, doing)
    _exist(doing, matcher)
    with write(doing):
        log.lock()
        made = Silence(
            matcher=dict(matcher), reason=reason.strip(), by=by, at=now, until=until, until_worse=until_worse
        )
        made.counts = {row.pk.hex: row.count for row in _active(pending=True)}
        held = {row.pk.hex for row in _active(pending=True) if covering(row, [made]) is not None}
        made.counts = {key: count for key, count in made.counts.items() if key in held}
        made.count = sum(made.counts.values())
        made.save(force_insert=True)
        data = {**_body(made), "role": person.role}
        log.append("alert.silenced", by, data, now)
    return made


def _exist(doing: str, matcher: Mapping[str, str]) -> None:
    """Refuse names that nothing has: a misspelt silence would hold nothing back, and nobody would notice."""
    listed = control_lists.current()
    names: dict[str, Iterable[str]] = {
        "alert": (f"AL-{number}" for number in Alert.objects.values_list("number", flat=True) if number),
        "rule": AlertRule.objects.values_list("id", flat=True),
        "control": [item.id for item in (control_lists.controls_of(listed) if listed else ())],
        "connection": Connection.objects.values_list("name", flat=True),
        "severity": SEVERITIES,
    }
    for key, value in matcher.items():
        known = list(names.get(key, [value]))
        if not any(fnmatchcase(name, value) for name in known):
            raise unknown(doing, key, value, known)


def end(silence_id: Any, reason: str, *, by: str, now: datetime) -> Silence:
    """End a silence; alerts that opened meanwhile are told at once. Raises StoreError if there is none."""
    from proofwatch.alerts.notices import Notices

    doing = f"ending silence {silence_id}"
    if not reason.strip():
        raise AlertError(doing, "a reason is needed", "say why it ends now")
    person = people.acting(by, doing)
    with write(doing):
        log.lock()
        row = _get(doing, silence_id)
        if row.ended_at or row.until <= now:
            raise AlertError(doing, "it has ended already")
        _end(row, by, person.role, reason.strip(), now)
        notices = Notices(now)
        notices.after_silence(row, _active())
        notices.save()
    return row


def expire(now: datetime) -> int:
    """End the silences whose time is over, and tell what they held back; return how many."""
    from proofwatch.alerts.notices import Notices

    with write("ending the silences whose time is over"):
        log.lock()
        over = list(Silence.objects.filter(ended_at__isnull=True, until__lte=now))
        if not over:
            return 0
        notices = Notices(now)
        rows = _active()
        for row in over:
            _end(row, "system", "", "its time was over", now)
            notices.after_silence(row, rows)
        notices.save()
    return len(over)


def _active(pending: bool = False) -> list[Alert]:
    states = sorted({*ACTIVE, State.PENDING} if pending else ACTIVE)
    return list(Alert.objects.filter(current=True, state__in=states).select_related("connection"))


def _end(row: Silence, by: str, role: str, reason: str, now: datetime) -> None:
    row.ended_at, row.ended_by, row.ended_because = now, by, reason
    row.save()
    log.append("alert.unsilenced", by, {**_body(row), "role": role, "ended_because": reason}, now)


def _get(doing: str, silence_id: Any) -> Silence:
    text = str(silence_id).replace("-", "").lower()
    rows = [
        row for row in Silence.objects.filter(ended_at__isnull=True) if text and row.pk.hex.startswith(text)
    ]
    if len(rows) != 1:
        over = text and any(row.pk.hex.startswith(text) for row in Silence.objects.all())
        none = "it has ended already" if over else "there is none"
        problem = none if not rows else "several begin so"
        raise StoreError(doing, problem, "`proofwatch alerts silences` lists them")
    found: Silence = rows[0]
    return found


def _body(row: Silence) -> dict[str, Any]:
    return {
        "silence": str(row.pk),
        "matcher": row.matcher,
        "reason": row.reason,
        "until": log.text(row.until),
        "until_worse": row.until_worse,
        "count": row.count,
    }
