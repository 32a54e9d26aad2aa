"""`init` and `connect`: from nothing to a connection that is proven read-only."""

from __future__ import annotations

import typing
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_fields, print_json, say
from proofwatch.connectors.base import usual_name
from proofwatch.connectors.registry import CONNECTORS, connector_class


@click.command()
@json_option
def init(as_json: bool) -> None:
    """Make the home folder, the database and the signing key, and import the control list.

    Safe to repeat: what exists is kept, and an older database is brought up to date.
    """
    made = initialise(App())
    if as_json:
        print_json(made)
        return
    print_fields([(key.replace("_", " "), value) for key, value in made.items()])
    say("\nNext: proofwatch connect aws --help")


def initialise(app: App, now: datetime | None = None) -> dict[str, Any]:
    """Create whatever is missing, as of `now`; return where everything is."""
    from proofwatch.web import settings as pages

    settings = app.settings
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    pages.setup(app)  # Before anything uses the models, so that the pages' tables are made, too.
    from proofwatch.alerts import rulebook
    from proofwatch.controls.load import builtin_controls, load_controls
    from proofwatch.evidence.keys import create_key, load_key
    from proofwatch.store import django, log
    from proofwatch.store.services import controls

    migrations = django.migrate()
    now = now or datetime.now(UTC)
    if not settings.key_file.exists():
        settings.key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = create_key(settings.key_file, origin(app))
        with django.write("recording the signing key"):
            log.append("key.created", app.actor, {"vkey": key.vkey}, now)
    key = load_key(settings.key_file)
    app.open()
    if controls.current() is None:
        path = builtin_controls()
        listed = load_controls(path, checks=app.catalog.checks, criteria=app.criteria)
        controls.import_list(listed, actor=app.actor, now=now)
    rulebook.install(actor=app.actor, now=now)
    app.sign()
    current = controls.current()
    return {
        "home": settings.home,
        "database": django.where(),
        "objects": settings.objects,
        "log_key": key.vkey,
        "schema_steps_applied": len(migrations),
        "control_list": f"version {current.number}, {len(current.body['controls'])} controls"
        if current
        else "",
    }


def origin(app: App) -> str:
    """Return the name of this installation's log, unique by its folder and host."""
    import socket
    import uuid

    return f"proofwatch.local/{socket.gethostname().split('.')[0].lower()}/{uuid.uuid4().hex[:8]}"


class ConnectorCommands(click.Group):
    """One sub-command per connector, with an option for every field of its settings."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the kinds in the registry."""
        return sorted(CONNECTORS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Build the command of one connector from its settings class."""
        if cmd_name not in CONNECTORS:
            return None
        return _command(cmd_name)


@click.command(cls=ConnectorCommands)
def connect() -> None:
    """Connect a source system: who we are, which permissions work, what we could write, what exists.

    Nothing is stored when the system does not accept us. The same name again changes the connection.
    """


def _command(kind: str) -> click.Command:
    cls = connector_class(kind)

    def run(as_json: bool, name: str | None, interval: int | None, **given: Any) -> None:
        settings = {key: value for key, value in given.items() if value not in (None, ())}
        app = App().open()
        report = make_connection(app, kind, name or usual_name(kind), settings, interval)
        if as_json:
            print_json(report)
        else:
            show_connection(report)

    params: list[click.Parameter] = [
        click.Option(["--name", "name"], help=f"Name of the connection. Default: {usual_name(kind)}."),
        click.Option(
            ["--interval", "interval"],
            type=click.IntRange(1, 10080),
            help="Minutes between sweeps. Default: 15.",
        ),
        *(_option(field, info) for field, info in cls.Settings.model_fields.items()),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
    ]
    return click.Command(kind, callback=run, params=params, help=f"Connect {cls.title}.")


def _option(name: str, info: FieldInfo) -> click.Option:
    """Turn one field of a settings class into an option; lists take commas, or ID=REASON repeated."""
    flag = f"--{name.replace('_', '-')}"
    default = "" if info.is_required() or info.default in ("", None) else f" Default: {_default(info)}."
    text = (info.description or name.replace("_", " ").capitalize()) + "." + default
    if _holds_models(info.annotation):
        return click.Option([flag, name], multiple=True, metavar="ID=REASON", callback=_pairs, help=text)
    kind: Any = {int: click.INT, float: click.FLOAT, bool: click.BOOL}.get(info.annotation, click.STRING)  # type: ignore[arg-type]
    return click.Option([flag, name], type=kind, help=text)


def _default(info: FieldInfo) -> Any:
    value = info.get_default(call_default_factory=True)
    return "none" if value in ([], (), {}) else value


def _holds_models(annotation: Any) -> bool:
    arguments = typing.get_args(annotation)
    return typing.get_origin(annotation) is list and bool(
        arguments and isinstance(arguments[0], type) and issubclass(arguments[0], BaseModel)
    )


def _pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> list[dict[str, str]] | None:
    pairs = []
    for item in value:
        name, _, reason = item.partition("=")
        if not reason.strip():
            raise click.BadParameter(f"{item!r} has no reason; write ID=REASON", ctx, param)
        pairs.append({"id": name.strip(), "reason": reason.strip()})
    return pairs or None


def make_connection(
    app: App,
    kind: str,
    name: str,
    given: dict[str, Any],
    interval: int | None = None,
    progress: Callable[[str], None] = lambda text: None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Test a source system and keep what was found, as `proofwatch.connecting.connect` says; sign it."""
    from proofwatch.connecting import connect

    report = connect(
        app.objects, kind, name, given,
        actor=app.actor, now=now or datetime.now(UTC), interval=interval, progress=progress,
    )  # fmt: skip
    app.sign()
    return report


def show_connection(report: dict[str, Any]) -> None:
    """Print what a test of a connection found, as a person wants to read it."""
    identity, proof = report["identity"], report["read_only"]
    permissions, scope = report["permissions"], report["scope"]
    allowed = [item for item in permissions if item["allowed"]]
    missing = [item for item in permissions if item["allowed"] is False]
    unknown = [item for item in permissions if item["allowed"] is None]
    places = scope["places"]
    gaps = [place for place in places if place["gap"]]
    verdict = {True: "yes", False: "NO", None: "cannot tell"}[proof["read_only"]]
    print_fields(
        [
            ("connection", f"{report['connection']}: {report['state']}"),
            ("identity", f"{identity['principal']} (account {identity['account_id']})"),
            (
                "permissions",
                f"{len(allowed)} of {len(permissions)} allowed, {len(missing)} missing, "
                f"{len(unknown)} cannot be told",
            ),
            ("read-only", f"{verdict}: {proof['reason']} [{proof['method']}]"),
            ("scope", f"{len(places) - len(gaps)} places read, {len(gaps)} not read"),
            ("evidence", report["evidence"]),
        ]
    )
    _list(
        "Missing permissions",
        [f"{item['name']} in {item['account_id']} ({_tables(item)})" for item in missing],
    )
    _list("Cannot be told", [f"{item['name']} in {item['account_id']}: {item['how']}" for item in unknown])
    _list("Could write", list(proof["writes"]))
    _list("Exists and is not read", _grouped(gaps))
    _list("Cannot be enumerated", list(scope["unknown"]))
    say(f"\nNext: proofwatch sweep {report['connection']}")


def _grouped(gaps: list[dict[str, Any]]) -> list[str]:
    """Return one line per account and reason, so that no list of regions hides a missing account."""
    groups: dict[tuple[str, str], list[str]] = {}
    for gap in gaps:
        name = f"{gap['account_id']} {gap['account_name']}".strip()
        groups.setdefault((name, gap["gap"]), []).append(gap["region"])
    lines = []
    for (name, reason), regions in groups.items():
        where = ", ".join(regions[:3]) + (f" and {len(regions) - 3} more" if len(regions) > 3 else "")
        lines.append(f"{name}: {'whole account' if regions == ['global'] else where}: {reason}")
    return lines


def _tables(item: dict[str, Any]) -> str:
    tables = item["tables"]
    return (
        "needed to tell the scope"
        if not tables
        else ", ".join(tables[:3]) + (" …" if len(tables) > 3 else "")
    )


def _list(title: str, lines: list[str], most: int = 12) -> None:
    if not lines:
        return
    say(f"\n{title}:", "bold")
    for line in lines[:most]:
        say(f"  {line}")
    if len(lines) > most:
        say(f"  … and {len(lines) - most} more (--json shows all)")
