"""The last part of the demo: the binder that an auditor receives, verified and judged again."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from proofwatch.app import App
from proofwatch.cli.output import say
from proofwatch.cli.progress import stage_progress


def hand_over(app: App) -> bool:
    """Write the binder, verify it as a stranger would, and judge its newest readings again."""
    say("10. What the auditor receives: one ZIP, verified and judged again offline", "bold")
    path = _made(app)
    good = _verified(path) and _judged_again(path)
    say()
    return good


def _made(app: App) -> Path:
    from proofwatch.binder.making import make
    from proofwatch.cli.audits import audit_of
    from proofwatch.cli.binder import tools_of
    from proofwatch.store.services import exports

    now = datetime.now(UTC)
    audit = audit_of("", now)
    row = exports.ask(
        audit, kind=exports.BINDER, by=app.actor, role="program", now=now, state=exports.WRITING
    )
    app.sign()
    with stage_progress(True) as progress:
        done = make(
            row, tools_of(app), app.settings.exports, where=f"proofwatch export binder --audit {audit.name}",
            clock=lambda: datetime.now(UTC), progress=progress,
        )  # fmt: skip
    app.sign()
    say(f"{done.file}: {done.size} bytes, of {audit.first} to today, in {app.settings.exports}")
    path: Path = app.settings.exports / done.file
    return path


def _verified(path: Path) -> bool:
    from proofwatch.cli.evidence import show_report
    from proofwatch.evidence.binder import verify_binder
    from proofwatch.evidence.bundle import Bundle

    with Bundle(path) as bundle:
        report = verify_binder(bundle)
    show_report(report)
    return not report.wrong


def _judged_again(path: Path) -> bool:
    from proofwatch.cli.verify import chosen
    from proofwatch.evidence.bundle import Bundle, BundleObjects
    from proofwatch.evidence.reperform import Reperformer

    with Bundle(path) as bundle, tempfile.TemporaryDirectory(prefix="proofwatch-again-") as folder:
        objects = BundleObjects(bundle, Path(folder))
        found, _ = chosen(bundle, objects, newest=True)
        again = Reperformer(objects, Path(folder)).again(found[-1]["evaluation"], None, found[-1]["manifest"])
    if again.same:
        say(
            f"✓ {again.verdicts} verdicts of {again.checks} checks are the same when they are judged again",
            "green",
        )
    else:
        say(
            f"✗ {len(again.differences) + len(again.others)} differences when they are judged again",
            "bold red",
        )
    return again.same
