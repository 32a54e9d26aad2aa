"""Giving checkpoints to keepers: each once per interval, whoever dies meanwhile, and none stopped by another.

A keeper that is due is claimed by a conditional UPDATE, which moves its time on by a lease: of any number of
workers one gives, and one that dies is followed by another. Keepers take the same checkpoint again and answer
the same, so a second giving does no harm. What came of it is a row and an entry in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.alerts.channels.escaping import clean
from proofwatch.errors import ProofwatchError
from proofwatch.evidence import merkle
from proofwatch.evidence.entry import encode, object_ref
from proofwatch.evidence.objects import ObjectStore
from proofwatch.outbound.http import Client
from proofwatch.outside.base import Answer, Given, OutsideError
from proofwatch.outside.book import every, get, parsed
from proofwatch.outside.registry import keeper
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import Checkpoint, Keeper, KeptCheckpoint, LogEntry

KEPT, REFUSED = "checkpoint.kept", "checkpoint.refused"
LEASE = timedelta(minutes=10)
"""More than any keeper takes: each has its own, shorter limits."""
LOOK_AGAIN = timedelta(minutes=1)
"""How long a keeper that has everything already is left alone."""
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=6)
LONGEST_TEXT = 500
MOST_FACTS = 32_000
"""Bytes of the facts in an entry."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Giver:
    """What giving works with.

    Args:
        client: reaches keepers.
        objects: where their proofs are kept.
        vkey: the public key of the log.
        organization: whose log it is, for people; may be "".
        clock: the time.
    """

    def __init__(
        self,
        client: Client,
        objects: ObjectStore,
        vkey: str,
        organization: str = "",
        clock: Clock = utc_now,
    ) -> None:
        self.client, self.objects, self.vkey = client, objects, vkey
        self.organization, self.clock = organization, clock

    def give(self, row: Keeper, checkpoint: Checkpoint, actor: str = "system") -> KeptCheckpoint:
        """Give one keeper one checkpoint, and write down what came of it. Its failure is not raised."""
        given = Given(
            note=checkpoint.note,
            size=checkpoint.size,
            root=bytes.fromhex(checkpoint.root),
            vkey=self.vkey,
            organization=self.organization,
            now=self.clock(),
            prove=lambda old: merkle.consistency_proof(old, checkpoint.size, log.DjangoLog().tile),
        )
        answer: Answer | None = None
        references: dict[str, Any] = {}
        problem = ""
        try:
            settings = parsed(row.kind, row.settings, f"reading the settings of {row.name}")
            taken = keeper(row.kind).keep(settings, given, self.client)
            references = self._stored(given, taken)
            answer = taken
        except ProofwatchError as error:
            doing = "" if isinstance(error, OutsideError) else f"{error.doing}: "
            problem = f"{doing}{error.problem}{f' → {error.remedy}' if error.remedy else ''}"
        except Exception as error:  # noqa: BLE001 - recorded as refused; the other keepers go on
            problem = f"our own fault: {type(error).__name__}"
        return self._record(row, given, answer, references, problem, actor)

    def _stored(self, given: Given, answer: Answer) -> dict[str, Any]:
        """Store checkpoint and proof as objects, so that the entry can name them."""
        # What an entry cannot hold is found before anything is written.
        if len(encode(kind=KEPT, actor="system", at=given.now, data=answer.facts)) > MOST_FACTS:
            raise OutsideError("reading what a keeper answered", f"it is longer than {MOST_FACTS} bytes")
        note = given.note.encode("utf-8")
        found: dict[str, Any] = {"checkpoint": self._object(note, "signed checkpoint")}
        if answer.proof:
            found["proof"] = self._object(answer.proof, "proof by the keeper")
        if answer.also:
            found["also"] = [self._object(data, role) for role, data in answer.also.items()]
        return found

    def _object(self, data: bytes, role: str) -> dict[str, Any]:
        return object_ref(self.objects.put(data), len(data), role)

    def _record(
        self,
        row: Keeper,
        given: Given,
        answer: Answer | None,
        references: dict[str, Any],
        problem: str,
        actor: str,
    ) -> KeptCheckpoint:
        now = self.clock()
        data = {"keeper": row.name, "kind": row.kind, "size": given.size, "root": given.root.hex()}
        with write(f"recording what {row.name} was given"):
            log.lock()
            kept = KeptCheckpoint(
                keeper=row.name, kind=row.kind, size=given.size, root=given.root.hex(), at=now
            )
            if answer is not None:
                kept.state, kept.reference = "accepted", clean(answer.reference, LONGEST_TEXT)
                kept.proof = references.get("proof", {}).get("sha256", "")
                due = now + timedelta(minutes=row.interval_minutes)
                more = {"reference": kept.reference, "facts": answer.facts, **references}
            else:
                kept.state, kept.error = "failed", clean(problem, LONGEST_TEXT)
                due = now + delay(_failures(row.name) + 1)
                more = {"reason": kept.error, "again_at": log.text(due)}
            kept.save(force_insert=True)
            log.append(KEPT if answer is not None else REFUSED, actor, {**data, **more}, now)
            # Not if somebody changed it meanwhile: what it is now is due at once.
            Keeper.objects.filter(pk=row.pk, next_due_at=row.next_due_at).update(next_due_at=due)
        return kept


def due(now: datetime) -> list[Keeper]:
    """Return the keepers whose time has come, the longest waiting first."""
    with guarded("looking who is due to keep a checkpoint"):
        rows = Keeper.objects.filter(enabled=True, removed_at__isnull=True, next_due_at__lte=now)
        return list(rows.order_by("next_due_at", "name"))


def keep_due(
    client: Client,
    objects: ObjectStore,
    vkey: str,
    organization: str = "",
    *,
    clock: Clock = utc_now,
) -> int:
    """Give the newest signed checkpoint to every keeper that is due; return how many were tried.

    A keeper is left alone while the log has not grown since it accepted, but for entries about keeping.
    """
    giver, done = Giver(client, objects, vkey, organization, clock), 0
    for row in due(clock()):
        now = clock()
        checkpoint = newest()
        if checkpoint is None:
            return done
        if not has_grown(row, checkpoint.size):
            _claim(row, now + LOOK_AGAIN)
        elif _claim(row, now + LEASE):
            giver.give(row, checkpoint)
            done += 1
    return done


def keep_now(giver: Giver, name: str = "", *, actor: str, again: bool = False) -> list[KeptCheckpoint]:
    """Give the newest checkpoint without waiting for its time.

    Args:
        giver: what giving works with.
        name: to one keeper; "" to all that are not paused.
        actor: who asked.
        again: also to one that has it already.

    Raises:
        OutsideError: nothing is signed yet, or the one named is paused (a test, `again`, does not mind).
        StoreError: there is no such keeper.
    """
    checkpoint = newest()
    if checkpoint is None:
        raise OutsideError("giving a checkpoint", "none is signed yet", "Run `proofwatch sweep` first.")
    rows = [get(name)] if name else [row for row in every() if row.enabled]
    if name and not rows[0].enabled and not again:
        raise OutsideError(
            "giving a checkpoint", f"{name} is paused", f"proofwatch outside resume {name} --reason …"
        )
    return [giver.give(row, checkpoint, actor) for row in rows if again or has_grown(row, checkpoint.size)]


def newest() -> Checkpoint | None:
    """Return the newest signed checkpoint."""
    with guarded("reading the newest checkpoint"):
        found: Checkpoint | None = Checkpoint.objects.order_by("size", "pk").last()
    return found


def has_grown(row: Keeper, size: int) -> bool:
    """Tell whether a checkpoint over `size` entries says more than the last that the keeper accepted.

    Entries about keeping do not count: each giving writes one, and would be the reason for the next.
    """
    with guarded("looking what a keeper has"):
        taken = KeptCheckpoint.objects.filter(keeper=row.name, state="accepted", at__gte=row.at)
        last = taken.order_by("-at", "-pk").first()
        if last is None:
            return True  # Also after a change of its settings: what it kept before may be elsewhere.
        new = LogEntry.objects.filter(index__gte=last.size, index__lt=size)
        return bool(new.exclude(kind__in=(KEPT, REFUSED)).exists())


def delay(failures: int) -> timedelta:
    """Return how long a keeper rests after its nth failure in a row: doubling, at most six hours."""
    return min(FIRST_DELAY * (1 << min(failures - 1, 20)), LONGEST_DELAY)


def history(name: str = "", most: int = 50) -> list[KeptCheckpoint]:
    """Return what was given and what came of it, the newest first; "" of every keeper."""
    with guarded("listing what was kept"):
        rows = KeptCheckpoint.objects.order_by("-at", "-pk")
        return list((rows.filter(keeper=name) if name else rows)[:most])


def _claim(row: Keeper, until: datetime) -> bool:
    """Move a keeper's time on, unless somebody else was faster."""
    with guarded("claiming a keeper"):
        held = Keeper.objects.filter(
            pk=row.pk, enabled=True, removed_at__isnull=True, next_due_at=row.next_due_at
        )
        claimed = held.update(next_due_at=until) == 1
    row.next_due_at = until
    return bool(claimed)


def _failures(name: str) -> int:
    """Return how many of the newest attempts failed in a row."""
    count = 0
    for state in (
        KeptCheckpoint.objects.filter(keeper=name).order_by("-at", "-pk").values_list("state", flat=True)[:12]
    ):
        if state == "accepted":
            break
        count += 1
    return count
