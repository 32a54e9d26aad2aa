"""`evidence`: the log of everything that happened, and the proof that it is whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, note, print_fields, print_json, print_table, say
from proofwatch.cli.progress import stage_progress


@click.group()
def evidence() -> None:
    """List, show and verify the evidence log."""


@evidence.command("list")
@click.option("--kind", default="", help="Only entries of this kind, e.g. sweep.finished.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
@json_option
def list_entries(kind: str, limit: int, as_json: bool) -> None:
    """List the newest entries, newest first."""
    from proofwatch.store.models import LogEntry

    App().open()
    rows = LogEntry.objects.order_by("-index")
    if kind:
        rows = rows.filter(kind=kind)
    found = [_entry(row) for row in rows[:limit]]
    if as_json:
        print_json(found)
        return
    print_table(
        ["Index", "At", "Kind", "By", "What"],
        ((item["index"], item["at"], item["kind"], item["actor"], _brief(item["data"])) for item in found),
        empty="The log is empty. Run `proofwatch init`." if not kind else f"No entry of kind {kind}.",
    )


def _entry(row: Any) -> dict[str, Any]:
    body = json.loads(bytes(row.entry))
    return {"index": row.index, **{key: body[key] for key in ("at", "kind", "actor", "data")}}


def _brief(data: dict[str, Any]) -> str:
    text = ", ".join(
        f"{key}={value}" for key, value in data.items() if isinstance(value, str | int) and value != ""
    )
    return text if len(text) <= 120 else text[:119] + "…"


@evidence.command()
@click.argument("index", type=click.IntRange(0))
@click.option("--proof", is_flag=True, help="Print the entry's tlog-proof, which other software can verify.")
@json_option
def show(index: int, proof: bool, as_json: bool) -> None:
    """Show one entry, the objects it names, and its proof of inclusion."""
    from proofwatch.store.models import LogEntry

    App().open()
    row = LogEntry.objects.filter(index=index).first()
    if row is None:
        raise click.UsageError(f"There is no entry {index}; the log has {LogEntry.objects.count()}.")
    if proof:
        click.echo(_proof(index), nl=False)
        return
    item = {**_entry(row), "leaf_hash": bytes(row.leaf).hex()}
    if as_json:
        print_json(item)
        return
    print_fields((key, value) for key, value in item.items() if key != "data")
    say(json.dumps(item["data"], indent=2, ensure_ascii=False))


def _proof(index: int) -> str:
    """Return the tlog-proof of an entry under the newest checkpoint."""
    from proofwatch.evidence.merkle import inclusion_proof
    from proofwatch.evidence.proof import format_proof
    from proofwatch.store import log

    reader = log.DjangoLog()
    signed = reader.checkpoint()
    size = int(signed.split("\n")[1]) if signed else 0
    if index >= size:
        raise click.UsageError(
            f"Entry {index} is not signed yet; the newest checkpoint is over {size} entries."
        )
    return format_proof(index, inclusion_proof(index, size, reader.tile), signed)


@evidence.command()
@click.argument("digest")
@json_option
def cat(digest: str, as_json: bool) -> None:
    """Write an evidence object to standard output, proven against its SHA-256."""
    import base64

    data = App().objects.get(digest)
    if as_json:
        body = {"sha256": digest, "bytes": len(data), "base64": base64.b64encode(data).decode("ascii")}
        print_json(body)
        return
    sys.stdout.buffer.write(data)


@evidence.command()
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A checkpoint that you kept earlier: proves that nothing before it was rewritten.",
)
@click.option("--vkey", default="", help="The log's public key as you keep it. Default: our own key's.")
@click.option("--no-objects", is_flag=True, help="Only the log, not the objects that it names.")
@json_option
def verify(checkpoint: Path | None, vkey: str, no_objects: bool, as_json: bool) -> None:
    """Recompute every hash, proof and signature. Ends with 1 when something is wrong."""
    app = App().open()
    earlier = read_kept(checkpoint) if checkpoint else None
    report = verify_all(app, earlier, vkey=vkey, objects=not no_objects, quiet=as_json)
    if as_json:
        print_json(report.body())
    else:
        show_report(report)
    sys.exit(report.exit_code)


def verify_all(
    app: App, earlier: str | None = None, *, vkey: str = "", objects: bool = True, quiet: bool = False
) -> Any:
    """Verify the log against a public key, and the objects that it names."""
    from proofwatch.evidence.verify import verify_log
    from proofwatch.store import log
    from proofwatch.store.history.verify import hold

    vkey = vkey or _public_key(app)
    with stage_progress(not quiet) as progress:
        report = verify_log(
            log.DjangoLog(),
            [vkey],
            app.objects if objects else None,
            earlier,
            lambda d, t: progress("verify", d, t),
        )
    hold(report)
    if objects and (said := doubled(app)):
        report.unproven.append(said)
    return report


def doubled(app: App) -> str:
    """Say which objects stand in the bucket more than once; "" if none does, or the store is a folder."""
    from proofwatch.reports.bucket import BucketError, open_bucket

    bucket = open_bucket(app.settings.objects, app.settings.objects_endpoint)
    if bucket is None:
        return ""
    try:
        found = bucket.doubled()
    except BucketError as error:
        return f"whether an object stands in the bucket more than once is not known: {error.problem}"
    if not found.doubled:
        return ""
    first, more = next(iter(found.doubled)), sum(found.doubled.values()) - len(found.doubled)
    return (
        f"{len(found.doubled)} of {found.objects} objects in the bucket have older versions, {more} in all, "
        f"which are not read (the first: {first}). A server that ignores If-None-Match keeps the same bytes "
        "twice where two processes store them at once; else somebody wrote there"
    )


def _public_key(app: App) -> str:
    """Return our own public key: of the key file, else the one that the log itself names.

    Raises:
        EvidenceError: there is neither.
    """
    from proofwatch.evidence.base import EvidenceError
    from proofwatch.evidence.keys import load_key
    from proofwatch.store.models import LogEntry

    if app.settings.key_file.exists():
        return load_key(app.settings.key_file).vkey
    row = LogEntry.objects.filter(kind="key.created").order_by("index").first()
    if row is None:
        raise EvidenceError(
            "verifying the log", "no public key is known", "Name the one you kept with --vkey."
        )
    note("The public key was read from the log itself; --vkey with one you kept proves more.")
    return str(_entry(row)["data"]["vkey"])


def read_kept(path: Path) -> str:
    """Return a checkpoint that somebody kept, byte by byte as it was signed.

    Raises:
        EvidenceError: it is no text.
    """
    from proofwatch.evidence.base import EvidenceError

    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise EvidenceError(
            f"reading the checkpoint that you kept, {path}",
            "it is not UTF-8, so it is no signed checkpoint",
            "Name the file that you kept, as `proofwatch evidence checkpoint` printed it.",
        ) from None


def show_report(report: Any) -> None:
    """Print what is proven, what is not, and what is wrong."""
    for line in report.proven:
        say(f"✓ {line}", "green")
    for line in report.unproven:
        say(f"? {line}", "yellow")
    for line in report.wrong:
        say(f"✗ {line}", "bold red")


@evidence.command()
@json_option
def checkpoint(as_json: bool) -> None:
    """Print the newest signed checkpoint. Keep a copy elsewhere: it reveals a rewritten log."""
    from proofwatch.store import log

    App().open()
    text = log.DjangoLog().checkpoint()
    if as_json:
        print_json({"checkpoint": text, "size": int(text.split("\n")[1]) if text else 0})
        return
    click.echo(text, nl=False)
