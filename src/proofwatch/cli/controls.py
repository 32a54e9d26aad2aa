"""`controls`: the list of what is promised, and who approved it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_fields, print_json, print_table, say, status_text, utc
from proofwatch.cli.status import show_controls


@click.group()
def controls() -> None:
    """List, show, export, import and approve the control list."""


@controls.command("list")
@json_option
def list_controls(as_json: bool) -> None:
    """List the controls in force, worst first, with the version and its approval."""
    from proofwatch.store.services import controls as service

    App().open()
    now = datetime.now(UTC)
    row = service.current()
    if row is None:
        raise click.UsageError("There is no control list yet. Run `proofwatch init`.")
    listed = {item.id: item for item in service.controls_of(row)}
    found = service.statuses(now)
    approval = row.approvals.order_by("pk").last()
    if as_json:
        states = {item.control: item for item in found}
        print_json(
            {
                "framework": row.body["framework"],
                "number": row.number,
                "version": row.version,
                "sha256": row.sha256,
                "imported_at": row.imported_at,
                "imported_by": row.imported_by,
                "approved_by": approval.by if approval else None,
                "approved_at": approval.at if approval else None,
                "controls": [
                    {**item, "status": states[item["id"]].status, "reason": states[item["id"]].reason}
                    for item in row.body["controls"]
                ],
            }
        )
        return
    approved = f"approved by {approval.by} at {utc(approval.at)}" if approval else "not approved yet"
    say(f"{row.body['title'] or 'Control list'}: import {row.number}, version {row.version}, {approved}")
    show_controls(found, listed, now)


@controls.command()
@click.argument("control_id")
@json_option
def show(control_id: str, as_json: bool) -> None:
    """Show one control: its words, its checks, how it stands and why."""
    from proofwatch.store.services import controls as service
    from proofwatch.store.services.naming import unknown

    app = App().open()
    row = service.current()
    listed = {item.id: item for item in service.controls_of(row)} if row else {}
    if control_id not in listed:
        raise unknown("showing a control", "control", control_id, listed)
    control = listed[control_id]
    state = next(item for item in service.statuses(datetime.now(UTC)) if item.control == control_id)
    seen = [item for item in service.observations() if item.check in control.checks]
    if as_json:
        from dataclasses import asdict

        print_json(
            {**asdict(control), "state": asdict(state), "observations": [asdict(item) for item in seen]}
        )
        return
    print_fields(
        [
            ("control", f"{control.id} {control.title}"),
            ("statement", control.statement),
            ("owner", control.owner_role),
            ("criteria", "; ".join(f"{name} {app.criteria.get(name, '')}" for name in control.criteria)),
            ("data sources", control.data_sources),
            ("frequency", control.frequency),
            ("manual part", control.manual or "none"),
            ("status", status_text(state.status)),
            ("why", state.reason),
            ("observed", state.observed_at),
            ("sweeps", state.sweeps),
        ]
    )
    say()
    print_table(
        ["Check", "Version", "Fail", "Pass", "Untold", "N/A", "Observed", "E.g."], _rows(control, seen)
    )


def _rows(control: Any, seen: list[Any]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for name in control.checks:
        mine = [item for item in seen if item.check == name]
        rows += [
            (
                name,
                item.version[:12],
                item.counts.failed,
                item.counts.passed,
                item.counts.inconclusive,
                item.counts.not_applicable,
                item.observed_at,
                item.worst,
            )
            for item in mine
        ] or [(name, None, None, None, None, None, None, "has not run yet, or is disabled")]
    return rows


@controls.command("export")
@json_option
def export_list(as_json: bool) -> None:
    """Print the control list in force as YAML (or JSON), ready to be edited and imported."""
    import yaml

    from proofwatch.store.services import controls as service

    App().open()
    row = service.current()
    if row is None:
        raise click.UsageError("There is no control list yet. Run `proofwatch init`.")
    if as_json:
        print_json(row.body)
        return
    click.echo(yaml.safe_dump(row.body, sort_keys=False, allow_unicode=True, width=110), nl=False)


@controls.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def import_list(path: Path, as_json: bool) -> None:
    """Import a control list from YAML; the same list again changes nothing."""
    from proofwatch.controls.load import load_controls
    from proofwatch.store.services import controls as service

    app = App().open()
    listed = load_controls(path, checks=app.catalog.checks, criteria=app.criteria)
    row = service.import_list(listed, actor=app.actor, now=datetime.now(UTC))
    app.sign()
    body = {
        "number": row.number,
        "version": row.version,
        "sha256": row.sha256,
        "controls": len(listed.controls),
    }
    if as_json:
        print_json(body)
        return
    say(f"Import {row.number} (version {row.version}): {len(listed.controls)} controls, {row.sha256}")
    say(f"It comes into force when approved: proofwatch controls approve {row.number}")


@controls.command()
@click.argument("number", type=int, required=False)
@click.option("--note", default="", help="Why, or where it was agreed.")
@json_option
def approve(number: int | None, note: str, as_json: bool) -> None:
    """Approve an imported list (default: the newest); it is in force from then on."""
    from proofwatch.store.models import ControlList
    from proofwatch.store.services import controls as service

    app = App().open()
    newest = ControlList.objects.order_by("number").last()
    wanted = number if number is not None else (newest.number if newest else 0)
    approval = service.approve(wanted, actor=app.actor, now=datetime.now(UTC), note=note)
    app.sign()
    if as_json:
        print_json({"number": wanted, "by": approval.by, "at": approval.at, "note": approval.note})
        return
    say(f"Import {wanted} approved by {approval.by} at {utc(approval.at)}.")
