"""False positives: one person says so, a second one confirms, and it holds until a date or a changed rule."""

from __future__ import annotations

from datetime import datetime, timedelta

from proofwatch.alerts import people, rulebook
from proofwatch.alerts.base import ACTIVE, AlertError, Kind, Signal
from proofwatch.alerts.book import Book, note
from proofwatch.alerts.review import get
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import Alert, AlertEvent, AlertResource

LONGEST = timedelta(days=365)
PROPOSED = "false positive proposed"


def dismiss(name: str, reason: str, until: datetime, *, by: str, now: datetime) -> tuple[Alert, bool]:
    """Propose that an alert is a false positive, or confirm what another person proposed.

    Returns:
        the alert, and whether it is closed now.

    Raises:
        AlertError: no reason, an end that is past or more than a year away, or the alert is not active.
    """
    doing = f"calling {name} a false positive"
    if not reason.strip():
        raise AlertError(doing, "a reason is needed", "say why the check is wrong about it")
    if not now < until <= now + LONGEST:
        raise AlertError(doing, "its end must lie within a year", "it is looked at again then")
    person = people.acting(by, doing)
    with write(doing):
        log.lock()
        row = get(name)
        if row.state not in ACTIVE:
            raise AlertError(doing, f"it is {row.state}", "only an active alert can be one")
        first = _proposal(row)
        closes = first is not None and first.actor != by
        if closes and first is not None:
            # The shorter of the two ends counts: neither person agreed to more.
            end = min(until, datetime.fromisoformat(first.data["until"]))
            book = Book(now)
            policy = rulebook.form(rulebook.get(row.rule_id)).policy(row.severity)
            signal = Signal(Kind.DISMISS, now, until=end)
            book.move(row, signal, policy, actor=by, role=person.role, reason=reason.strip())
            row.rule_digests = _judged(row)
            row.reason = f"false positive, said {first.actor} and {by}: {reason.strip()}"
            book.save()
        elif first is None:
            note(row, PROPOSED, by, person.role, now, reason.strip(), until=log.text(until))
        else:
            raise AlertError(doing, f"{by} proposed it already", "another person has to confirm it")
        data = {"alert": str(row.pk), "number": row.number, "role": person.role, "reason": reason.strip()}
        log.append("alert.dismissed", by, {**data, "until": log.text(until), "confirmed": closes}, now)
    return row, closes


def _judged(row: Alert) -> dict[str, str]:
    """Return finding → the digest of the rule by which it fails: what the two people spoke about."""
    inside = AlertResource.objects.filter(alert=row, ended_at__isnull=True)
    return {pk.hex: rule for pk, rule in inside.values_list("finding_id", "finding__rule")}


def _proposal(row: Alert) -> AlertEvent | None:
    """Return the newest proposal since the alert last opened."""
    rows = AlertEvent.objects.filter(alert=row, kind=PROPOSED)
    if row.opened_at:
        rows = rows.filter(at__gte=row.opened_at)
    found: AlertEvent | None = rows.order_by("-pk").first()
    return found
