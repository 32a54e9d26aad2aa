"""A state with a log that somebody signs, and keepers that answer as a test wants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from proofwatch.evidence.note import Signer
from proofwatch.evidence.objects import LocalObjects
from proofwatch.outside import registry
from proofwatch.outside.base import Answer, KeeperSettings
from proofwatch.outside.giving import Giver
from proofwatch.store import django, log
from tests.outside.samples import LOCAL

KEY = Signer("test.example/log", b"k" * 32)
START = datetime(2026, 11, 28, 9, tzinfo=UTC)


class Clock:
    """The time of a test, which moves only when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def later(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


def note(number: int, clock: Clock) -> None:
    """Append an entry and sign, as anything that happens does."""
    with django.write("testing"):
        log.append("log.noted", "me", {"number": number}, clock())
    log.sign_checkpoint(KEY, clock())


def giver(folder: Path, clock: Clock) -> Giver:
    return Giver(LOCAL, LocalObjects(folder / "objects"), KEY.vkey, "Acme Ltd", clock)


class ScriptSettings(KeeperSettings):
    """Which answers a scripted keeper takes."""

    script: str


class Script:
    """A keeper whose answers a test wrote: the ways in which a keeper can fail have no other engine."""

    kind: ClassVar[str] = "script"
    about: ClassVar[str] = "For tests."
    interval_minutes: ClassVar[int] = 60
    settings: ClassVar[type[KeeperSettings]] = ScriptSettings
    answers: ClassVar[dict[str, list[Any]]] = {}
    given: ClassVar[list[tuple[str, int]]] = []

    def keep(self, settings: Any, given: Any, client: Any) -> Answer:
        self.given.append((settings.script, given.size))
        waiting = self.answers.get(settings.script, [])
        answer = waiting.pop(0) if waiting else Answer(f"{settings.script}-{given.size}")
        if callable(answer):
            answer = answer(given)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def scripted(monkeypatch: Any, **answers: list[Any]) -> type[Script]:
    """Register the scripted keeper for one test."""
    monkeypatch.setitem(registry.KEEPERS, "script", "script:Script")
    found = registry.keeper
    monkeypatch.setattr(Script, "answers", answers)
    monkeypatch.setattr(Script, "given", [])
    for module in ("book", "giving", "comparing"):
        monkeypatch.setattr(
            f"proofwatch.outside.{module}.keeper", lambda kind: Script() if kind == "script" else found(kind)
        )
    return Script
