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


def invite(app: App, inbox: Inbox) -> None:
    """Name the people of the company, and the channel that they read."""
    from proofwatch.alerts import channelbook, people

    now = datetime.now(UTC)
    people.add("ana", role="lead", actor=app.actor, now=now, full_name="Ana (demo)")
    people.add("bob", role="owner", actor=app.actor, now=now, full_name="Bob (demo)")
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
    opened = [row for row in review.query(state="open") if row.pk in set(told)]
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
        task = tasks.query(live=True)[0]
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
