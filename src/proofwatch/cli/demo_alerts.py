"""The demo's second half: who is told, who answers, what is to be repaired."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from proofwatch.app import App
from proofwatch.cli.output import print_table, safe, say, status_text

if TYPE_CHECKING:
    from proofwatch.demo.inbox import Inbox

SECRET = "PROOFWATCH_DEMO_SLACK"  # noqa: S105 – the name of a variable


def listen(app: App, inbox: Inbox, now: datetime) -> None:
    """Let the people of the company read a channel."""
    from proofwatch.alerts import channelbook

    os.environ[SECRET] = inbox.url
    channelbook.save(
        "slack", "slack-webhook", {"url": f"env:{SECRET}"}, actor=app.actor, now=now, client=app.client
    )


def deliver(app: App) -> int:
    """Deliver what waits; return how many attempts were made."""
    from proofwatch.alerts import outbox

    return outbox.drain(app.sender("demo"))


def tell(app: App, inbox: Inbox) -> dict[str, Any]:
    """Deliver the messages, let a person review the worst alert, and show what follows from it."""
    from proofwatch.alerts import review
    from proofwatch.remediation import tasks
    from proofwatch.store.models import Delivery

    deliver(app)
    say("8. Who was told (a local stand-in for Slack took these)", "bold")
    for text in inbox.texts:
        say(f"   {safe(text)[:150]}")
    told = Delivery.objects.filter(state="accepted", alert__isnull=False).values_list("alert", flat=True)
    opened = [row for row in review.query(live=True) if row.pk in set(told) and row.reviewed_at is None]
    opened.sort(key=lambda row: row.observed_at, reverse=True)  # What is new comes first.
    task = None
    if opened:
        now = datetime.now(UTC)
        row = opened[0]
        review.view(row, by="ana", now=now, channel="demo")
        review.review(
            [row.name], "repair", "close the port to the internet", by="ana", now=now, channel="demo"
        )
        tasks.by_policy(now)
        deliver(app)
        (task,) = [item for item in tasks.query(live=True) if item.alert_id == row.pk]
        say(f"\n   ana reviews {row.name} and decides to repair; the rule makes {task.name}:")
        print_table(
            ["Task", "State", "Severity", "Due", "What"],
            [(task.name, status_text(task.state), task.severity, task.due_at, task.title)],
        )
    say()
    app.sign()
    return {
        "messages": len(inbox.texts),
        "alerts": [row.name for row in opened],
        "task": task.name if task else "",
    }
