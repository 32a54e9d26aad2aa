"""The demo's beginning: a rehearsal that tells what fails, and the ninety days before it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proofwatch.app import App
from proofwatch.cli.output import say
from proofwatch.cli.progress import stage_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofwatch.demo.history import Seen
    from proofwatch.demo.inbox import Inbox

Given = dict[str, Any]


def rehearse(app: App, given: Given) -> Sequence[Seen]:
    """Read the company once into a state that is thrown away; return what each check found.

    Args:
        app: the demo's installation; nothing of it is touched.
        given: settings of the connection.
    """
    from proofwatch.cli.setup import initialise, make_connection
    from proofwatch.cli.sweeps import run_sweep

    with tempfile.TemporaryDirectory(prefix="proofwatch-demo-") as folder:
        home = Path(folder)
        settings = replace(
            app.settings,
            home=home,
            database_url=f"sqlite:///{home}/state.sqlite3",
            objects=str(home / "objects"),
        )
        other = App(settings)
        initialise(other)
        make_connection(other, "aws", "aws", given)
        from proofwatch.demo.history import first_reading
        from proofwatch.store import django
        from proofwatch.store.services import connections

        run_sweep(other, connections.get("aws"), trigger="demo", slot=datetime.now(UTC), quiet=True)
        found = first_reading()
        django.disconnect()
    return found


def tell(app: App, seen: Sequence[Seen], box: Inbox, now: datetime) -> None:
    """Tell the ninety days before now into the demo's state, which begins with them."""
    from proofwatch.alerts import outbox
    from proofwatch.cli import demo_alerts
    from proofwatch.demo import history
    from proofwatch.evidence.keys import load_key
    from proofwatch.store import log
    from proofwatch.store.services import audits, connections, controls

    begins = history.begin(now)
    history.invite(begins)
    demo_alerts.listen(app, box, begins)
    listed = controls.current()
    if listed is not None:
        controls.approve(listed.number, actor="bob", now=begins, note="as agreed with the auditor")
    key = load_key(app.settings.key_file)

    def send(at: datetime) -> int:
        done = outbox.drain(replace(app.sender("demo"), clock=lambda: at))
        log.sign_checkpoint(key, at)
        return done

    story = history.Story(connections.get("aws"), app.objects, history.plot(seen), now, send)
    with stage_progress(True) as progress:
        told = story.tell(progress)
    connections.change(connections.get("aws"), actor="bob", now=now, interval_minutes=15)
    first = (now - timedelta(days=history.DAYS)).date()
    audits.save(
        "soc2-demo", first, first + timedelta(days=364), actor="bob", now=now,
        reason="the engagement letter (demo)", auditor="Alex (demo auditor)",
    )  # fmt: skip
    box.texts.clear()
    say(
        f"   90 days of simulated history: {told['sweeps']} sweeps, {told['reviews']} reviews,"
        f" {told['repairs']} {'repair' if told['repairs'] == 1 else 'repairs'}.\n"
    )
