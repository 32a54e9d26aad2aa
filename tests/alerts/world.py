"""A company of one connection and two controls, swept as often as a test wants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from proofwatch.alerts import engine, people, rulebook
from proofwatch.alerts.rules import Rule
from proofwatch.controls.base import Control, ControlList
from proofwatch.store import reconcile
from proofwatch.store.models import Alert, AlertEvent
from proofwatch.store.outcome import Outcome
from proofwatch.store.services import controls
from tests.store.samples import CHECK, HERE, MINUTE, NOW, Folder, begun, connection, outcome

A, B, C = ((*HERE, f"vol-{name}") for name in "abc")
FAIL, PASS = ("fail", "not encrypted"), ("pass", "encrypted with key-1")
UNSURE = ("inconclusive", "encrypted could not be read")
FAILING = Rule(id="failing", title="A control fails", when="failing", wait_minutes=30)


def control(name: str, *checks: str) -> Control:
    return Control(name, f"Control {name}", "…", "lead", ("CC6.1",), checks, ("aws",), "hourly")


class World:
    """Sweeps every fifteen minutes; the alerts follow in the same transaction."""

    def __init__(self, folder: Path, *rules: Rule) -> None:
        self.owner = connection()
        self.objects = Folder(folder)
        self.minutes = 0
        listed = ControlList("soc2", "1", "t", (control("ENC", CHECK), control("LOG", "aws.x.log")), "0" * 64)
        controls.import_list(listed, actor="owner", now=NOW)
        rulebook.save(rules or (FAILING,), actor="owner", now=NOW, reason="for the test")
        people.add("ana", role="lead", actor="owner", now=NOW, email="ana@example.com")
        people.add("aud", role="auditor", actor="owner", now=NOW)

    @property
    def now(self) -> datetime:
        return NOW + self.minutes * MINUTE

    def sweep(self, rows: Mapping[Any, Any], *, check: str = CHECK, minutes: int = 15, **values: Any) -> Any:
        return self.apply(outcome({check: dict(rows)}, **values), minutes=minutes)

    def apply(self, found: Outcome, *, minutes: int = 15) -> Any:
        self.minutes += minutes
        self.run = begun(self.owner, self.minutes)
        return reconcile.apply(self.run, found, self.objects, now=self.run.observed_at, also=engine.observe)

    def tick(self, minutes: int) -> None:
        self.minutes += minutes
        engine.tick(self.now)

    @property
    def alert(self) -> Alert:
        return Alert.objects.get(current=True)

    def told(self) -> list[str]:
        """Return every state that the alert came to, in order."""
        rows = AlertEvent.objects.filter(alert=self.alert).order_by("pk")
        return [row.after for row in rows if row.before != row.after]
