"""What is wrong with this installation, and how to mend it: for `doctor`, and for the page of its health."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from proofwatch.app import App
from proofwatch.errors import ProofwatchError

Level = Literal["ok", "warning", "wrong"]
LEAST_FREE = 1 << 30
OLD_PICTURE = timedelta(days=8)
"""Pictures of the pages are taken every week."""
SOON = timedelta(days=14)
"""How long before the end of a credential it is time to renew it."""
IDLE = timedelta(minutes=2)
"""How long what is due may wait before it looks as if nobody were there to do it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    said: str
    remedy: str = ""


def look(app: App, *, offline: bool = False) -> list[Finding]:
    """Look at everything.

    Args:
        app: the installation.
        offline: do not ask the source systems.
    """
    found: list[Finding] = []
    for part in (_home, _state, _key, _objects, _catalog, _controls):
        found += _guarded(part, app)
    if not any(item.level == "wrong" and item.what == "state" for item in found):
        found += _guarded(_connections, app)
        found += _guarded(_telling, app)
        found += _guarded(_working, app)
        found += _guarded(_pictures, app)
        found += _guarded(_outside, app)
        if not offline:
            found += _guarded(_systems, app)
    return found


def _telling(app: App) -> Iterator[Finding]:
    """Say whether anybody would be told of an alert at all."""
    from proofwatch.alerts import channelbook, drills, people
    from proofwatch.store.models import Delivery

    channels = [row for row in channelbook.every() if row.enabled]
    if not channels:
        remedy = "proofwatch channels add --help"
        yield Finding("warning", "channels", "there is none: nobody is told of an alert", remedy)
    for row in channels:
        tried = Delivery.objects.filter(channel=row.name)
        last = tried.filter(sent_at__isnull=False).order_by("-sent_at").first()
        if last is None:
            said = f"{row.name} never accepted a message{f': {row.tested}' if row.tested else ''}"
            yield Finding("warning", "channels", said, f"proofwatch channels test {row.name}")
        elif row.tested_at and last.sent_at < row.tested_at:
            said = f"the last test of {row.name} failed: {row.tested}"
            yield Finding("warning", "channels", said, f"proofwatch channels test {row.name}")
    failed = Delivery.objects.filter(state="failed", alert__isnull=False).select_related("alert")
    if failed.exists():
        newest = failed.order_by("-order")[0]
        said = f"{failed.count()} could not be delivered, the last about {newest.alert.name}"
        yield Finding("warning", "messages", said, f"proofwatch alerts why {newest.alert.name}")
    if not [person for person in people.every() if person.role in ("owner", "lead")]:
        remedy = "proofwatch people add NAME --role lead"
        yield Finding("warning", "people", "nobody may review an alert or approve a risk", remedy)
    last = next(iter(drills.every(1)), None)
    if channels and (last is None or last.state == "failed"):
        said = f"the last one failed: {last.reason}" if last else "none was ever made"
        yield Finding("warning", "drill", said, "proofwatch drill")


def _working(app: App) -> Iterator[Finding]:
    """Say whether a worker does what is due, and whether the trackers hear what they are told."""
    from proofwatch.remediation import trackerbook
    from proofwatch.runtime import scheduler
    from proofwatch.store.models import Delivery, Hint, TicketStep

    late = datetime.now(UTC) - IDLE
    waiting = {
        "messages": Delivery.objects.filter(state="queued", due_at__lt=late, attempts=0).count(),
        "events": Hint.objects.filter(heard_at__lt=late, due_at__isnull=True).count(),
        "ticket steps": TicketStep.objects.filter(state="queued", due_at__lt=late, attempts=0).count(),
    }
    due = scheduler.next_due()
    found = [f"{number} {what}" for what, number in waiting.items() if number]
    found += [f"a sweep since {due:%Y-%m-%d %H:%M:%SZ}"] if due is not None and due < late else []
    if found:
        said = f"{', '.join(found)} are due and nobody takes them: no worker seems to run"
        yield Finding("warning", "worker", said, "proofwatch worker")
    for row in trackerbook.every():
        if row.problem:
            yield Finding(
                "warning", "trackers", f"{row.name}: {row.problem}", f"proofwatch trackers test {row.name}"
            )


def _pictures(app: App) -> Iterator[Finding]:
    """Say whether pages can be kept as pictures, and whether some were lately."""
    from proofwatch.runtime import browsers
    from proofwatch.store.services import screenshots

    if problem := browsers.problem(app.settings.browser):
        said = f"{problem}: lists are kept as PDF instead"
        yield Finding("warning", "pictures", said, browsers.REMEDY)
    if missing := screenshots.overdue(datetime.now(UTC), OLD_PICTURE):
        remedy = "proofwatch screenshots take; a running worker takes them every week"
        yield Finding("warning", "pictures", missing, remedy)


def _outside(app: App) -> Iterator[Finding]:
    """Say whether somebody outside keeps checkpoints, which alone reveals a log rewritten as a whole."""
    from proofwatch.outside import comparing

    for level, said, remedy in comparing.problems():
        yield Finding(level, "outside", said, remedy)


def _guarded(part: Callable[[App], Iterator[Finding]], app: App) -> list[Finding]:
    """Turn an error of one look into its finding, so that the others are still made."""
    found: list[Finding] = []
    try:
        found.extend(part(app))
    except ProofwatchError as error:
        found.append(
            Finding("wrong", part.__name__.strip("_"), f"{error.doing}: {error.problem}", error.remedy)
        )
    return found


def _home(app: App) -> Iterator[Finding]:
    home = app.settings.home
    if not home.is_dir():
        yield Finding(
            "wrong", "home", f"{home} does not exist", "Run `proofwatch init`, or set PROOFWATCH_HOME."
        )
        return
    if not os.access(home, os.W_OK):
        yield Finding("wrong", "home", f"{home} cannot be written", f"chown or chmod {home}")
    for path in (home, home / "proofwatch.sqlite3", app.settings.key_file.parent):
        if path.exists() and path.stat().st_mode & 0o077:
            shown = f"{path} may be read by others (mode {path.stat().st_mode & 0o777:o})"
            yield Finding("warning", "home", shown, f"chmod go= {path}")
    free = shutil.disk_usage(home).free
    level: Level = "ok" if free > LEAST_FREE else "warning"
    yield Finding(
        level, "home", f"{home}, {free / 2**30:.1f} GiB free", "" if level == "ok" else "Make room."
    )


def _state(app: App) -> Iterator[Finding]:
    from proofwatch.store import django

    app.open()
    yield Finding("ok", "state", f"{django.where()}, schema up to date")


def _key(app: App) -> Iterator[Finding]:
    from proofwatch.evidence.keys import load_key

    yield Finding("ok", "signing key", load_key(app.settings.key_file).vkey)


def _objects(app: App) -> Iterator[Finding]:
    from proofwatch.reports.bucket import open_bucket
    from proofwatch.store import log

    app.open()
    probe = b"proofwatch doctor\n"
    digest = app.objects.put(probe)
    app.objects.get(digest)
    checkpoint = log.DjangoLog().checkpoint()
    signed = checkpoint.split("\n")[1] if checkpoint else "0"
    yield Finding("ok", "objects", f"{app.settings.objects} takes and returns objects")
    bucket = open_bucket(app.settings.objects, app.settings.objects_endpoint)
    if bucket is not None and bucket.keeps_first(digest, probe) is not True:
        said = "the bucket does not refuse to take an object again (If-None-Match), or does not say so"
        remedy = (
            "Nothing is lost where it keeps versions; `proofwatch evidence verify` counts what is doubled."
        )
        yield Finding("warning", "objects", said, remedy)
    size = log.DjangoLog().size()
    level: Level = "ok" if str(size) == signed else "warning"
    yield Finding(level, "evidence log", f"{size} entries, {signed} of them signed")


def _catalog(app: App) -> Iterator[Finding]:
    from proofwatch.store.judgement import fitting_params
    from proofwatch.store.services import checks

    off = checks.disabled()
    own = sum(check.path.is_relative_to(app.settings.checks) for check in app.catalog.checks.values())
    yield Finding("ok", "checks", f"{len(app.catalog.checks)} load ({own} your own)")
    _, unfit = fitting_params(app.catalog.checks.values(), checks.params())
    for name, why in unfit.items():
        remedy = "Set them anew: mend its `params` in proofwatch.yaml and run `proofwatch config apply`."
        yield Finding("wrong", "checks", f"{name} is inconclusive: {why}", remedy)
    for name, why in off.items():
        yield Finding(
            "warning", "checks", f"{name} is off: {why}", f"proofwatch checks enable {name} --reason …"
        )


def _controls(app: App) -> Iterator[Finding]:
    from proofwatch.store.services import checks, controls

    app.open()
    row = controls.current()
    if row is None:
        yield Finding("wrong", "controls", "there is no control list", "Run `proofwatch init`.")
        return
    approved = row.approvals.exists()
    words = "approved" if approved else "not approved"
    said = f"import {row.number}, {len(row.body['controls'])} controls, {words}"
    yield Finding(
        "ok" if approved else "warning", "controls", said, "" if approved else "proofwatch controls approve"
    )
    off = checks.disabled()
    for control in controls.controls_of(row):
        enabled = [name for name in control.checks if name not in off]
        if control.checks and not enabled:
            yield Finding("warning", "controls", f"{control.id} has no enabled check left")


def _connections(app: App) -> Iterator[Finding]:
    from proofwatch.store.services import connections, sweeps

    now = datetime.now(UTC)
    every = connections.every()
    if not every:
        yield Finding("warning", "connections", "there is none", "proofwatch connect aws --help")
    for item in every:
        name = f"connection {item.name}"
        if item.read_only is False:
            remedy = "Attach the generated read-only policy only; see docs/reference."
            yield Finding("warning", name, "its identity could write", remedy)
        if item.state == "needs permission":
            yield Finding(
                "warning", name, f"missing: {item.problem}", "Attach the generated read-only policy."
            )
        ends = connections.credential_ends(item)
        if ends is not None and ends < now + SOON:
            said = f"its credential {'ended' if ends <= now else 'ends'} at {ends:%Y-%m-%d %H:%M:%SZ}"
            remedy = f"Renew it at the provider, then `proofwatch connect {item.kind} --name {item.name} …`."
            yield Finding("warning", name, said, remedy)
        if connections.is_stale(item, now):
            yield Finding(
                "warning", name, "no complete sweep in two intervals", f"proofwatch sweep {item.name}"
            )
        last = sweeps.latest(item)
        gaps = sweeps.gaps(last) if last else []
        for reason in sorted({gap.reason for gap in gaps}):
            places = sum(gap.reason == reason for gap in gaps)
            yield Finding("warning", name, f"{places} places exist and are not read: {reason}")


def _systems(app: App) -> Iterator[Finding]:
    from proofwatch.connectors.registry import connector_class
    from proofwatch.store.services import connections

    for item in connections.every():
        cls = connector_class(item.kind)
        try:
            identity = cls(cls.parse_settings(item.settings)).identity()
        except ProofwatchError as error:
            yield Finding("wrong", f"connection {item.name}", error.problem, error.remedy)
        else:
            yield Finding("ok", f"connection {item.name}", f"{cls.title} knows us as {identity.principal}")
