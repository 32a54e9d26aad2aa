"""Accepted risks: asked for by one person, approved by another, for named failures, until a date.

An acceptance covers the findings that were open when it was approved. They stay open, visible and counted,
as *accepted*. What fails later is not covered, and an alert with more failures than were accepted opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from proofwatch.alerts import people, rulebook
from proofwatch.alerts.base import ACTIVE, AlertError, Kind, Signal, State, utc_text
from proofwatch.alerts.book import Book
from proofwatch.alerts.review import get as get_alert
from proofwatch.remediation import tasks
from proofwatch.store import log
from proofwatch.store.base import Missing, StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Alert, AlertResource, Finding, FindingTag, RiskAcceptance
from proofwatch.store.models.findings import FindingState
from proofwatch.store.services import controls as control_lists

LONGEST = timedelta(days=365)
REMIND_BEFORE = timedelta(days=30)
FIELDS = ("control", "check", "connection", "account_id", "region", "resources", "tag", "alert")


def every(state: str = "") -> list[RiskAcceptance]:
    """Return the acceptances, newest first; `state`: requested, approved, refused, expired, ended."""
    rows = RiskAcceptance.objects.order_by("-number")
    with guarded("listing accepted risks"):
        return list(rows.filter(state=state) if state else rows)


def get(name: str) -> RiskAcceptance:
    """Return an acceptance by `RA-3` or `3`. Raises StoreError if there is none."""
    text = name.upper().removeprefix("RA-")
    row = RiskAcceptance.objects.filter(number=int(text)).first() if text.isdecimal() else None
    if row is None:
        doing = f"looking for {name}"
        raise Missing(doing, "there is no such acceptance", "`proofwatch accept list` lists them")
    found: RiskAcceptance = row
    return found


def request(
    scope: Mapping[str, Any], reason: str, expires: datetime, *, by: str, now: datetime
) -> RiskAcceptance:
    """Ask that the open failures in a scope be accepted until a date.

    Args:
        scope: any of control, check, connection, account_id, region, resources (a list), tag (`key=value`;
            `store.tags.refresh_all` has to know of it), alert; all must fit.
        reason: why it can be accepted.
        expires: at most a year away.
        by: the person.
        now: the time.

    Raises:
        AlertError: scope, reason or end cannot be used, or nothing in the scope fails.
    """
    doing = "asking for an acceptance"
    person = people.acting(by, doing)
    if not reason.strip():
        raise AlertError(doing, "a reason is needed", "say why the risk can be borne")
    if expires <= now:
        raise AlertError(doing, f"its end, {utc_text(expires)}, is past", "name a day to come, e.g. 90d")
    if expires > now + LONGEST:
        raise AlertError(doing, "its end must lie within a year", "ask for it again then if it still holds")
    if not scope or (wrong := sorted(set(scope) - set(FIELDS))):
        problem = f"{wrong[0]!r} cannot be in a scope" if scope else "the scope is empty"
        raise AlertError(doing, problem, f"known: {', '.join(FIELDS)}")
    with write(doing):
        log.lock()
        count = covered(scope).count()
        if not count:
            raise AlertError(
                doing, "nothing in this scope fails now", "`proofwatch findings` shows what fails"
            )
        number = (RiskAcceptance.objects.aggregate(top=Max("number"))["top"] or 0) + 1
        row: RiskAcceptance = RiskAcceptance.objects.create(
            number=number, scope=dict(scope), reason=reason.strip(), requested_by=by, requested_at=now,
            expires_at=expires, remind_at=max(now, expires - REMIND_BEFORE), count=count,
        )  # fmt: skip
        log.append("acceptance.requested", by, {**_body(row), "role": person.role}, now)
    return row


def decide(name: str, approve: bool, note: str, *, by: str, now: datetime) -> RiskAcceptance:
    """Approve or refuse a request of somebody else.

    Raises:
        AlertError: it is decided already, was asked for by the same person, has no note, or is past its end.
    """
    doing = f"{'approving' if approve else 'refusing'} {name}"
    person = people.acting(by, doing)
    if not note.strip():
        raise AlertError(doing, "a note is needed", "say why")
    if person.role not in ("owner", "lead"):
        raise AlertError(doing, f"{by} is {person.role}", "an owner or lead decides about risks")
    with write(doing):
        log.lock()
        row = get(name)
        if row.state != "requested":
            raise AlertError(doing, f"it is {row.state} already")
        if row.requested_by == by:
            raise AlertError(doing, "it was asked for by the same person", "another person has to decide")
        if approve and row.expires_at <= now:
            raise AlertError(doing, "its end has passed", "ask for it again")
        row.state = "approved" if approve else "refused"
        row.decided_by, row.decided_at, row.decision_note = by, now, note.strip()
        if approve:
            row.count = _cover(row)
        row.save()
        log.append("acceptance.decided", by, {**_body(row), "role": person.role, "note": note.strip()}, now)
        if approve:
            _accept_alerts(row, by, person.role, now)
            control_lists.judge(now)
    return row


def end(name: str, reason: str, *, by: str, now: datetime) -> RiskAcceptance:
    """Withdraw an approved acceptance; its failures count again at once."""
    doing = f"withdrawing {name}"
    person = people.acting(by, doing)
    if not reason.strip():
        raise AlertError(doing, "a reason is needed", "say why it is withdrawn")
    with write(doing):
        log.lock()
        row = get(name)
        if row.state != "approved":
            raise AlertError(doing, f"it is {row.state}", "only an approved one is withdrawn")
        _end(row, "ended", f"withdrawn by {by}: {reason.strip()}", by, person.role, now)
        control_lists.judge(now)
    return row


def tick(now: datetime) -> int:
    """End what has expired, note what needs a look soon, and let alerts follow; return how many ended."""
    with write("looking at the accepted risks"):
        log.lock()
        over = list(RiskAcceptance.objects.filter(state="approved", expires_at__lte=now))
        soon = RiskAcceptance.objects.filter(
            state="approved", remind_at__lte=now, reminded_at__isnull=True, expires_at__gt=now
        )
        rows = list(soon)
        if not over and not rows:
            return 0
        for row in over:
            _end(row, "expired", "it expired", "system", "", now)
        for row in rows:
            RiskAcceptance.objects.filter(pk=row.pk).update(reminded_at=now)
            log.append("log.noted", "system", {**_body(row), "note": "an acceptance ends soon"}, now)
        if over:
            control_lists.judge(now)
    return len(over)


def covered(scope: Mapping[str, Any]) -> QuerySet:
    """Return the open findings that a scope covers."""
    rows = Finding.objects.filter(state=FindingState.OPEN, connection__removed_at__isnull=True)
    same = {
        "check": "check_id",
        "connection": "connection__name",
        "account_id": "account_id",
        "region": "region",
    }
    rows = rows.filter(**{same[key]: value for key, value in scope.items() if key in same})
    if "resources" in scope:
        rows = rows.filter(resource__in=list(scope["resources"]))
    if "tag" in scope:
        rows = rows.filter(pk__in=FindingTag.objects.filter(tag=scope["tag"]).values("finding"))
    if "control" in scope:
        listed = control_lists.current()
        found = {item.id: item for item in (control_lists.controls_of(listed) if listed else ())}
        if scope["control"] not in found:
            raise StoreError("reading a scope", f"there is no control {scope['control']}")
        rows = rows.filter(check_id__in=found[scope["control"]].checks)
    if "alert" in scope:
        inside = AlertResource.objects.filter(alert=get_alert(str(scope["alert"])), ended_at__isnull=True)
        rows = rows.filter(pk__in=inside.values("finding_id"))
    return rows


def _cover(row: RiskAcceptance) -> int:
    """Mark what failed when it was asked for, and is under no other acceptance; return how many."""
    rows = covered(row.scope).filter(acceptance="", opened_at__lte=row.requested_at)
    return int(
        Finding.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(acceptance=row.name)
    )


def _accept_alerts(row: RiskAcceptance, by: str, role: str, now: datetime) -> None:
    """Move the alerts of which everything that fails is accepted now."""
    touched = AlertResource.objects.filter(finding__acceptance=row.name, ended_at__isnull=True).values(
        "alert"
    )
    bare = Count("resources", filter=Q(resources__ended_at__isnull=True, resources__finding__acceptance=""))
    # One that still waits is accepted, too: else it would open about what two people have agreed to.
    states = sorted({*ACTIVE, State.PENDING})
    alerts = Alert.objects.filter(pk__in=touched, current=True, state__in=states)
    book = Book(now)
    for alert in alerts.annotate(bare=bare).filter(bare=0).select_related("connection"):
        policy = rulebook.form(rulebook.get(alert.rule_id)).policy(alert.severity)
        signal = Signal(Kind.ACCEPT, now, until=row.expires_at, count=alert.count)
        text = f"{row.name} until {utc_text(row.expires_at)}: {row.reason}"
        book.move(alert, signal, policy, actor=by, role=role, reason=text)
        tasks.rest(alert, row.expires_at, text, now)
    book.save()


def _end(row: RiskAcceptance, state: str, because: str, by: str, role: str, now: datetime) -> None:
    row.state, row.ended_at, row.ended_because = state, now, because
    row.save()
    log.append("acceptance.ended", by, {**_body(row), "role": role, "because": because}, now)
    touched = AlertResource.objects.filter(finding__acceptance=row.name).values_list("alert", flat=True)
    names = list(touched.distinct())
    Finding.objects.filter(acceptance=row.name).update(acceptance="")
    for other in RiskAcceptance.objects.filter(state="approved").exclude(pk=row.pk).order_by("number"):
        _cover(other)
    left = AlertResource.objects.filter(ended_at__isnull=True, finding__acceptance="").values("alert")
    rows = Alert.objects.filter(pk__in=names, current=True, state=State.ACCEPTED)
    alerts = list(rows.filter(pk__in=left).select_related("connection"))
    book = Book(now)
    for alert in alerts:
        policy = rulebook.form(rulebook.get(alert.rule_id)).policy(alert.severity)
        book.move(alert, Signal(Kind.ACCEPTANCE_ENDED, now), policy, actor=by, role=role, reason=because)
        tasks.resume(alert, f"{row.name} ended: {because}", now)
    book.save()


def _body(row: RiskAcceptance) -> dict[str, Any]:
    return {
        "acceptance": row.name,
        "state": row.state,
        "scope": row.scope,
        "reason": row.reason,
        "requested_by": row.requested_by,
        "expires_at": log.text(row.expires_at),
        "count": row.count,
    }
