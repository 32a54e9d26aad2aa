"""`verify` and `reperform`: for who receives a binder and trusts nobody. Neither needs an installation."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofwatch.cli.evidence import read_kept, show_report
from proofwatch.cli.output import json_option, note, print_json, print_table, say
from proofwatch.cli.progress import stage_progress

if TYPE_CHECKING:
    from proofwatch.evidence.bundle import Bundle
    from proofwatch.evidence.reperform import Again

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
SHOWN = 50


@click.command()
@click.argument("binder", type=FILE)
@click.option("--checkpoint", type=FILE, help="A checkpoint of this log that you kept, older or newer.")
@click.option("--vkey", multiple=True, help="The log's public key as you know it; repeatable.")
@click.option("--policy", type=FILE, help="Logs and witnesses that you know (C2SP tlog-policy).")
@click.option(
    "--authority",
    type=FILE,
    multiple=True,
    help="Certificate (PEM) of a time-stamp authority that you trust.",
)
@json_option
def verify(
    binder: Path, checkpoint: Path | None, vkey: Sequence[str], policy: Path | None,
    authority: Sequence[Path],
    as_json: bool,
) -> None:  # fmt: skip
    """Verify BINDER.zip offline: files, signatures, log, time-stamps, witnesses, schedule, objects.

    Ends with 1 when something is wrong, with 3 when nothing is signed or the log has gaps.
    """
    from proofwatch.evidence.binder import verify_binder
    from proofwatch.evidence.bundle import Bundle
    from proofwatch.evidence.policy import parse_policy

    known = parse_policy(policy.read_bytes()) if policy else None
    earlier = read_kept(checkpoint) if checkpoint else None
    with Bundle(binder) as bundle, stage_progress(not as_json) as progress:
        report = verify_binder(
            bundle, vkeys=vkey, earlier=earlier, policy=known,
            authorities=[path.read_bytes() for path in authority],
            progress=lambda done, total: progress("verify", done, total),
        )  # fmt: skip
    if as_json:
        print_json(report.body())
    else:
        show_report(report)
        _last_word(report)
    sys.exit(report.exit_code)


def _last_word(report: Any) -> None:
    """Say the outcome in one sentence, last, where it is read first."""
    if report.wrong:
        say(
            f"\nDo not rely on this binder: {len(report.wrong) + report.hidden} things are wrong.", "bold red"
        )
    elif report.exit_code:
        say("\nNothing is wrong, and not everything is shown: see the lines with a question mark.", "yellow")
    else:
        say("\nNothing is wrong. What the lines with a question mark say is not shown by this file alone.")


@click.command()
@click.argument("binder", type=FILE)
@click.option("--control", default="", help="Only the checks of this control.")
@click.option("--check", "checks", multiple=True, help="Only this check; repeatable.")
@click.option(
    "--day", type=click.DateTime(formats=["%Y-%m-%d"]), help="Only sweeps observed on this day, UTC."
)
@click.option("--sweep", default="", help="Only this sweep.")
@click.option("--newest", is_flag=True, help="Only the newest sweep of each connection.")
@json_option
def reperform(
    binder: Path, control: str, checks: Sequence[str], day: Any, sweep: str, newest: bool, as_json: bool
) -> None:
    """Judge the stored readings of BINDER.zip again with the stored checks, and compare every verdict.

    In a locked engine, in a process of its own. Ends with 1 when a verdict differs, with 3 when nothing could
    be judged again.
    """
    from proofwatch.evidence.bundle import Bundle, BundleObjects
    from proofwatch.evidence.reperform import Reperformer

    with Bundle(binder) as bundle, tempfile.TemporaryDirectory(prefix="proofwatch-again-") as folder:
        work = Path(folder)
        objects = BundleObjects(bundle, _made(work / "objects"))
        only = _only(bundle, control, checks)
        wanted, bare = chosen(bundle, objects, day, sweep, newest=newest)
        performer = Reperformer(objects, _made(work / "cache"))
        found: list[tuple[dict[str, Any], Again]] = []
        with stage_progress(not as_json) as progress:
            for number, item in enumerate(wanted):
                progress("reperform", number, len(wanted))
                found.append((item, performer.again(item["evaluation"], only, item["manifest"])))
            progress("reperform", len(wanted), len(wanted))
    if as_json:
        print_json({"sweeps": [_body(item, again) for item, again in found], "without_readings": bare})
    else:
        _show(found, bare)
    wrong = any(not again.same for _, again in found)
    sys.exit(1 if wrong else 0 if any(again.checks for _, again in found) else 3)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _only(bundle: Bundle, control: str, checks: Sequence[str]) -> set[str] | None:
    """Return the checks that were asked for; None for all. Raises click.UsageError for an unknown control."""
    import json

    if not control:
        return set(checks) or None
    name = f"controls/{control}/control.json"
    known = [item.split("/")[1] for item in bundle.names if item.endswith("/control.json")]
    if name not in bundle:
        raise click.UsageError(f"There is no control {control!r} in it. Known: {', '.join(known) or 'none'}.")
    return {*checks, *json.loads(bundle.read(name))["checks"]}


def chosen(
    bundle: Bundle, objects: Any, day: Any = None, sweep: str = "", *, newest: bool = False
) -> tuple[list[dict[str, Any]], int]:
    """Return the evaluations to judge again, in order of time, and how many sweeps have no readings."""
    from proofwatch.evidence.binder import period_of
    from proofwatch.evidence.bundle import BundleLog
    from proofwatch.evidence.entry import parse
    from proofwatch.evidence.reperform import evaluations

    first, last = period_of(bundle)
    log = BundleLog(bundle)
    entries = ((index, parse(data)) for index, data in enumerate(log.entries(first, last + 1), start=first))
    every = [
        item
        for item in evaluations(entries, objects)
        if (not day or item["observed_at"].startswith(day.date().isoformat()))
        and (not sweep or item["sweep"] == sweep)
    ]
    found = [item for item in every if item["evaluation"]]
    if newest:
        last_of = {item["connection"]: item for item in found}
        found = sorted(last_of.values(), key=lambda item: str(item["observed_at"]))
    return found, sum(not item["evaluation"] for item in every)


def _body(item: dict[str, Any], again: Again) -> dict[str, Any]:
    return {
        **item, "same": again.same, "verdicts": again.verdicts, "resources": again.rows,
        "tables": again.tables,
        "checks": again.checks, "other_differences": again.others, "not_judged_again": again.left,
        "engine_then": again.engine,
        "differences": [
            {
                "check": change.check, "account": change.account_id, "region": change.region,
                "resource": change.resource, "then": change.before, "now": change.after,
            }
            for change in again.differences
        ],
    }  # fmt: skip


def _show(found: list[tuple[dict[str, Any], Again]], bare: int) -> None:
    print_table(
        ["Observed", "Connection", "Checks", "Resources", "Verdicts", "Differ", "Outcome"],
        (
            (
                item["observed_at"], item["connection"], again.checks, again.rows, again.verdicts,
                len(again.differences) + len(again.others), "the same" if again.same else "DIFFERENT",
            )
            for item, again in found
        ),
        empty="No sweep of the period has stored readings that were asked for.",
    )  # fmt: skip
    for item, again in found:
        _show_one(item, again)
    if bare:
        note(
            f"{bare} sweeps have no stored readings behind them (simulated history): nothing to judge again."
        )
    total = sum(again.verdicts for _, again in found)
    differing = sum(not again.same for _, again in found)
    if differing:
        say(f"{differing} of {len(found)} sweeps differ: do not rely on their verdicts.", "bold red")
    elif total:
        say(f"All {total} verdicts of {len(found)} sweeps are the same again.", "green")


def _show_one(item: dict[str, Any], again: Again) -> None:
    if again.engine:
        note(f"{item['sweep']}: judged then by {again.engine}, and now by another version")
    for text in again.left[:SHOWN]:
        note(f"not judged again: {text}")
    if again.others:
        for text in again.others[:SHOWN]:
            say(f"✗ {item['sweep']}: {text}", "bold red")
    if again.differences:
        print_table(
            ["Check", "Account", "Region", "Resource", "Then", "Now"],
            (
                (change.check, change.account_id, change.region, change.resource, change.before, change.after)
                for change in again.differences[:SHOWN]
            ),
            title=f"{item['sweep']}: {min(SHOWN, len(again.differences))} of {len(again.differences)} "
            f"differences",
        )
