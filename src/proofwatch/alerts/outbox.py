"""Delivery: each queued message is sent at least once, in the order of its thread, whoever dies meanwhile.

A message is claimed by a conditional UPDATE and a lease; what came of an attempt is written with the new
state and a log entry in one transaction. A worker that ends between sending and writing leaves an attempt
without an outcome: the next one records it as unanswered, sends again with the same idempotency key, and
marks that a second copy may have arrived.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from proofwatch.alerts import channelbook, silences
from proofwatch.alerts.base import AlertError, utc_text
from proofwatch.alerts.channels.base import ChannelError, Happened, Message, NotAccepted, Receipt
from proofwatch.alerts.messages import from_body, resources
from proofwatch.alerts.notices import KEPT_QUIET, Notices
from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import SecretError
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import ChannelConfig, Delivery, DeliveryAttempt
from proofwatch.store.models.deliveries import WAITING, DeliveryState

LEASE = timedelta(minutes=2)
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=10), timedelta(hours=1)
MOST_ATTEMPTS = 14
"""Over about eight hours; a message that nobody took by then is failed, which is an alert of its own."""
STORM = 10
"""More first messages than this, waiting for one channel at once, become one digest."""
FIRST_MESSAGES = tuple(map(str, (Happened.OPENED, Happened.REGRESSED, Happened.REPEATED, Happened.ESCALATED)))
LAST_MESSAGES = (str(Happened.RESTORED), str(Happened.GONE))
"""Gathered as well, but for what the channel was told of one by one: that has to be ended one by one."""
GATHER_EVERY = 100
CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class Sender:
    """What sending works with.

    Attributes:
        client: reaches providers.
        owner: name of this worker, that no other has.
        texts: check id → (why it matters, how to fix it); None for one that is unknown.
        url: where people reach the pages, without a slash at its end; "" if nowhere.
        mark: "", or a label that every message must bear: DEMO DATA.
        clock: the time.
        step: hears of each step; the tests of interruption stop here.
    """

    client: Client
    owner: str
    texts: Callable[[str], tuple[str, str] | None] = lambda check: None
    url: str = ""
    mark: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    step: Callable[[str], None] = lambda name: None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one attempt: accepted, retry, failed or unanswered."""

    outcome: str
    answer: str
    receipt: Receipt | None = None
    retry_after: float | None = None


def drain(sender: Sender, most: int = 1000) -> int:
    """Send what is due until nothing is; return how many attempts were made."""
    for done in range(most):
        if done % GATHER_EVERY == 0:
            gather_storms(sender.clock())
        row = claim(sender.owner, sender.clock())
        if row is None:
            return done
        deliver(row, sender)
    return most


def claim(owner: str, now: datetime, delivery: Delivery | None = None) -> Delivery | None:
    """Take the message that is due longest, or just this one; None if there is none to take.

    A message waits for the one before it in its thread on its channel, unless that one has failed.
    """
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    before = Delivery.objects.filter(
        channel=OuterRef("channel"),
        thread=OuterRef("thread"),
        state__in=WAITING,
        order__lt=OuterRef("order"),
    )
    rows = Delivery.objects.filter(free, state__in=WAITING, due_at__lte=now)
    rows = rows.filter(pk=delivery.pk) if delivery else rows.exclude(Exists(before))
    with guarded("claiming a message"):
        for row in rows.order_by("due_at", "order", "pk")[:CANDIDATES]:
            seen = Delivery.objects.filter(
                free, pk=row.pk, state__in=WAITING, attempts=row.attempts, lease_owner=row.lease_owner
            )
            held = {"lease_owner": owner, "leased_until": now + LEASE, "attempts": row.attempts + 1}
            if seen.update(**held):
                found: Delivery = Delivery.objects.select_related("alert__connection").get(pk=row.pk)
                return found
    return None


def deliver(row: Delivery, sender: Sender) -> Delivery:
    """Make one attempt to send a claimed message, and write down what came of it."""
    sender.step("claimed")
    _missing_attempts(row, sender.clock())
    held = _held_now(row, sender.clock())
    if held:
        return _end(row, DeliveryState.NOT_SENT, held, sender.clock())
    began = time.monotonic()
    sender.step("sending")
    tried = _try(row, sender)
    sender.step("sent")
    return _record(row, tried, time.monotonic() - began, sender.clock())


def gather_storms(now: datetime) -> int:
    """Put messages that wait for one channel in too great a number into one digest; return how many."""
    counted = Counter(_gatherable(now).values_list("channel", flat=True))
    known = set(ChannelConfig.objects.filter(removed_at__isnull=True).values_list("name", flat=True))
    stormy = [name for name, number in counted.items() if number > STORM and name in known]
    return sum(_gather(name, now) for name in stormy)


def _gatherable(now: datetime) -> QuerySet:
    """Return the messages that may be told by one that counts them: nobody was told of their alert before."""
    told = Delivery.objects.filter(
        alert=OuterRef("alert"), channel=OuterRef("channel"), sent_at__isnull=False
    )
    endings = Q(happened__in=LAST_MESSAGES) & ~Exists(told)
    rows = Delivery.objects.filter(
        state=DeliveryState.QUEUED, attempts=0, due_at__lte=now, lease_owner="", alert__isnull=False
    )
    found: QuerySet = rows.filter(Q(happened__in=FIRST_MESSAGES) | endings)
    return found


def _gather(channel: str, now: datetime) -> int:
    with write(f"gathering the messages for {channel}"):
        log.lock()
        config = ChannelConfig.objects.filter(pk=channel, removed_at__isnull=True).first()
        waiting = _gatherable(now).filter(channel=channel)
        rows = list(waiting.select_related("alert", "alert__connection").order_by("order"))
        loud = [row for row in rows if row.alert and not _silenced(row, now)]
        if config is None or len(loud) <= STORM:
            return 0
        notices = Notices(now)
        lines = [f"{row.alert.severity}: {row.alert.name} {row.message['headline']}" for row in loud]
        ended = sum(row.happened in LAST_MESSAGES for row in loud)
        headline = f"{len(loud)} alerts at once" + (f", {ended} of them ended" if ended else "")
        note = f"{len(loud)} messages were held back and are told here."
        thread = f"storm-{rows[0].pk.hex}"
        digest = notices.digest(config, thread, headline, lines, note)
        notices.save()
        reason = f"grouped into one message with {len(loud) - 1} others"
        keys = [row.pk for row in loud]
        for start in range(0, len(keys), 500):
            part = Delivery.objects.filter(pk__in=keys[start : start + 500], attempts=0, lease_owner="")
            part.update(state=DeliveryState.NOT_SENT, reason=reason, into=digest)
    return len(loud)


def _silenced(row: Delivery, now: datetime) -> bool:
    return silences.covering(row.alert, silences.running(now)) is not None


def _held_now(row: Delivery, now: datetime) -> str:
    """Return why a queued message is not sent after all: silences and switches count at once."""
    config = ChannelConfig.objects.filter(pk=row.channel).first()
    if config is None or config.removed_at or not config.enabled:
        return f"channel {row.channel} is off: {config.reason if config else 'it was removed'}"
    if row.alert is None or row.attempts > 1:
        return ""  # What may have arrived already has to be told to its end.
    if Happened(row.happened) in KEPT_QUIET or row.happened == Happened.ESCALATED:
        silence = silences.covering(row.alert, silences.running(now))
        if silence is not None:
            return f"silenced by {silence.by} until {utc_text(silence.until)}: {silence.reason}"
    return ""


def _try(row: Delivery, sender: Sender) -> Tried:
    config = ChannelConfig.objects.get(pk=row.channel)
    doing = f"sending to {row.channel}"
    try:
        channel = channelbook.build(config.kind, config.settings, sender.client, doing)
        receipt = channel.send(_complete(row, sender), _thread(row))
    except NotAccepted as error:
        outcome = "failed" if error.permanent else "unanswered" if error.unanswered else "retry"
        return Tried(outcome, error.answer or error.problem, retry_after=error.retry_after)
    except (ChannelError, AlertError, SecretError) as error:
        # A secret or setting that is mended soon must not cost the message.
        return Tried("retry", f"{error.problem} ({error.remedy})" if error.remedy else error.problem)
    except Exception as error:  # noqa: BLE001 - recorded as the attempt's outcome, then tried again
        problem = error.problem if isinstance(error, ProofwatchError) else type(error).__name__
        return Tried("unanswered", f"our own fault: {problem}")
    return Tried("accepted", receipt.answer, receipt)


def _complete(row: Delivery, sender: Sender) -> Message:
    """Add what is known only here: links, and why it matters and how to mend it."""
    message = from_body(row.message)
    if row.alert is not None and message.more and not message.failing:
        failing, checks, more = resources(row.alert)
        message = replace(message, failing=failing, checks=checks, more=more)
    texts = [sender.texts(name) for name, _ in message.checks]
    found = next((item for item in texts if item), ("", ""))
    path = f"/alerts/{message.number}" if message.number else "/alerts"
    return replace(
        message,
        mark=message.mark or sender.mark,
        why=message.why or found[0],
        fix=message.fix or found[1],
        link=f"{sender.url}{path}" if sender.url else "",
    )


def _thread(row: Delivery) -> Mapping[str, Any] | None:
    """Return what the newest accepted message of the thread said the next one must carry."""
    rows = Delivery.objects.filter(channel=row.channel, thread=row.thread, state=DeliveryState.ACCEPTED)
    newest = rows.order_by("-order").first()
    return newest.receipt.get("thread") if newest else None


def _missing_attempts(row: Delivery, now: datetime) -> None:
    """Write down the attempts whose worker ended before it could say what came of them."""
    known = set(DeliveryAttempt.objects.filter(delivery=row).values_list("number", flat=True))
    lost = [number for number in range(1, row.attempts) if number not in known]
    if not lost:
        return
    with write("recording an attempt that was cut off"):
        log.lock()
        for number in lost:
            tried = Tried("unanswered", "the worker ended during the attempt")
            _write_attempt(row, number, tried, 0.0, now)
        Delivery.objects.filter(pk=row.pk).update(perhaps_twice=True)
        row.perhaps_twice = True


def _record(row: Delivery, tried: Tried, seconds: float, now: datetime) -> Delivery:
    with write("recording what came of a message"):
        log.lock()
        held = Delivery.objects.filter(pk=row.pk, lease_owner=row.lease_owner, attempts=row.attempts)
        _write_attempt(row, row.attempts, tried, seconds, now)
        values: dict[str, Any] = {"lease_owner": "", "leased_until": None, "reason": tried.answer[:500]}
        if tried.outcome == "accepted" and tried.receipt is not None:
            receipt = {"id": tried.receipt.id, "answer": tried.answer, "thread": dict(tried.receipt.thread)}
            values |= {"state": DeliveryState.ACCEPTED, "sent_at": now, "receipt": receipt}
        elif tried.outcome == "failed" or row.attempts >= MOST_ATTEMPTS or row.happened == Happened.TEST:
            # A test says how it is now: one that arrives later, by itself, would only puzzle somebody.
            values |= {"state": DeliveryState.FAILED}
        else:
            rest = timedelta(seconds=min(tried.retry_after or 0.0, 86400.0))
            values |= {"state": DeliveryState.RETRYING, "due_at": now + max(rest, delay(row.attempts))}
        if tried.outcome == "unanswered":
            values["perhaps_twice"] = True
        held.update(**values)
        if row.happened == Happened.TEST:
            ChannelConfig.objects.filter(pk=row.channel).update(
                tested_at=now, tested=f"{tried.outcome}: {tried.answer}"[:500]
            )
    row.refresh_from_db()
    return row


def delay(attempt: int) -> timedelta:
    """Return how long a message rests after its nth attempt: doubling, at most an hour."""
    return min(FIRST_DELAY * (1 << min(max(attempt, 1) - 1, 20)), LONGEST_DELAY)


def _end(row: Delivery, state: str, reason: str, now: datetime) -> Delivery:
    with write("recording a message that is not sent"):
        log.lock()
        # The claim counted an attempt that was not made.
        Delivery.objects.filter(pk=row.pk, lease_owner=row.lease_owner, attempts=row.attempts).update(
            state=state, reason=reason, lease_owner="", leased_until=None, attempts=row.attempts - 1
        )
        log.append("delivery.held", "system", {**_named(row), "reason": reason}, now)
    row.refresh_from_db()
    return row


def _write_attempt(row: Delivery, number: int, tried: Tried, seconds: float, now: datetime) -> None:
    DeliveryAttempt.objects.create(
        delivery=row, number=number, at=now, seconds=seconds, outcome=tried.outcome,
        answer=tried.answer[:500], retry_after=tried.retry_after,
    )  # fmt: skip
    data = {
        **_named(row),
        "attempt": number,
        "outcome": tried.outcome,
        "answer": tried.answer[:500],
        "receipt": tried.receipt.id if tried.receipt else "",
    }
    log.append("delivery.attempted", "system", data, now)


def _named(row: Delivery) -> dict[str, Any]:
    return {
        "delivery": str(row.pk),
        "channel": row.channel,
        "alert": str(row.alert_id or ""),
        "happened": row.happened,
    }
