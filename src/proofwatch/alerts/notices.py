"""What the moves of alerts tell whom: messages queued in the transaction that moved them, or why not.

Every message that could have been sent has a row, also one that was held back: so an alert can always
answer "why did I (not) get this?", and nothing that was held back is forgotten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Max

from proofwatch.alerts import rulebook, silences, teams
from proofwatch.alerts.base import ENDED, LIVE, State, utc_text
from proofwatch.alerts.channels.base import Happened, Message
from proofwatch.alerts.messages import MOST_LINES, about, to_body
from proofwatch.alerts.routing import Routes
from proofwatch.alerts.rules import Rule
from proofwatch.alerts.telling import ENDINGS, told
from proofwatch.checks.base import SEVERITIES
from proofwatch.store import log
from proofwatch.store.models import Alert, ChannelConfig, Connection, Delivery, Task
from proofwatch.store.models.connections import ConnectionState
from proofwatch.store.models.deliveries import WAITING, DeliveryState
from proofwatch.store.services import controls as control_lists

if TYPE_CHECKING:
    from proofwatch.alerts.book import Move

GROUP_INTERVAL = timedelta(minutes=15)
"""A change of what fails inside an open alert is told at most this often."""
INHIBITED = "inhibited: connection"
BASELINE = "told by the digest of the connection's first sweep"
DETAILED = 50
"""Messages of one transaction that name their resources; more at once are a storm."""
FINAL = frozenset({Happened.RESTORED, Happened.GONE, Happened.CLOSED})
KEPT_QUIET = frozenset({Happened.OPENED, Happened.REGRESSED, Happened.REPEATED, Happened.CHANGED})
"""What is held back while its connection is down, or while it flaps."""
ANSWERS = frozenset({Happened.ACKNOWLEDGED, Happened.REVIEWED, Happened.CLAIMED, Happened.TASK})


class Notices:
    """Collects what is to be told in one transaction, and queues it with one entry."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.routes = Routes(now)
        self.rows: list[Delivery] = []
        self._baseline: dict[Any, list[Alert]] = {}

    def of_moves(self, moves: Sequence[Move]) -> None:
        """Queue what these moves tell."""
        if not self.routes.channels:
            return
        for move in moves:
            if move.before == "" and move.row.baseline:
                self._baseline.setdefault(move.row.connection_id, []).append(move.row)
            for happened, note in told(move):
                self.tell(move.row, happened, note=note, actor=move.actor)
            rule = self._rules.get(move.row.rule_id)
            if rule and rule.when == "connection" and move.row.state in ENDED and move.row.connection:
                self.after_outage(move.row.connection)

    def tell(self, row: Alert, happened: Happened, *, note: str = "", actor: str = "") -> None:
        """Queue one message about an alert on every channel of its rule, or write down why not."""
        rule = self._rules.get(row.rule_id)
        if rule is None:
            return
        level = max(row.escalated, 1) if happened == Happened.ESCALATED else 0
        names = self.routes.named(rule, level)
        for channel in self.routes.of(rule):
            key = self._key(row, happened, channel, note)
            if happened == Happened.CHANGED and self._update(row, channel):
                continue
            held = self.why_not(row, happened, channel)
            # In a storm nobody reads each of them; what is sent after all is filled in when it is sent.
            light = bool(held) or len(self.rows) >= DETAILED
            message = self._message(row, happened, key, note, actor, channel, names, light)
            due, waits = self._due(row, rule, happened, channel)
            made = self._add(key, row, channel, message, due, held, "" if held else waits)
            if held == BASELINE:
                made.into = self._first_digest(row, channel)

    def why_not(self, row: Alert, happened: Happened, channel: ChannelConfig) -> str:
        """Return why a message about an alert is not sent on a channel; "" if it is."""
        if not channel.enabled:
            return f"channel {channel.name} is off: {channel.reason}"
        silence = silences.covering(row, self._silences)
        if silence is not None and not (happened in FINAL and self._was_told(row, channel)):
            return f"silenced by {silence.by} until {utc_text(silence.until)}: {silence.reason}"
        first = happened == Happened.OPENED and row.baseline and not row.regressed
        if first and (row.connection_id in self._baseline or self._first_digest(row, channel) is not None):
            return BASELINE
        if happened in KEPT_QUIET and row.flapping_since and happened != Happened.FLAPPING:
            return f"flapping since {utc_text(row.flapping_since)}: told by the next digest"
        if happened in KEPT_QUIET and (down := self._down(row)):
            return f"{INHIBITED} {down} is down, which has an alert of its own"
        return ""

    def _was_told(self, row: Alert, channel: ChannelConfig) -> bool:
        """Tell whether a channel accepted a message about an alert: then it has to hear of its end, too."""
        sent = Delivery.objects.filter(alert=row, channel=channel.name, sent_at__isnull=False)
        return bool(sent.exists())

    def _first_digest(self, row: Alert, channel: ChannelConfig) -> Delivery | None:
        """Return the digest that told a channel of the connection's first sweep, if there was one."""
        if row.connection_id is None:
            return None
        thread = f"baseline-{row.connection_id.hex}"
        found: Delivery | None = Delivery.objects.filter(thread=thread, channel=channel.name).first()
        return found

    def after_outage(self, connection: Connection) -> None:
        """Tell what was held back because a connection was down, and still needs somebody."""
        rows = Alert.objects.filter(current=True, state=State.OPEN, deliveries__reason__startswith=INHIBITED)
        for row in rows.distinct().select_related("connection"):
            last = row.deliveries.order_by("-order").first()
            if row.connection_id in (None, connection.pk) and last.reason.startswith(INHIBITED):
                self.tell(
                    row, Happened.REPEATED, note=f"connection {connection.name} is back", actor="system"
                )

    def after_silence(self, silence: Any, rows: Iterable[Alert]) -> None:
        """Tell of the alerts that a silence hid and that still need somebody."""
        for row in rows:
            if silences.covering(row, [silence]) is None or row.state != State.OPEN:
                continue
            hidden = Delivery.objects.filter(
                alert=row, state=DeliveryState.NOT_SENT, created_at__gte=silence.at
            )
            if hidden.filter(happened__in=[str(item) for item in KEPT_QUIET]).exists():
                note = f"the silence by {silence.by} has ended: {silence.reason}"
                self.tell(row, Happened.REPEATED, note=note, actor="system")

    def digest(
        self, channel: ChannelConfig, thread: str, headline: str, lines: Sequence[str], note: str = ""
    ) -> Delivery:
        """Queue a message about many alerts on one channel; return its row."""
        key = f"{thread}:{channel.name}"
        shown = tuple(lines[:MOST_LINES])
        if len(lines) > len(shown):
            shown = (*shown, f"and {len(lines) - len(shown)} more")
        message = Message(
            key=_short(key), thread=thread, happened=Happened.DIGEST, headline=headline, at=self.now,
            lines=shown, note=note,
        )  # fmt: skip
        held = "" if channel.enabled else f"channel {channel.name} is off: {channel.reason}"
        return self._add(key, None, channel, message, self.now, held, "")

    def save(self) -> list[Delivery]:
        """Write what was collected; return the rows. What was queued before is not queued again."""
        self._tell_baselines()
        if not self.rows:
            return []
        known = set(
            Delivery.objects.filter(key__in=[row.key for row in self.rows]).values_list("key", flat=True)
        )
        fresh = {row.key: row for row in self.rows if row.key not in known}
        top = Delivery.objects.aggregate(top=Max("order"))["top"] or 0
        for number, row in enumerate(fresh.values(), start=top + 1):
            row.order = number
        Delivery.objects.bulk_create(fresh.values(), batch_size=500)
        lines = [_line(row) for row in fresh.values()]
        entries = [
            ("deliveries.queued", "system", {"deliveries": lines[start : start + 40]}, self.now)
            for start in range(0, len(lines), 40)
        ]
        if entries:
            log.append_all(entries)
        self.rows = []
        return list(fresh.values())

    def _message(
        self,
        row: Alert,
        happened: Happened,
        key: str,
        note: str,
        actor: str,
        channel: ChannelConfig,
        names: Sequence[str],
        light: bool,
    ) -> Message:
        task = self._task(row)
        if task is not None and task.owner and task.owner not in names:
            names = [*names, task.owner]
        to = self.routes.addresses(channel, names)
        facts = about(
            row, happened, self.now, key=_short(key), titles=self._titles, note=note, actor=actor, to=to,
            detailed=not light,
        )  # fmt: skip
        return replace(facts, owner=", ".join(names), due=task.due_at if task else facts.due)

    def _task(self, row: Alert) -> Task | None:
        """Return the task that is under way for an alert: its owner is told, and its date counts."""
        if row.state not in (State.REMEDIATION, State.CLAIMED):
            return None
        tasks = Task.objects.filter(alert=row, ended_at__isnull=True)
        found: Task | None = tasks.order_by("-number").first()
        return found

    def _due(
        self, row: Alert, rule: Rule, happened: Happened, channel: ChannelConfig
    ) -> tuple[datetime, str]:
        """Return when a message may be sent, and why not now."""
        if happened in ANSWERS or happened in ENDINGS.values() or happened == Happened.CLOSED:
            return self.now, ""
        due, why = self.now, ""
        if happened == Happened.OPENED and rule.gather(row.severity):
            due, why = self.now + rule.gather(row.severity), "waiting for others of the same event"
        if happened == Happened.CHANGED:
            last = Delivery.objects.filter(alert=row, channel=channel.name, sent_at__isnull=False)
            newest = last.order_by("-sent_at").values_list("sent_at", flat=True).first()
            if newest and newest + GROUP_INTERVAL > due:
                due, why = newest + GROUP_INTERVAL, "told at most once in 15 minutes"
        team = self.routes.team(rule)
        quiet = teams.quiet_until(team, row.severity, due)
        if quiet is not None and team is not None:
            return (
                quiet,
                f"quiet hours of {team.name} until {utc_text(quiet)}: {team.quiet.get('reason', '')}",
            )
        return due, why

    def _update(self, row: Alert, channel: ChannelConfig) -> bool:
        """Bring a message that still waits up to date, if there is one; tell whether there was."""
        kinds = [str(item) for item in (Happened.OPENED, Happened.REGRESSED, Happened.CHANGED)]
        waiting = Delivery.objects.filter(
            alert=row, channel=channel.name, state__in=WAITING, attempts=0, happened__in=kinds
        ).first()
        if waiting is None:
            return False
        old = waiting.message
        fresh = about(row, Happened(waiting.happened), self.now, key=old["key"], titles=self._titles)
        body = to_body(replace(fresh, note=old["note"], owner=old["owner"], to=tuple(old["to"])))
        Delivery.objects.filter(pk=waiting.pk, attempts=0).update(message=body)
        return True

    def _add(
        self,
        key: str,
        row: Alert | None,
        channel: ChannelConfig,
        message: Message,
        due: datetime,
        held: str,
        waits: str,
    ) -> Delivery:
        made = Delivery(
            key=key,
            alert=row,
            channel=channel.name,
            thread=message.thread,
            happened=str(message.happened),
            state=DeliveryState.NOT_SENT if held else DeliveryState.QUEUED,
            reason=held or waits,
            message=to_body(message),
            created_at=self.now,
            due_at=due,
        )
        self.rows.append(made)
        return made

    def _tell_baselines(self) -> None:
        """Queue one digest for all that fails in the first sweep of a connection."""
        for owner, alerts in self._baseline.items():
            name = Connection.objects.values_list("name", flat=True).get(pk=owner)
            alerts = sorted(alerts, key=lambda row: (SEVERITIES.index(row.severity), -row.count))
            lines = [f"{row.severity}: {row.headline}: {row.reason}" for row in alerts]
            begin = "1 alert begins" if len(alerts) == 1 else f"{len(alerts)} alerts begin"
            headline = f"First sweep of {name}: {begin}"
            once = "What gets worse, ends or is answered is told one by one from now on."
            told_on = {c.name: c for row in alerts for c in self._channels_of(row.rule_id)}
            for channel in told_on.values():
                digest = self.digest(channel, f"baseline-{owner.hex}", headline, lines, once)
                for row in self.rows:
                    of_it = row.alert is not None and row.alert.connection_id == owner
                    if of_it and row.channel == channel.name and row.reason == BASELINE:
                        row.into = digest
            self.rows.sort(key=lambda item: item.happened != Happened.DIGEST)
        self._baseline = {}

    def _channels_of(self, rule_id: str) -> list[ChannelConfig]:
        rule = self._rules.get(rule_id)
        return self.routes.of(rule) if rule else []

    def _key(self, row: Alert, happened: Happened, channel: ChannelConfig, note: str) -> str:
        told_why = hashlib.sha256(note.encode("utf-8", "replace")).hexdigest()[:8] if note else ""
        return f"{row.pk.hex}:{happened}:{log.text(self.now)}:{told_why}:{channel.name}"

    def _down(self, row: Alert) -> str:
        """Return the name of the connection that is down and explains this alert, or ""."""
        rule = self._rules.get(row.rule_id)
        if rule is None or rule.when == "connection" or not self._lost:
            return ""
        if row.connection_id:
            return self._lost.get(row.connection_id, "")
        if rule.when not in ("no data", "inconclusive"):
            return ""
        kinds = {check.partition(".")[0] for check in self._checks.get(row.control_id, ())}
        found = [name for pk, name in self._lost.items() if self._kinds[pk] in kinds]
        return found[0] if found else ""

    @cached_property
    def _rules(self) -> dict[str, Rule]:
        return {row.id: rulebook.form(row) for row in rulebook.every()}

    @cached_property
    def _silences(self) -> list[Any]:
        return silences.running(self.now)

    @cached_property
    def _lost(self) -> dict[Any, str]:
        """Connections that failed and have an active alert saying so."""
        rows = Connection.objects.filter(removed_at__isnull=True, state=ConnectionState.FAILED)
        names = [rule.id for rule in self._rules.values() if rule.when == "connection"]
        told = Alert.objects.filter(current=True, rule_id__in=names, state__in=sorted(LIVE))
        return dict(rows.filter(pk__in=told.values("connection")).values_list("pk", "name"))

    @cached_property
    def _kinds(self) -> dict[Any, str]:
        return dict(Connection.objects.values_list("pk", "kind"))

    @cached_property
    def _controls(self) -> Sequence[Any]:
        listed = control_lists.current()
        return control_lists.controls_of(listed) if listed else ()

    @cached_property
    def _titles(self) -> dict[str, tuple[str, Sequence[str]]]:
        return {item.id: (item.title, item.criteria) for item in self._controls}

    @cached_property
    def _checks(self) -> dict[str, Sequence[str]]:
        return {item.id: item.checks for item in self._controls}


def _short(key: str) -> str:
    """Return the idempotency key that providers get: short, and the same for the same message."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _line(row: Delivery) -> dict[str, Any]:
    return {
        "delivery": str(row.pk),
        "channel": row.channel,
        "alert": str(row.alert_id or ""),
        "happened": row.happened,
        "state": row.state,
        "reason": row.reason,
        "due_at": log.text(row.due_at),
    }
