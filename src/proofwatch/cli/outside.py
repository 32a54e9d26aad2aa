"""`outside`: who keeps checkpoints outside, what they were given, and whether it still fits the log."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli.evidence import show_report
from proofwatch.cli.given import REASON, SET, fields_of, settings, shown
from proofwatch.cli.output import json_option, print_json, print_table, say, utc
from proofwatch.cli.progress import stage_progress

if TYPE_CHECKING:
    from proofwatch.outside.drill import Outcome
    from proofwatch.outside.giving import Giver
    from proofwatch.store.models import Keeper, KeptCheckpoint


@click.group()
def outside() -> None:
    """Give checkpoints to others to keep: only that reveals a log that was rewritten as a whole."""


@outside.command("kinds")
@json_option
def kinds_of(as_json: bool) -> None:
    """List the kinds of keepers and the settings that each takes."""
    from proofwatch.outside.registry import keeper, kinds

    found = {kind: keeper(kind) for kind in kinds()}
    rows = [
        {"kind": kind, "what": one.about, "interval_minutes": one.interval_minutes, **item}
        for kind, one in found.items()
        for item in fields_of(one.settings)
    ]
    if as_json:
        print_json(rows)
        return
    for kind, one in found.items():
        say(f"{kind}: {one.about}")
    say()
    columns = ("kind", "setting", "required", "about")
    print_table(["Kind", "Setting", "Needed", "What it is"], ([row[key] for key in columns] for row in rows))


@outside.command()
@click.argument("name")
@click.option("--kind", required=True, help="Kind of keeper: see `proofwatch outside kinds`.")
@SET
@click.option("--every", "minutes", type=click.IntRange(1), help="Minutes between two. Default: the kind's.")
@click.option("--reason", default="", help="Why; needed to change one that there is.")
@json_option
def add(name: str, kind: str, given: Sequence[str], minutes: int | None, reason: str, as_json: bool) -> None:
    """Add keeper NAME, which is due at once, or change its settings."""
    from proofwatch.outside import book

    app = App().open()
    row = book.save(
        name,
        kind,
        settings(given),
        actor=app.actor,
        now=datetime.now(UTC),
        interval=minutes or 0,
        reason=reason,
    )
    app.sign()
    if as_json:
        print_json(_body(row))
    else:
        say(f"{row.name} is a {row.kind} keeper. Try it: proofwatch outside test {row.name}")


@outside.command("list")
@json_option
def list_keepers(as_json: bool) -> None:
    """List the keepers with what they took last."""
    from proofwatch.outside import book, giving

    App().open()
    rows = []
    for row in book.every():
        last = next(iter(giving.history(row.name, 1)), None)
        rows.append({**_body(row), "last": _kept(last) if last else None})
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Keeper", "Kind", "On", "Every", "Next", "Last", "Settings"],
        (
            (
                row["keeper"], row["kind"], row["enabled"], f"{row['interval_minutes']} min",
                row["next_due_at"] if row["enabled"] else None, _words(row["last"]), shown(row["settings"]),
            )
            for row in rows
        ),
        empty="Nobody keeps checkpoints outside: a log rewritten as a whole would look whole. "
        "See `proofwatch outside add --help`.",
    )  # fmt: skip


@outside.command()
@click.argument("name")
@json_option
def test(name: str, as_json: bool) -> None:
    """Give keeper NAME the newest checkpoint now, also if it has it. Ends with 3 if it was not accepted."""
    _give(name, again=True, as_json=as_json)


@outside.command()
@click.argument("name", default="")
@json_option
def now(name: str, as_json: bool) -> None:
    """Give the newest checkpoint to NAME, or to all, where it says more than the last one that they took.

    Ends with 3 if somebody did not accept it.
    """
    _give(name, again=False, as_json=as_json)


def _give(name: str, *, again: bool, as_json: bool) -> None:
    from proofwatch.outside import giving

    app = App().open()
    app.sign()
    rows = giving.keep_now(giver(app), name, actor=app.actor, again=again)
    app.sign()
    if as_json:
        print_json([_kept(row) for row in rows])
    else:
        for row in rows:
            say(f"{row.keeper}: {_words(_kept(row))}", "" if row.state == "accepted" else "yellow")
        if not rows:
            say("Nothing to give: every keeper has all that there is.")
    sys.exit(0 if all(row.state == "accepted" for row in rows) else 3)


@outside.command()
@click.argument("name")
@REASON
@json_option
def pause(name: str, reason: str, as_json: bool) -> None:
    """Give keeper NAME nothing until it is resumed."""
    _switch(name, False, reason, as_json)


@outside.command()
@click.argument("name")
@REASON
@json_option
def resume(name: str, reason: str, as_json: bool) -> None:
    """Give keeper NAME checkpoints again, from now on."""
    _switch(name, True, reason, as_json)


@outside.command()
@click.argument("name")
@REASON
@json_option
def remove(name: str, reason: str, as_json: bool) -> None:
    """Remove keeper NAME; what it was given stays on record, and with it."""
    from proofwatch.outside import book

    app = App().open()
    row = book.remove(name, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    _done(row, "removed", as_json)


def _switch(name: str, enabled: bool, reason: str, as_json: bool) -> None:
    from proofwatch.outside import book

    app = App().open()
    row = book.switch(name, enabled, actor=app.actor, now=datetime.now(UTC), reason=reason)
    app.sign()
    _done(row, "on" if enabled else "paused", as_json)


def _done(row: Keeper, state: str, as_json: bool) -> None:
    if as_json:
        print_json(_body(row))
    else:
        say(f"{row.name} is {state}.")


@outside.command()
@click.argument("name", default="")
@click.option(
    "--limit", type=click.IntRange(1, 10000), default=50, show_default=True, help="The newest so many."
)
@json_option
def history(name: str, limit: int, as_json: bool) -> None:
    """List what was given, to NAME or to all, and what came of it, the newest first."""
    from proofwatch.outside import giving

    App().open()
    rows = [_kept(row) for row in giving.history(name, limit)]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["At", "Keeper", "Kind", "Entries", "What came of it"],
        ((row["at"], row["keeper"], row["kind"], row["size"], _words(row, brief=True)) for row in rows),
        empty="No checkpoint was given to anybody yet.",
    )


@outside.command()
@click.argument("name", default="")
@click.option(
    "--authority",
    "authorities",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Certificates (PEM) of time-stamp authorities as you know them. Default: as they are known here.",
)
@click.option("--vkey", default="", help="The log's public key as you keep it. Default: as it is known here.")
@json_option
def check(name: str, authorities: Sequence[Path], vkey: str, as_json: bool) -> None:
    """Verify the log's entries, and hold what NAME, or everybody, keeps against them.

    Ends with 1 if something is wrong, with 3 if something cannot be told.
    """
    from proofwatch.outside import comparing
    from proofwatch.store import log

    app = App().open()
    found = comparing.gather(app.client, app.objects, name)
    if authorities:
        found.authorities = [path.read_bytes() for path in authorities]
    with stage_progress(not as_json) as progress:
        report, revealed = comparing.compare(
            log.DjangoLog(),
            [vkey] if vkey else public_keys(app),
            found,
            lambda done, total: progress("verify", done, total),
        )
    if as_json:
        print_json({**report.body(), "revealed": revealed})
    else:
        show_report(report)
    sys.exit(report.exit_code)


@outside.command()
@json_option
def drill(as_json: bool) -> None:
    """Rewrite a copy of the log, and see whether what others keep reveals it. Ends with 0 only if it does.

    The copy is thrown away. The log itself is only read, and nothing about the drill is kept.
    """
    from proofwatch.evidence.keys import load_key
    from proofwatch.outside import comparing
    from proofwatch.outside import drill as drilling
    from proofwatch.store import log

    app = App().open()
    found = comparing.gather(app.client, app.objects)
    signer = load_key(app.settings.key_file)
    went = drilling.run(log.DjangoLog(), signer, public_keys(app), found)
    if as_json:
        print_json(_drilled(went))
    else:
        _show_drill(went)
    sys.exit(0 if went.revealed else 1)


def _drilled(went: Outcome) -> dict[str, Any]:
    return {
        "revealed": went.revealed,
        "entries": went.entries,
        "changed": {"index": went.index, "kind": went.kind, "at": went.at},
        "whole_by_itself": not went.alone.wrong,
        "stand_in": went.stand_in,
        "log_itself_fits": not went.before.wrong,
        "by": went.held.wrong,
        "wrong_before": went.before.wrong,
    }


def _show_drill(went: Outcome) -> None:
    say(f"1. A copy of the log was made: {went.entries} entries, in a folder that is gone by now.")
    if went.stand_in:
        say("   Nobody outside keeps a checkpoint yet. A git repository made for this drill stood in.")
    if went.before.wrong:
        say("   The log itself, as it is, does not fit what is kept outside. That is no drill:", "bold red")
        for line in went.before.wrong:
            say(f"✗ {line}", "bold red")
        return
    say(f"2. In the copy, entry {went.index} ({went.kind}, {utc(went.at)}) says that somebody else did it.")
    say("   Every hash, tile and root was computed anew, and signed anew with the log's own key.")
    if went.alone.wrong:
        say("3. Verified by itself, the copy looks wrong, which it should not:", "bold red")
    else:
        say("3. Verified by itself, the rewritten copy looks whole:")
    for line in went.alone.wrong or went.alone.proven:
        say(f"   {line}")
    if went.revealed:
        say("4. Held against what is kept outside, it was revealed:", "green")
        for line in went.held.wrong:
            say(f"✗ {line}", "green")
    else:
        say("4. Held against what is kept outside, it was NOT revealed:", "bold red")
        for line in went.held.unproven:
            say(f"? {line}", "yellow")
    if went.stand_in:
        say("Your own log has nobody yet who would reveal it: proofwatch outside add --help", "yellow")


def giver(app: App) -> Giver:
    """Return what checkpoints are given with."""
    from proofwatch.evidence.keys import load_key
    from proofwatch.outside.giving import Giver

    vkey = load_key(app.settings.key_file).vkey
    return Giver(app.client, app.objects, vkey, app.settings.organization)


def keep_due(app: App) -> int:
    """Give the newest checkpoint to the keepers that are due; return how many were tried. For workers."""
    from proofwatch.outside import giving

    if not giving.due(datetime.now(UTC)):
        return 0
    app.sign()
    with_key = giver(app)
    done = giving.keep_due(with_key.client, with_key.objects, with_key.vkey, with_key.organization)
    if done:
        app.sign()
    return done


def public_keys(app: App) -> list[str]:
    """Return our public keys: of the key file, and those that the log names, which may be older."""
    import json

    from proofwatch.evidence.keys import load_key
    from proofwatch.store.models import LogEntry

    found = [load_key(app.settings.key_file).vkey] if app.settings.key_file.exists() else []
    rows = LogEntry.objects.filter(kind__in=("key.created", "key.rotated")).order_by("index")
    named = (json.loads(bytes(row.entry))["data"].get("vkey") for row in rows)
    return list(dict.fromkeys([*found, *(str(vkey) for vkey in named if vkey)]))


def _words(kept: dict[str, Any] | None, *, brief: bool = False) -> str:
    if kept is None:
        return "never"
    if kept["state"] != "accepted":
        return (
            f"not accepted: {kept['error']}" if brief else f"{utc(kept['at'])}: not accepted: {kept['error']}"
        )
    what = f"accepted: {kept['reference']}"
    return what if brief else f"{utc(kept['at'])}: {kept['size']} entries {what}"


def _body(row: Keeper) -> dict[str, Any]:
    return {
        "keeper": row.name, "kind": row.kind, "enabled": row.enabled, "settings": row.settings,
        "interval_minutes": row.interval_minutes, "next_due_at": row.next_due_at, "by": row.by, "at": row.at,
        "removed_at": row.removed_at,
    }  # fmt: skip


def _kept(row: KeptCheckpoint) -> dict[str, Any]:
    return {
        "at": row.at, "keeper": row.keeper, "kind": row.kind, "size": row.size, "root": row.root,
        "state": row.state, "reference": row.reference, "proof": row.proof, "error": row.error,
    }  # fmt: skip
