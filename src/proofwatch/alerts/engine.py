"""From what the rules see to what happens to each alert, inside the transaction of the sweep that saw it.

An alert that goes on failing as before costs a look-up and no row. One that was clear is moved only by a run
of its checks that was not counted before, began after the last failure, and contained all that had failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from proofwatch.alerts import membership, proof, rulebook
from proofwatch.alerts.base import ENDED, LIVE, Effect, Kind, Signal, State, utc_text
from proofwatch.alerts.book import Book
from proofwatch.alerts.conditions import tallies
from proofwatch.alerts.readings import JUDGED_AGAIN, Inside, Run, manifest_at, resources, runs
from proofwatch.alerts.rules import Rule, matches
from proofwatch.alerts.tally import Tally
from proofwatch.checks.base import SEVERITIES
from proofwatch.controls.base import Control
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import Alert, Connection, Sweep
from proofwatch.store.models.findings import FindingState
from proofwatch.store.models.sweeps import APPLIED
from proofwatch.store.outcome import Key, Outcome
from proofwatch.store.services import controls as control_lists

SYSTEM = "system"
LIGHT = (
    "key", "pk", "state", "count", "passes", "interrupted_since", "observed_at", "rule_id", "control_id",
    "connection_id",
)  # fmt: skip
PAGE = 400


@dataclass(frozen=True, slots=True)
class Known:
    """As much of an alert as tells whether it has to be touched at all."""

    pk: UUID
    state: str
    count: int
    passes: int
    interrupted_since: datetime | None
    observed_at: datetime
    rule: str
    control: str
    connection: UUID | None


def observe(now: datetime, sweep: Sweep | None = None, outcome: Outcome | None = None) -> Counter[str]:
    """Look at everything that is known now, and move the alerts; return how many moved, by their new state.

    To be called in the transaction that changed what is known, and whenever time passed. Only with a sweep
    and its outcome is a pass counted: its verdicts say of each resource that it was judged again.

    Raises:
        StoreError: the database refused; nothing is changed then.
        AlertError: a stored rule is wrong.
    """
    with write("judging the alert rules"):
        log.lock()
        look = Look(now, sweep, outcome)
        look.failing_and_unknown()
        look.clear()
        look.book.save()
    return Counter(move.row.state for move in look.book.moves if move.row.state != move.before)


def tick(now: datetime) -> Counter[str]:
    """Move the alerts for which only time passed: waits, answers, acceptances, deadlines, levels."""
    due = (
        Q(state=State.PENDING)
        | Q(ack_until__lte=now, state=State.ACKNOWLEDGED)
        | Q(accepted_until__lte=now, state=State.ACCEPTED)
        | Q(escalate_at__lte=now, state=State.OPEN)
        | Q(repeat_at__lte=now, state=State.OPEN)
        | Q(due_at__lt=now, state__in=sorted(LIVE))
        & (Q(breached_at__isnull=True) | Q(breached_at__lt=F("due_at")))
        | Q(flapping_since__isnull=False, state__in=sorted(LIVE))
    )
    with write("looking at the clock for the alerts"):
        log.lock()
        rules = {row.id: rulebook.form(row) for row in rulebook.every()}
        book = Book(now)
        rows = list(Alert.objects.filter(due, current=True).select_related("connection"))
        firing = _firing(now) if any(row.state == State.PENDING for row in rows) else set()
        for row in rows:
            rule = rules.get(row.rule_id)
            if rule is None or (row.state == State.PENDING and row.key not in firing):
                continue  # The clock opens nothing that does not fail any more, or cannot be seen.
            step = book.move(row, Signal(Kind.TICK, now), rule.policy(row.severity), actor=SYSTEM)
            if not step.row and not step.effects:
                book.moves.pop()
        book.save()
    return Counter(move.row.state for move in book.moves if move.row.state != move.before)


def _firing(now: datetime) -> set[str]:
    """Return the keys of the alerts that are at or over their threshold now."""
    listed = control_lists.current()
    controls = list(control_lists.controls_of(listed)) if listed else []
    rules = [rule for _, rule in rulebook.active()]
    return {tally.key for tally in tallies(rules, controls, now) if tally.fires}


class Look:
    """One look: what was known before, what is seen now, and the book that takes the moves."""

    def __init__(self, now: datetime, sweep: Sweep | None = None, outcome: Outcome | None = None) -> None:
        self.now = now
        self.sweep, self.outcome = sweep, outcome
        self.book = Book(now)
        self.rows = rulebook.active()
        self.rules: dict[str, Rule] = {row.id: rule for row, rule in self.rows}
        self.versions = {row.id: row.version for row, _ in self.rows}
        listed = control_lists.current()
        self.controls: dict[str, Control] = {
            item.id: item for item in (control_lists.controls_of(listed) if listed else ())
        }
        self.owners = Connection.objects.filter(removed_at__isnull=True).in_bulk()
        self.names = {pk: owner.name for pk, owner in self.owners.items()}
        self.first = self._is_first()
        self.runs = runs()
        found = tallies(self.rules.values(), list(self.controls.values()), now)
        self.seen: dict[str, Tally] = {tally.key: tally for tally in found}
        rows = Alert.objects.filter(current=True).values_list(*LIGHT)
        self.known = {row[0]: Known(*row[1:]) for row in rows.iterator(chunk_size=2000)}

    def failing_and_unknown(self) -> None:
        """Begin and move what fires, and mark what cannot be told."""
        firing: list[tuple[Tally, Known]] = []
        for key, tally in self.seen.items():
            known = self.known.get(key)
            if tally.fires and known is None:
                self._begin(tally, None)
            elif known is not None and self._fails_still(tally, known) and self._worth_telling(tally, known):
                firing.append((tally, known))
        for start in range(0, len(firing), PAGE):
            part = firing[start : start + PAGE]
            rows = _rows((known.pk for _, known in part), self.owners)
            for tally, known in part:
                self._fails(rows[known.pk], tally)

    def clear(self) -> None:
        """Move what does not fire any more: by a run that proves it, or not at all."""
        quiet = [
            (key, known)
            for key, known in self.known.items()
            if known.state in LIVE and not (key in self.seen and self.seen[key].holds)
        ]
        for start in range(0, len(quiet), PAGE):
            part = quiet[start : start + PAGE]
            rows = _rows((known.pk for _, known in part), self.owners)
            membership.end(list(rows), self.now)
            inside = resources(list(rows))
            unsure = self._unsure(inside.values())
            for key, known in part:
                row = rows[known.pk]
                began = row.first_failed_at
                lately = [i for i in inside.get(known.pk, []) if i.left_at is None or i.left_at >= began]
                self._quiet(row, self.seen.get(key), lately, unsure)

    def _fails_still(self, tally: Tally, known: Known) -> bool:
        """Tell whether a tally keeps an alert failing; between its two thresholds it does, once open."""
        return tally.fires or (tally.holds and known.state in LIVE and known.state != State.PENDING)

    def _worth_telling(self, tally: Tally, known: Known) -> bool:
        """Tell whether a failing reading changes anything about an alert."""
        fresh = tally.newest is not None and tally.newest > known.observed_at
        waits = known.state in (State.PENDING, State.CLAIMED, State.ACCEPTED) or known.state in ENDED
        changed = tally.failing != known.count or known.passes or known.interrupted_since
        return bool(fresh or waits or changed)

    def _begin(self, tally: Tally, previous: Alert | None) -> None:
        signal, run = self._reading(tally)
        row = Alert(
            key=tally.key,
            rule_id=tally.rule.id,
            rule_version=self.versions[tally.rule.id],
            control_id=tally.control,
            connection=self.owners.get(tally.connection),
            group=tally.group,
            previous=previous,
            observed_at=signal.at,
        )
        swept = self.sweep.connection_id if self.sweep else None
        row.baseline = self.first and tally.where is not None and tally.connection == swept
        row.drill = tally.drill
        self._describe(row, tally, run)
        self.book.began(
            row, signal, tally.rule.policy(tally.severity), actor=SYSTEM, sweep=run.sweep if run else None
        )
        self.book.joins.append((row, tally))

    def _is_first(self) -> bool:
        """Tell whether this is the first applied sweep of its connection."""
        if self.sweep is None:
            return False
        others = Sweep.objects.filter(connection=self.sweep.connection_id, state__in=APPLIED)
        return not others.exclude(pk=self.sweep.pk).exists()

    def _fails(self, row: Alert, tally: Tally) -> None:
        signal, run = self._reading(tally, row)
        sweep = run.sweep if run else None
        # What only became fewer has nobody new in it, and its findings need not be looked through.
        grew = signal.worse or signal.rule_changed or tally.failing > row.count or row.state in ENDED
        grew = grew or row.rule_version != self.versions[tally.rule.id]
        if row.baseline and (signal.severer or signal.worse or tally.failing > row.count):
            row.baseline = False  # The digest of the first sweep did not tell this.
        policy = tally.rule.policy(tally.severity)
        step = self.book.move(row, signal, policy, actor=SYSTEM, reason="", sweep=sweep)
        if Effect.NEW in step.effects:
            self.book.moves.pop()
            Alert.objects.filter(pk=row.pk).update(current=False)
            self._begin(tally, row)
            return
        if row.state not in ENDED:
            row.observed_at, row.rule_version = signal.at, self.versions[tally.rule.id]
            row.interruption = ""
            self._describe(row, tally, run)
            if grew:
                self.book.joins.append((row, tally))
            else:
                self.book.shrunk.append(row.pk)
        if not step.row or row.state in ENDED:
            self.book.moves.pop()

    def _unsure(self, alerts: Iterable[Sequence[Inside]]) -> Mapping[tuple[str, ...], str]:
        """Return (check, account, region, resource) → why this sweep could not judge it again."""
        if self.outcome is None:
            return {}
        judged = {item.check for item in self.outcome.checks}
        keys: dict[str, list[Key]] = {}
        for inside in alerts:
            for item in inside:
                if item.state in JUDGED_AGAIN and item.check in judged:
                    keys.setdefault(item.check, []).append(item.key)
        return {
            (check, *key): verdict.reason
            for check, wanted in keys.items()
            for key, verdict in self.outcome.verdicts(check, wanted).items()
            if verdict.status == "inconclusive"
        }

    def _quiet(
        self,
        row: Alert,
        tally: Tally | None,
        inside: Sequence[Inside],
        unsure: Mapping[tuple[str, ...], str],
    ) -> None:
        """Move an alert that is under its threshold: proven by a run, interrupted, or neither."""
        unknown = self._why_unknown(row, tally, inside)
        named = [(item.check, *item.key) for item in inside]
        unknown = unknown or next((unsure[item] for item in named if item in unsure), "")
        policy = self._policy(row)
        if unknown:
            if row.interrupted_since is None:
                row.interruption = unknown
                signal = Signal(Kind.UNKNOWN, self.now)
                self.book.move(row, signal, policy, actor=SYSTEM, reason=unknown)
            return
        proven = self._proof(row, inside)
        if proven is None:
            return
        signal, run = proven
        row.last_failed_at = max([row.last_failed_at, *(item.last_failed_at for item in inside)])
        row.interruption = ""
        sweep = run.sweep if run else None
        step = self.book.move(row, signal, policy, actor=SYSTEM, sweep=sweep)
        if not step.row:
            self.book.moves.pop()
            return
        row.observed_at = signal.started_at or signal.at
        if row.state in ENDED:
            row.count = 0
            row.evidence_after = run.manifest if run else ""
            row.evidence_before = manifest_at(row) or row.evidence_before
            row.reason = _how_it_ended(row, signal, self.rules[row.rule_id])

    def _why_unknown(self, row: Alert, tally: Tally | None, inside: Sequence[Inside]) -> str:
        """Say why a reading that shows no failure proves nothing; "" if it does."""
        rule = self.rules.get(row.rule_id)
        if rule is None:
            return f"rule {row.rule_id} is off"
        if row.connection_id and row.connection_id not in self.names:
            return "its connection was removed"
        if row.control_id and row.control_id not in self.controls:
            return f"control {row.control_id} is no longer in the control list"
        if row.connection_id and not matches(self.names[row.connection_id], rule.connections):
            return f"rule {rule.id} is no longer about connection {self.names[row.connection_id]}"
        if row.control_id and not rule.covers(row.control_id):
            return f"rule {rule.id} is no longer about control {row.control_id}"
        for item in inside:
            if item.state == FindingState.OPEN and (item.interruption or tally is None):
                return item.interruption or "what failed is no longer among what the rule counts"
        if tally is not None and tally.unseen:
            return tally.example or "what failed cannot be seen"
        return proof.standing(rule, row)

    def _proof(self, row: Alert, inside: Sequence[Inside]) -> proof.Proof | None:
        """Return the clear reading that newer runs give, or None if no complete one was made since."""
        if not inside:
            return proof.without_findings(self.rules[row.rule_id], row, self.now)
        return proof.of_findings(row, inside, self.runs) if self.sweep is not None else None

    def _reading(self, tally: Tally, row: Alert | None = None) -> tuple[Signal, Run | None]:
        """Return the failing reading behind a tally, and the newest run it rests on."""
        signal, run = proof.still(tally.rule, tally, row, self.runs, self.now)
        version = self.versions[tally.rule.id]
        changed = bool(row and row.rule_version != version)
        if row is not None and row.state == State.FALSE_POSITIVE and not changed:
            changed = proof.beyond(row, tally)
        known = SEVERITIES.index(row.severity) if row is not None and row.severity in SEVERITIES else 0
        return replace(
            signal,
            count=tally.failing,
            worse=bool(row and tally.newest and tally.newest > row.observed_at),
            rule_changed=changed,
            severer=SEVERITIES.index(tally.severity) < known,
        ), run

    def _describe(self, row: Alert, tally: Tally, run: Run | None) -> None:
        title = self.controls[tally.control].title if tally.control in self.controls else tally.rule.title
        name = self.names.get(tally.connection) if tally.connection else ""
        group = "" if tally.drill else tally.group
        where = " ".join(part for part in (f"on {name}" if name else "", group) if part)
        row.headline = " ".join(part for part in (tally.control, title, where) if part)
        row.severity = tally.severity
        row.count, row.population = tally.failing, tally.population
        of = f" of {tally.population}" if tally.population else ""
        row.reason = tally.example or f"{tally.failing}{of} results fail"
        if run is not None:
            row.evidence_before = run.manifest

    def _policy(self, row: Alert) -> Any:
        rule = self.rules.get(row.rule_id) or rulebook.form(rulebook.get(row.rule_id))
        return rule.policy(row.severity)


def _how_it_ended(row: Alert, signal: Signal, rule: Rule) -> str:
    if row.state == State.GONE and signal.ends <= {"gone"}:
        return "what failed is absent from a complete inventory"
    one = row.passes == 1
    what = "complete reading" + "s" * (not one)
    if rule.when not in proof.BY_READING:
        what = f"look{'s' * (not one)} at our own records"
    ways = ", ".join(sorted(signal.ends))
    return f"{row.passes} {what} since {utc_text(row.last_failed_at)} show{'s' * one} it: {ways}"


def _rows(keys: Iterable[UUID], owners: Mapping[UUID, Connection]) -> dict[UUID, Alert]:
    """Return alerts by id, each with its connection, of which one copy serves them all."""
    rows = {row.pk: row for row in Alert.objects.filter(pk__in=list(keys))}
    for row in rows.values():
        if row.connection_id in owners:
            row.connection = owners[row.connection_id]
    return rows
