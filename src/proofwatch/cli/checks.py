"""`checks`: what is tested, whether it is on, and whether its cases hold."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.checks.base import Check
from proofwatch.cli.output import json_option, print_fields, print_json, print_table, say


@click.group()
def checks() -> None:
    """List, show, test, enable and disable checks."""


@checks.command("list")
@click.option("--table", default="", help="Only checks on this table.")
@click.option("--criterion", default="", help="Only checks for this criterion, e.g. CC6.1.")
@json_option
def list_checks(table: str, criterion: str, as_json: bool) -> None:
    """List the checks, and whether each is on."""
    from proofwatch.store.services import checks as service

    app = App().open()
    off = service.disabled()
    found = [
        check
        for check in app.catalog.checks.values()
        if (not table or check.table == table) and (not criterion or criterion in check.criteria)
    ]
    if as_json:
        print_json([_body(check, off) for check in found])
        return
    print_table(
        ["Check", "Severity", "Criteria", "On", "Passes when"],
        (
            (check.id, check.severity, check.criteria, "no" if check.id in off else "yes", check.title)
            for check in found
        ),
        empty="No check matches.",
    )
    say(f"\n{len(found)} checks, {sum(check.id in off for check in found)} of them off.")


def _body(check: Check, off: dict[str, str]) -> dict[str, Any]:
    return {
        "check": check.id,
        "title": check.title,
        "table": check.table,
        "criteria": list(check.criteria),
        "severity": check.severity,
        "enabled": check.id not in off,
        "reason": off.get(check.id, ""),
        "params": dict(check.params),
        "version": check.version,
        "same_as": {source: list(names) for source, names in check.same_as.items()},
    }


def find(app: App, name: str) -> Check:
    """Return a check by id. Raises StoreError with the nearest id."""
    from proofwatch.store.services.naming import unknown

    if name not in app.catalog.checks:
        raise unknown("choosing a check", "check", name, app.catalog.checks)
    return app.catalog.checks[name]


@checks.command()
@click.argument("check_id")
@json_option
def show(check_id: str, as_json: bool) -> None:
    """Show one check: its logic in words and in code, parameters, decisions and equivalents."""
    from proofwatch.store.services import checks as service

    app = App().open()
    check = find(app, check_id)
    off, decisions = service.disabled(), service.history(check.id)
    params = {**check.params, **service.params().get(check.id, {})}
    if as_json:
        print_json(
            {
                **_body(check, off),
                "params": params,
                "why": check.why,
                "applies": check.applies,
                "passes": check.passes,
                "on_pass": check.on_pass,
                "on_fail": check.on_fail,
                "fix": check.fix,
                "columns": list(check.columns),
                "path": check.path,
                "history": [
                    {
                        "enabled": row.enabled,
                        "params": row.params,
                        "reason": row.reason,
                        "by": row.by,
                        "at": row.at,
                    }
                    for row in decisions
                ],
            }
        )
        return
    print_fields(
        [
            ("check", check.id),
            ("title", check.title),
            ("why", check.why),
            ("severity", check.severity),
            ("criteria", check.criteria),
            ("table", check.table),
            ("applies", " ".join(check.applies.split())),
            ("passes", " ".join(check.passes.split())),
            ("columns read", check.columns),
            ("parameters", ", ".join(f"{name} = {value}" for name, value in params.items()) or "none"),
            ("to repair", check.fix),
            ("version", check.version),
            ("enabled", off.get(check.id, "yes")),
            ("file", check.path),
            *((f"same as, {source}", names) for source, names in check.same_as.items()),
        ]
    )
    if decisions:
        say()
        rows = [(row.at, row.by, "on" if row.enabled else "off", row.params, row.reason) for row in decisions]
        print_table(["At", "By", "Set", "Parameters", "Reason"], rows)


@checks.command()
@click.argument("check_ids", nargs=-1)
@json_option
def test(check_ids: tuple[str, ...], as_json: bool) -> None:
    """Run the worked cases of the named checks, or of all. Ends with 1 when a case fails."""
    from proofwatch.checks.cases import run_cases

    app = App()
    chosen = [find(app, name) for name in check_ids] or list(app.catalog.checks.values())
    problems = {check.id: run_cases(check, app.catalog) for check in chosen}
    cases = sum(len(check.cases) for check in chosen)
    wrong = {name: found for name, found in problems.items() if found}
    if as_json:
        print_json({"checks": len(chosen), "cases": cases, "problems": wrong})
    else:
        for name, found in wrong.items():
            for problem in found:
                say(f"✗ {name}: {problem}", "bold red")
        say(f"{len(chosen)} checks, {cases} cases, {sum(map(len, wrong.values()))} wrong.")
    sys.exit(1 if wrong else 0)


@checks.command()
@click.argument("check_id")
@click.option("--reason", required=True, help="Why; it becomes part of the evidence.")
@json_option
def enable(check_id: str, reason: str, as_json: bool) -> None:
    """Turn a check on."""
    _decide(check_id, reason, True, as_json)


@checks.command()
@click.argument("check_id")
@click.option(
    "--reason", required=True, help="Why; an auditor will ask, and it becomes part of the evidence."
)
@json_option
def disable(check_id: str, reason: str, as_json: bool) -> None:
    """Turn a check off. Its findings stay as they are; its controls say that it is off."""
    _decide(check_id, reason, False, as_json)


def _decide(check_id: str, reason: str, enabled: bool, as_json: bool) -> None:
    from proofwatch.store.services import checks as service

    app = App().open()
    check = find(app, check_id)
    row = service.decide(check.id, actor=app.actor, now=datetime.now(UTC), reason=reason, enabled=enabled)
    app.sign()
    if as_json:
        print_json(
            {"check": check.id, "enabled": row.enabled, "reason": row.reason, "by": row.by, "at": row.at}
        )
        return
    say(f"{check.id} is {'on' if row.enabled else 'off'}: {row.reason} (by {row.by})")
