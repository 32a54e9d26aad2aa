"""`config`: what is monitored, as a file that can be reviewed, planned and applied."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_json, say
from proofwatch.configfile import ConfigFile, read_config_file

FILE = click.argument("path", type=click.Path(path_type=Path), default=Path("proofwatch.yaml"))


@click.group()
def config() -> None:
    """Plan, apply and export proofwatch.yaml."""


@config.command()
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of proofwatch.yaml (which is JSON with and without --json)."""
    print_json(ConfigFile.model_json_schema())


@config.command()
@json_option
def export(as_json: bool) -> None:
    """Print what is configured now as proofwatch.yaml, which --json writes as JSON (YAML reads it, too)."""
    import yaml

    App().open()
    body = current().model_dump(mode="json", exclude_defaults=True) | {"version": 1}
    if as_json:
        print_json(body)
        return
    click.echo(yaml.safe_dump(body, sort_keys=False), nl=False)


@config.command()
@FILE
@json_option
def plan(path: Path, as_json: bool) -> None:
    """Say what applying the file would change; change nothing. Ends with 0."""
    app = App().open()
    steps = differences(app, path)
    _show(steps, as_json, "Would")
    sys.exit(0)


@config.command()
@FILE
@json_option
def apply(path: Path, as_json: bool) -> None:
    """Make the configuration what the file says: all of it, or nothing."""
    from proofwatch.store import django, log

    app = App().open()
    steps = differences(app, path)
    if steps:
        now = datetime.now(UTC)
        with django.write(f"applying {path}"):
            for step in steps:
                _do(app, step, now)
            lines = [step["text"][:300] for step in steps]
            log.append("config.applied", app.actor, {"steps": lines[:100], "count": len(lines)}, now)
        app.sign()
    _show(steps, as_json, "Did")


def _show(steps: list[dict[str, Any]], as_json: bool, did: str) -> None:
    if as_json:
        print_json([{key: step[key] for key in ("action", "text")} for step in steps])
        return
    for step in steps:
        say(f"{did} {step['text']}")
    say(f"{len(steps)} changes." if steps else "Nothing differs.")


def current() -> ConfigFile:
    """Return what is configured now, in the form of the file."""
    from proofwatch.store.models import CheckSetting
    from proofwatch.store.services import connections

    return ConfigFile.model_validate(
        {
            "connections": [
                {
                    "name": item.name,
                    "connector": item.kind,
                    "interval_minutes": item.interval_minutes,
                    "settings": item.settings,
                }
                for item in connections.every()
            ],
            "checks": {
                row.check_id: {"enabled": row.enabled, "reason": row.reason, "params": row.params}
                for row in CheckSetting.objects.order_by("check_id")
                if not row.enabled or row.params
            },
        }
    )


def differences(app: App, path: Path) -> list[dict[str, Any]]:
    """Return the steps from what is to what the file says. Raises before anything is changed."""
    from proofwatch.cli.checks import find
    from proofwatch.connectors.registry import connector_class
    from proofwatch.store.services import controls

    wanted, now = read_config_file(path), current()
    steps: list[dict[str, Any]] = []
    have = {item.name: item for item in now.connections}
    for entry in wanted.connections:
        cls = connector_class(entry.connector)
        settings = cls.parse_settings(entry.settings).model_dump(mode="json", exclude_defaults=True)
        steps += _connection_steps(entry, settings, have.pop(entry.name, None))
    steps += [
        {"action": "connection.remove", "name": name, "text": f"remove connection {name}", "path": str(path)}
        for name in have
    ]
    for name, item in wanted.checks.items():
        params = _params(find(app, name), item.params)
        before = now.checks.pop(name, None)
        if before is None or (before.enabled, before.params) != (item.enabled, params):
            text = f"turn check {name} {'on' if item.enabled else 'off'}" + (
                f" with {params}" if params else ""
            )
            steps.append({"action": "check.set", "name": name, "entry": item, "params": params, "text": text})
    steps += [
        {
            "action": "check.reset",
            "name": name,
            "path": str(path),
            "text": f"put check {name} back to its defaults",
        }
        for name, entry in now.checks.items()
        if not entry.enabled or entry.params
    ]
    listed = _control_list(app, wanted, path)
    row = controls.current()
    if listed is not None and (row is None or row.sha256 != listed.sha256):
        text = f"import control list version {listed.version} ({len(listed.controls)} controls)"
        steps.append({"action": "controls.import", "list": listed, "text": text})
    return steps


def _connection_steps(entry: Any, settings: dict[str, Any], before: Any) -> list[dict[str, Any]]:
    if before is None:
        text = f"make connection {entry.name} to {entry.connector}, every {entry.interval_minutes} minutes"
        return [{"action": "connection.create", "entry": entry, "settings": settings, "text": text}]
    if before.connector != entry.connector:
        raise click.UsageError(
            f"Connection {entry.name} reads {before.connector}; give the new one its own name."
        )
    changes = {}
    if before.settings != settings:
        changes["settings"] = settings
    if before.interval_minutes != entry.interval_minutes:
        changes["interval_minutes"] = entry.interval_minutes
    text = f"change {' and '.join(changes)} of connection {entry.name}"
    step = {"action": "connection.change", "name": entry.name, "changes": changes, "text": text}
    return [step] if changes else []


def _params(check: Any, given: dict[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        if name not in check.params:
            known = ", ".join(check.params) or "none"
            raise click.UsageError(f"Check {check.id} has no parameter {name!r} (known: {known}).")
        default = check.params[name]
        if type(default) is not type(value) and not (isinstance(default, float) and isinstance(value, int)):
            kind = type(default).__name__
            raise click.UsageError(f"Parameter {name} of check {check.id} wants {kind}, not {value!r}.")
    return given


def _control_list(app: App, wanted: ConfigFile, path: Path) -> Any:
    from proofwatch.controls.load import load_controls

    if wanted.controls == "builtin":
        return None
    place = (path.parent / wanted.controls).resolve()
    return load_controls(place, checks=app.catalog.checks, criteria=app.criteria)


def _do(app: App, step: dict[str, Any], now: datetime) -> None:
    from proofwatch.store.services import checks, connections, controls

    who: dict[str, Any] = {"actor": app.actor, "now": now}
    match step["action"]:
        case "connection.create":
            entry = step["entry"]
            connections.create(
                entry.name, entry.connector, step["settings"], interval_minutes=entry.interval_minutes, **who
            )
        case "connection.change":
            connections.change(connections.get(step["name"]), **step["changes"], **who)
        case "connection.remove":
            connections.remove(connections.get(step["name"]), reason=f"not in {step['path']}", **who)
        case "check.set":
            entry = step["entry"]
            checks.decide(
                step["name"],
                enabled=entry.enabled,
                params=step["params"],
                reason=entry.reason or "as the configuration file says",
                **who,
            )
        case "check.reset":
            checks.decide(step["name"], enabled=True, params={}, reason=f"not in {step['path']}", **who)
        case "controls.import":
            controls.import_list(step["list"], **who)
