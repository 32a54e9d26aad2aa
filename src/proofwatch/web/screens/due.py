"""When pictures are due: every week, and after what is checked was changed; done once, by some worker.

They are taken in a process of its own: a worker has Django without the pages, which it can be given only
once, and a browser that hangs or eats memory is ended without the worker. Nothing here needs the pages.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.db.models import Max, Q

from proofwatch.evidence.kinds import KINDS
from proofwatch.runtime import jobs
from proofwatch.store.django import guarded
from proofwatch.store.models import Job, LogEntry
from proofwatch.store.models.jobs import JobState
from proofwatch.store.services import screenshots
from proofwatch.store.services.actors import acting
from proofwatch.web.screens import ScreenError
from proofwatch.web.screens.pages import PAGES

if TYPE_CHECKING:
    from proofwatch.app import App
    from proofwatch.runtime.jobs import Lease

EVERY = timedelta(days=7)
TIMEOUT = 600.0
"""Seconds for all pages together; usual are 20, and four times that on a machine that is busy."""
ACTOR = "scheduler"
CHANGES = (*(kind for kind in KINDS if kind.startswith("check.")), "controls.approved")
RULES = "rule.changed"
FIRST = next(page.name for page in PAGES if page.configures)
"""Of the pages that show what is checked, the one that is drawn first: what it shows, all show."""
DRAWING = timedelta(minutes=1)
"""At most so long before its moment a picture's page was made."""
SETTING_UP = timedelta(hours=1)
"""So long after the log began, rules are made by setting up, and no change of what there was."""
WEEK, CHANGE, ASKED = "week", "change", "asked"
CAUSES = {WEEK: "schedule", CHANGE: "change", ASKED: "asked"}


def take(app: App, now: datetime) -> int:
    """Do what is due, unless another worker does; return how many times pictures were taken.

    Raises:
        ScreenError: the pictures could not be taken; the job waits for its next attempt.
        StoreError: the state cannot be used.
    """
    plan(now)
    done = 0
    while jobs.run_one(jobs.owner_name(), {jobs.PICTURES: partial(_run, app, now)}, only=jobs.PICTURES):
        done += 1
    return done


def plan(now: datetime) -> None:
    """Make the job that is due, once, whoever else does the same."""
    if _week_is_due(now):
        jobs.enqueue(jobs.PICTURES, f"{WEEK}:{now:%G-W%V}", now)
    elif changed := _changed():
        jobs.enqueue(jobs.PICTURES, f"{CHANGE}:{changed}", now)


def ask(actor: str, now: datetime) -> bool:
    """Let a worker take all pictures for somebody; False if that waits already.

    Raises:
        StoreError: the actor may not add evidence.
    """
    acting(actor, screenshots.DOING)
    waiting = Job.objects.filter(kind=jobs.PICTURES, state__in=(JobState.PENDING, JobState.RUNNING))
    with guarded("looking whether pictures were asked for"):
        if waiting.filter(key__startswith=f"{ASKED}:").exists():
            return False
    return jobs.enqueue(jobs.PICTURES, f"{ASKED}:{actor}:{now:%Y-%m-%dT%H:%MZ}", now)


def _week_is_due(now: datetime) -> bool:
    last = screenshots.newest("schedule")
    if last is not None:
        return bool(now - last.at >= EVERY)
    first = screenshots.began()
    return first is not None and now - first >= EVERY


def _changed() -> int | None:
    """Return the newest change of what is checked, if no picture is younger; None otherwise."""
    first = screenshots.began()
    if first is None:
        return None
    with guarded("looking for changes of what is checked"):
        later = Q(kind=RULES, at__gt=first + SETTING_UP)
        found = LogEntry.objects.filter(Q(kind__in=CHANGES) | later).aggregate(last=Max("index"))["last"]
        if found is None:
            return None
        last = screenshots.newest("schedule", "change", page=FIRST)
        at = LogEntry.objects.values_list("at", flat=True).get(index=found)
    return None if last is not None and last.at - DRAWING > at else int(found)


def _run(app: App, now: datetime, lease: Lease) -> None:
    """Take the pictures of a job in a process of its own. Raises ScreenError if none could be kept."""
    what, _, said = lease.key.partition(":")
    if lease.attempt > 1 and (
        (what == WEEK and not _week_is_due(now)) or (what == CHANGE and not _changed())
    ):
        return  # Its first worker was lost, and what that one had started took them all the same.
    actor = said.partition(":")[0] if what == ASKED else ACTOR
    command = [
        sys.executable,
        "-m",
        "proofwatch.cli",
        "screenshots",
        "take",
        "--json",
        "--cause",
        CAUSES[what],
    ]
    code, told = _child(command, {**os.environ, **_same(app), "PROOFWATCH_ACTOR": actor})
    if code:
        raise ScreenError(
            "taking pictures of pages", told or f"the process ended with {code}", permanent=False
        )


def _same(app: App) -> Mapping[str, str]:
    """Return the variables by which another process opens this installation."""
    settings = app.settings
    return {
        "PROOFWATCH_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url,
        "PROOFWATCH_OBJECTS": settings.objects,
        "PROOFWATCH_OBJECTS_ENDPOINT": settings.objects_endpoint,
        "PROOFWATCH_CHECKS": str(settings.checks),
        "PROOFWATCH_URL": settings.url,
        "PROOFWATCH_ORGANIZATION": settings.organization,
        "PROOFWATCH_BROWSER": settings.browser,
    }


def _child(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command; return how it ended and the last thing that it said about a problem.

    Raises:
        ScreenError: it took longer than `TIMEOUT`, or could not be started.
    """
    try:
        child = subprocess.Popen(  # noqa: S603 – our own program
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ScreenError("taking pictures of pages", error.strerror or str(error)) from None
    try:
        _, said = child.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        problem = f"it was not done within {TIMEOUT:.0f} s and was ended"
        raise ScreenError("taking pictures of pages", problem, permanent=False) from None
    finally:
        if child.poll() is None:  # Late, or this worker was asked to stop: the browser goes with it.
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return child.returncode, " ".join(said.split())[-500:]
