"""Tasks: who repairs what by when. A person can claim a repair; only readings verify it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from proofwatch.alerts import people, rulebook
from proofwatch.alerts.base import ACTIVE, AlertError, Kind, Signal, State, utc_text
from proofwatch.alerts.book import Book
from proofwatch.alerts.channels.base import Happened
from proofwatch.alerts.notices import Notices
from proofwatch.alerts.review import get as get_alert
from proofwatch.remediation import tickets
from proofwatch.store import log
from proofwatch.store.base import Missing, StoreError
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Alert, AlertResource, CheckRun, Person, Review, Task, TaskEvent
from proofwatch.store.models.remediation import TaskState
from proofwatch.store.services import hints
from proofwatch.store.services.naming import unknown

SYSTEM = "system"
LIVE = (TaskState.OPEN, TaskState.IN_PROGRESS, TaskState.CLAIMED)
ENDS = {State.RESTORED: TaskState.RESTORED, State.GONE: TaskState.GONE}
NEEDING = sorted({State.OPEN, State.ACKNOWLEDGED})


def query(
    *, state: str = "", owner: str = "", overdue: datetime | None = None, live: bool = False
) -> list[Task]:
    """Return tasks, the one due first first. `overdue`: only those due before that time."""
    if owner and not Person.objects.filter(pk=owner).exists():
        raise unknown("listing tasks", "person", owner, Person.objects.values_list("name", flat=True))
    if state and state not in TaskState.values:
        raise StoreError("listing tasks", f"{state!r} is no state", f"known: {', '.join(TaskState.values)}")
    rows = Task.objects.select_related("alert").order_by("due_at", "number")
    rows = rows.filter(state=state) if state else rows
    rows = rows.filter(owner=owner) if owner else rows
    rows = rows.filter(due_at__lt=overdue) if overdue else rows
    with guarded("listing tasks"):
        return list(rows.filter(state__in=LIVE) if live or overdue else rows)


def get(name: str) -> Task:
    """Return a task by `TSK-7` or `7`. Raises StoreError if there is none."""
    text = name.upper().removeprefix("TSK-")
    with guarded(f"looking for task {name}"):
        rows: QuerySet = Task.objects.select_related("alert", "alert__connection")
        row: Task | None = rows.filter(number=int(text)).first() if text.isdecimal() else None
    if row is None:
        raise Missing(f"looking for task {name}", "there is none", "`proofwatch tasks list --all` lists all")
    return row


def events(task: Task) -> list[TaskEvent]:
    """Return the steps of a task, oldest first."""
    with guarded("reading the steps of a task"):
        return list(TaskEvent.objects.filter(task=task).order_by("pk"))


def make(
    alert: str, *, by: str, now: datetime, owner: str = "", due: datetime | None = None, note: str = ""
) -> Task:
    """Make a task for an alert; due as the rule's time for the severity says, unless another is given.

    Raises:
        AlertError: the alert is not active or has a task that is under way, or the person may not act.
        StoreError: there is no such alert or owner.
    """
    doing = f"making a task for {alert}"
    person = people.acting(by, doing)
    with write(doing):
        log.lock()
        row = get_alert(alert)
        _known(doing, owner)
        live = Task.objects.filter(alert=row, state__in=LIVE).first()
        if live is not None:
            raise AlertError(doing, f"{live.name} is under way", "change that one")
        if row.state not in NEEDING:
            raise AlertError(doing, f"it is {row.state}", "a task is made for an open or acknowledged alert")
        return _make(row, by, person.role, now, owner, due, note)


def by_policy(now: datetime) -> int:
    """Make the tasks that the rules ask for; return how many. To be called after alerts or reviews."""
    # A decision about an earlier failure says nothing about this one.
    decided = Review.objects.filter(
        alert=OuterRef("pk"), decision="repair", decided_at__gte=OuterRef("opened_at")
    )
    under_way = Task.objects.filter(alert=OuterRef("pk"), state__in=LIVE)
    rows = Alert.objects.filter(current=True, state__in=NEEDING, drill__isnull=True)
    made = 0
    with write("making tasks by policy"):
        log.lock()  # First: what another worker just made is to be seen.
        rules = {row.id: rulebook.form(row).task for row in rulebook.every()}
        at_once, on_review = (
            [name for name, task in rules.items() if task == kind] for kind in ("at once", "on review")
        )
        asked = Q(rule_id__in=at_once) | Q(Exists(decided), rule_id__in=on_review)
        wanted = list(rows.filter(asked, ~Exists(under_way)).select_related("connection"))
        for row in wanted:
            last = Review.objects.filter(alert=row, decided_at__gte=row.opened_at).order_by("pk").last()
            if last is not None and last.decision != "repair" and rules[row.rule_id] == "on review":
                continue  # A later review corrects the one before it.
            text = "its rule asks for a task at once"
            if last is not None and last.decision == "repair":
                text = f"{last.reviewer} ({last.role}) decided to repair it: {last.note}"
            _make(row, SYSTEM, "", now, _former_owner(row), None, text)
            made += 1
    return made


def _former_owner(row: Alert) -> str:
    """Return who had the alert's task before, if they are still there and act."""
    last = Task.objects.filter(alert=row).exclude(owner="").order_by("-number").first()
    if last is None:
        return ""
    still = Person.objects.filter(pk=last.owner, active=True, role__in=people.ACTING)
    return str(last.owner) if still.exists() else ""


def assign(name: str, owner: str, *, by: str, now: datetime, note: str = "") -> Task:
    """Give a task to a person. Raises StoreError for one that is unknown."""
    doing = f"assigning {name}"
    _known(doing, owner, needed=True)
    values = {"owner": owner}
    return _change(name, "assigned", values, by=by, now=now, text=note, doing=doing, told=f"is {owner}'s now")


def move_due(name: str, due: datetime, *, by: str, now: datetime, reason: str) -> Task:
    """Change the date by which a task is due; the old one stays in its steps."""
    doing = f"moving the date of {name}"
    if not reason.strip():
        raise AlertError(doing, "another date needs a reason", "say why")
    if due <= now:
        raise AlertError(doing, "the new date is past")
    told = f"is due {utc_text(due)} now"
    return _change(name, "due", {"due_at": due}, by=by, now=now, text=reason, doing=doing, told=told)


def rest(alert: Alert, until: datetime, because: str, now: datetime) -> None:
    """Let the task of an alert wait until a time: its failures are accepted until then."""
    for task in Task.objects.filter(alert=alert, state__in=LIVE, due_at__lt=until):
        _step(task, "due", {"due_at": until}, SYSTEM, "", because, now)


def resume(alert: Alert, because: str, now: datetime) -> None:
    """Give the task of an alert the rule's time again: its failures are accepted no longer."""
    sla = rulebook.form(rulebook.get(alert.rule_id)).policy(alert.severity).sla
    for task in Task.objects.filter(alert=alert, state__in=LIVE):
        _step(task, "due", {"due_at": now + sla}, SYSTEM, "", because, now)


def begin(name: str, *, by: str, now: datetime, note: str = "") -> Task:
    """Say that somebody is at it."""
    values = {"state": TaskState.IN_PROGRESS}
    return _change(name, "begun", values, by=by, now=now, text=note, doing=f"beginning {name}")


def begin_from_tracker(name: str, who: str, now: datetime) -> Task:
    """Take over from a tracker that somebody is at it."""
    with write(f"beginning {name}"):
        log.lock()
        task = get(name)
        if task.state == TaskState.OPEN:
            _step(task, "begun", {"state": TaskState.IN_PROGRESS}, who, "tracker", "", now)
    return task


def comment(name: str, text: str, *, by: str, now: datetime, evidence: str = "") -> Task:
    """Add a comment, with the digest of an evidence object if one was attached."""
    doing = f"commenting on {name}"
    if not text.strip():
        raise AlertError(doing, "there is no text")
    return _change(name, "comment", {}, by=by, now=now, text=text, doing=doing, evidence=evidence, ended=True)


def claim_fixed(name: str, note: str, *, by: str, now: datetime, role: str = "") -> Task:
    """Say that it is repaired: a claim. It is read again soon, and only readings verify it.

    `role` is given for a claim that came from a tracker, whose people need not be known here.

    Raises:
        AlertError: there is no note, or the task has ended.
    """
    doing = f"claiming that {name} is fixed"
    if not note.strip():
        raise AlertError(doing, "a note is needed", "say what was changed")
    acting = role or people.acting(by, doing).role
    with write(doing):
        log.lock()
        task = get(name)
        if task.state not in LIVE:
            raise AlertError(doing, f"it is {task.state}", "only a task that has not ended can be claimed")
        if task.state == TaskState.CLAIMED:
            return task
        values = {"state": TaskState.CLAIMED, "claimed_at": now, "claimed_by": by}
        _step(task, "claimed", values, by, acting, note.strip(), now)
        if task.alert is not None:
            _claim_alert(task.alert, by, acting, note.strip(), now)
    return task


def follow(now: datetime) -> int:
    """Let tasks follow their alerts: ended, not confirmed, late; return how many changed."""
    changed = 0
    rows = Task.objects.filter(state__in=LIVE).select_related("alert", "alert__connection")
    with write("letting tasks follow their alerts"):
        log.lock()
        ended = list(rows.exclude(alert__state__in=[*sorted(ACTIVE), State.ACCEPTED, State.PENDING]))
        refuted = list(rows.filter(state=TaskState.CLAIMED, alert__state=State.REMEDIATION))
        late = list(rows.filter(due_at__lt=now, breached_at__isnull=True))
        for task in ended:
            if task.alert is not None:
                _end(task, task.alert, now)
                changed += 1
        for task in refuted:
            text = f"not confirmed: {task.alert.reason}" if task.alert else "not confirmed"
            _step(task, "not confirmed", {"state": TaskState.IN_PROGRESS}, SYSTEM, "", text, now)
            changed += 1
        for task in late:
            if task.state in LIVE:
                _step(task, "late", {"breached_at": now}, SYSTEM, "", f"due {utc_text(task.due_at)}", now)
                changed += 1
    return changed


def _claim_alert(alert: Alert, by: str, role: str, note: str, now: datetime) -> None:
    book = Book(now)
    policy = rulebook.form(rulebook.get(alert.rule_id)).policy(alert.severity)
    signal = Signal(Kind.CLAIM, now)
    if alert.state in NEEDING:
        # Acknowledging ran out meanwhile; the task is still there, so the alert is in remediation again.
        book.move(alert, Signal(Kind.TASK, now), policy, actor=by, role=role, reason=note)
    book.move(alert, signal, policy, actor=by, role=role, reason=note)
    alert.claimed_by = by
    book.save()
    checks = AlertResource.objects.filter(alert=alert).values_list("finding__check_id", flat=True).distinct()
    runs = CheckRun.objects.filter(latest=True, connection=alert.connection_id, check_id__in=list(checks))
    if alert.connection is not None:
        tables = sorted(set(runs.values_list("table", flat=True)))
        hints.add(alert.connection, [(table, "", "") for table in tables], now)


def _make(row: Alert, by: str, role: str, now: datetime, owner: str, due: datetime | None, note: str) -> Task:
    rule = rulebook.form(rulebook.get(row.rule_id))
    number = (Task.objects.aggregate(top=Max("number"))["top"] or 0) + 1
    # The clock of the SLA started with the first failing observation, not with the task.
    wanted = due or row.due_at or row.first_failed_at + rule.policy(row.severity).sla
    task: Task = Task.objects.create(
        number=number, alert=row, control_id=row.control_id, title=f"{row.headline}: {row.reason}"[:500],
        body=note, severity=row.severity, owner=owner, due_at=wanted, made_by=by, made_at=now,
        evidence_before=row.evidence_before,
    )  # fmt: skip
    _event(task, "made", by, role, note, now, after=task.state)
    data = {"task": task.name, "alert": row.name, "control": row.control_id, "owner": owner}
    told = {"due_at": log.text(wanted), "severity": row.severity, "role": role, "note": note[:2000]}
    log.append("task.made", by, {**data, **told}, now)
    book = Book(now)
    text = f"{task.name}, due {utc_text(wanted)}" + (f", {owner}" if owner else "")
    book.move(row, Signal(Kind.TASK, now), rule.policy(row.severity), actor=by, role=role, reason=text)
    book.save()
    tickets.open_for(task, rule.tracker, now)
    return task


def _change(
    name: str,
    kind: str,
    values: dict[str, Any],
    *,
    by: str,
    now: datetime,
    text: str,
    doing: str,
    evidence: str = "",
    ended: bool = False,
    told: str = "",
) -> Task:
    person = people.acting(by, doing)
    with write(doing):
        log.lock()
        task = get(name)
        if task.state not in LIVE and not ended:
            raise AlertError(doing, f"it is {task.state}", "a task that has ended is not changed any more")
        _step(task, kind, values, by, person.role, text.strip(), now, evidence)
        if told and task.alert is not None:
            notices = Notices(now)
            words = f"{task.name} {told}" + (f": {text.strip()}" if text.strip() else "")
            notices.tell(task.alert, Happened.TASK, note=words, actor=by)
            notices.save()
    return task


def _step(
    task: Task,
    kind: str,
    values: dict[str, Any],
    by: str,
    role: str,
    text: str,
    now: datetime,
    evidence: str = "",
) -> None:
    former = {key: getattr(task, key) for key in values}
    before = {key: _plain(value) for key, value in former.items()}
    for key, value in values.items():
        setattr(task, key, value)
    task.save()
    after = {key: _plain(value) for key, value in values.items()}
    words = [_words(part)[:200] for part in (former, values)]
    _event(task, kind, by, role, text, now, before=words[0], after=words[1], evidence=evidence)
    data = {"task": task.name, "kind": kind, "role": role, "text": text[:2000], "evidence": evidence}
    log.append("task.changed", by, {**data, "before": before, "after": after}, now)
    tickets.step_for(task, kind, text, by, now)


def _end(task: Task, alert: Alert, now: datetime) -> None:
    values = {
        "state": ENDS.get(State(alert.state), TaskState.ENDED),
        "ended_at": alert.ended_at or now,
        "reason": f"{alert.state}: {alert.reason}"[:2000],
        "evidence_after": alert.evidence_after,
        "evidence_before": alert.evidence_before or task.evidence_before,
    }
    _step(task, "ended", values, SYSTEM, "", str(values["reason"]), now)


def _event(
    task: Task,
    kind: str,
    by: str,
    role: str,
    text: str,
    now: datetime,
    *,
    before: str = "",
    after: str = "",
    evidence: str = "",
) -> None:
    TaskEvent.objects.create(
        task=task, kind=kind, at=now, actor=by, role=role, text=text, before=before, after=after,
        object=evidence,
    )  # fmt: skip


def _known(doing: str, owner: str, needed: bool = False) -> None:
    if not owner and not needed:
        return
    names: Iterable[str] = Person.objects.filter(active=True, role__in=people.ACTING).values_list(
        "name", flat=True
    )
    found: Sequence[str] = list(names)
    if Person.objects.filter(pk=owner, active=True).exists() and owner not in found:
        raise AlertError(doing, f"{owner} is an auditor and may only read", "an auditor repairs nothing")
    if owner not in found:
        raise unknown(doing, "person", owner, found)


def _words(values: Mapping[str, Any]) -> str:
    """Return what a step changed as people read it: the state where there is one, else the values."""
    shown = {"state": values["state"]} if "state" in values else values
    texts = [
        utc_text(item) if isinstance(item, datetime) else str(item)
        for item in shown.values()
        if item not in ("", None)
    ]
    return ", ".join(texts)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return log.text(value)
    return value.isoformat() if isinstance(value, date) else value
