"""`backup` and `restore`: the whole installation in one file, and back into an empty one."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, note, print_fields, print_json, say
from proofwatch.cli.progress import stage_progress
from proofwatch.config import ConfigError

if TYPE_CHECKING:
    from proofwatch.evidence.note import Signer
    from proofwatch.store.manifest import Inspected
    from proofwatch.store.restoring import Restored

FILE = click.Path(path_type=Path, dir_okay=False)
KEPT = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--out", required=True, type=FILE, help="The new file, e.g. proofwatch-2026-11-28.tar.")
@click.option("--no-objects", is_flag=True, help="Without objects and exports: those are kept otherwise.")
@click.option("--with-keys", is_flag=True, help="With the private keys: whoever has the file can sign as us.")
@json_option
def backup(out: Path, no_objects: bool, with_keys: bool, as_json: bool) -> None:
    """Copy state and objects into one file, while everything goes on.

    The file is for its owner only and gets its name once it is whole. Keep the keys (keys/ in the home
    folder) in another place. Ends with 3 when an object was missing or damaged and is not in it.
    """
    from proofwatch.cli.serve import open_pages

    app = open_pages(App())
    from proofwatch.evidence.keys import load_key
    from proofwatch.store import backup as backups

    if with_keys:
        note("The backup holds the private keys: whoever has it can sign as this installation. Guard it.")
    wanted = backups.Wanted(
        url=app.settings.database_url,
        objects=None if no_objects else app.objects,
        files=_files(app),
        keys=with_keys,
        actor=app.actor,
        now=datetime.now(UTC),
    )
    with stage_progress(not as_json) as progress:
        manifest, sha256 = backups.make(out.absolute(), wanted, load_key(app.settings.key_file), progress)
    rows = sum(row["rows"] for row in manifest.tables.values())
    lost = [*manifest.objects["damaged"], *manifest.objects["missing"]]
    told = {
        "file": out, "bytes": out.stat().st_size, "backup": manifest.backup, "manifest_sha256": sha256,
        "entries": manifest.log["size"], "tables": len(manifest.tables), "rows": rows,
        "objects": manifest.objects["count"] if not no_objects else "left out", "keys": with_keys,
        "damaged": manifest.objects["damaged"], "missing": manifest.objects["missing"],
        "not_copied": manifest.not_copied,
    }  # fmt: skip
    if as_json:
        print_json(told)
    else:
        print_fields((key.replace("_", " "), value) for key, value in told.items() if value not in ([], ""))
        if lost:
            say(
                f"✗ {len(lost)} objects are missing or damaged, and not in it: `evidence verify`.", "bold red"
            )
        if not with_keys:
            say(f"Not in it: the keys in {app.settings.key_file.parent}. Keep a copy of them elsewhere.")
    sys.exit(3 if lost else 0)


@click.command()
@click.argument("file", type=KEPT)
@click.option(
    "--checkpoint", type=KEPT, help="The newest checkpoint kept elsewhere: shows whether entries are lost."
)
@click.option("--vkey", "vkeys", multiple=True, help="The log's public key as you keep it; may be repeated.")
@click.option(
    "--accept-loss", default="", metavar="REASON", help="Restore although entries or objects are lost."
)
@click.option(
    "--no-key", is_flag=True, help="Restore without the log's key: nothing can be signed until it is there."
)
@json_option
def restore(
    file: Path, checkpoint: Path | None, vkeys: tuple[str, ...], accept_loss: str, no_key: bool, as_json: bool
) -> None:
    """Restore a backup into an empty home and database, and verify all of it: whole, or not at all.

    Ends with 1, and restores nothing, when the backup is damaged, when its log or objects are not whole, and
    when it is older than the checkpoint that was kept. Put keys/log.skey and keys/web.secret in place before,
    unless they are in the backup.
    """
    from proofwatch.evidence.note import parse_vkey
    from proofwatch.store import manifest as manifests

    app = App()
    with file.open("rb") as opened, stage_progress(not as_json) as progress:
        signer = _signer(app)
        trusted = bool(vkeys or signer)
        known = [*vkeys, *([signer.vkey] if signer else [])]
        found = manifests.inspect(opened, [parse_vkey(text) for text in known], progress)
        signer = signer or _place_keys(app, opened, found, needed=not no_key)
        known = known or [found.manifest.vkey]
        result = _restore(app, opened, found, known, checkpoint, accept_loss, file.name, progress)
    if signer:
        app.sign()
    told = {**asdict(result), "report": result.report.body(), "signed": signer is not None}
    told |= {"sealed_with_unknown_keys": _unopened()}
    if as_json:
        print_json(told)
    else:
        _show(app, told, result, trusted=trusted, compared=checkpoint is not None)


def _restore(
    app: App,
    opened: Any,
    found: Inspected,
    known: list[str],
    checkpoint: Path | None,
    accept_loss: str,
    name: str,
    progress: Any,
) -> Restored:
    from proofwatch.web import settings as pages

    app.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    pages.setup(app)
    from proofwatch.store import restoring

    order = restoring.Order(
        file=opened,
        inspected=found,
        objects=app.objects,
        folders=_files(app).folders,
        vkeys=tuple(known),
        # Its bytes as they are: reading text changes line ends, and a signature is over them.
        earlier=checkpoint.read_bytes().decode("utf-8", "replace") if checkpoint else "",
        accept_loss=accept_loss,
        name=name,
        actor=app.actor,
        now=datetime.now(UTC),
    )
    return restoring.restore(order, progress)


def _files(app: App) -> Any:
    from proofwatch.store.backup import Files

    settings = app.settings
    return Files(settings.checks, settings.exports, settings.key_file, settings.secret_file)


def _signer(app: App) -> Signer | None:
    from proofwatch.evidence.keys import load_key

    return load_key(app.settings.key_file) if app.settings.key_file.exists() else None


def _place_keys(app: App, opened: Any, found: Inspected, *, needed: bool) -> Signer | None:
    """Put the keys of a backup in place, if it has any; return the log's.

    Raises:
        ConfigError: the log's key is neither here nor in the backup, and it is needed.
    """
    from proofwatch.store.archive import Reader
    from proofwatch.store.manifest import put_file

    for name, path in {"log.skey": app.settings.key_file, "web.secret": app.settings.secret_file}.items():
        member = found.members.get(f"keys/{name}")
        if member is not None:
            put_file(path, Reader(opened).chunks(member), found.manifest.files[member.name]["sha256"])
    signer = _signer(app)
    if signer is None and needed:
        raise ConfigError(
            "restoring the backup",
            f"the log's key is neither in it nor in {app.settings.key_file}",
            "Put your copy there (and web.secret beside it). Where it is lost, --no-key restores without it.",
        )
    return signer


def _unopened() -> int:
    """Return how many stored secrets are sealed with a key that is not here."""
    from proofwatch.web import factors

    names = {*factors.sealer().names, ""}
    return sum(number for name, number in factors.counts().items() if name not in names)


def _show(app: App, told: dict[str, Any], result: Restored, *, trusted: bool, compared: bool) -> None:
    from proofwatch.cli.evidence import show_report

    print_fields((key, told[key]) for key in ("tables", "rows", "objects"))
    show_report(result.report)
    if result.lost:
        say(f"✗ {result.lost} entries that the kept checkpoint covers are lost; the log says so.", "bold red")
    if not compared:
        said = "that no entry came after this backup: only --checkpoint with one kept elsewhere shows that"
        say(f"? {said}", "yellow")
    if not trusted:
        say("? that it is your log: its key was read from the backup itself; --vkey proves more", "yellow")
    if not told["signed"]:
        say(f"? nothing is signed until the log's key is in {app.settings.key_file}", "yellow")
    if told["sealed_with_unknown_keys"]:
        say(
            f"? {told['sealed_with_unknown_keys']} second factors are sealed with a key that is not here: "
            f"add the lines of your copy of web.secret to {app.settings.secret_file}",
            "yellow",
        )
    say(f"\nRestored; entry {result.index} of the log says so. Everybody signs in again.")
    say("Never let the old installation run again: two logs with one key would contradict each other.")
