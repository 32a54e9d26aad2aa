"""`witness`: remember how far logs of others were, and cosign what continues them. Needs no other state."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from proofwatch.cli.output import json_option, print_fields, print_json, print_table, safe, say, utc
from proofwatch.config import ConfigError

PORT = 8490
PATH = "/add-checkpoint"
REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
    503: "Service Unavailable",
}

HOME = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("proofwatch-witness"),
    show_default=True,
    help="Folder of the witness: its key and what it remembers.",
)


@click.group()
def witness() -> None:
    """Be a witness of logs: cosign what continues them, refuse what was rewritten.

    Run it under another account, on another machine, than the log that it watches.
    """


@witness.command()
@HOME
@click.option("--name", required=True, help="Its name, e.g. witness.example.org/w1: no blanks, no plus sign.")
@json_option
def init(home: Path, name: str, as_json: bool) -> None:
    """Make a witness: a key of its own and an empty memory."""
    from proofwatch.evidence.witness import create_witness

    made = create_witness(home, name)
    if as_json:
        print_json({"home": home.absolute(), "name": made.name, "vkey": made.vkey})
        return
    say(f"The witness is in {home}. Its public key, for the logs and for those who verify:")
    say(f"  {made.vkey}")
    say(
        "Next: `proofwatch witness trust VKEY` with the public key of a log, then `proofwatch witness serve`."
    )


@witness.command()
@HOME
@click.option("--remove", is_flag=True, help="Accept this key no longer, e.g. because it was stolen.")
@click.argument("vkey")
@json_option
def trust(home: Path, vkey: str, remove: bool, as_json: bool) -> None:
    """Cosign for the log with this public key from now on. How far a log was is never forgotten."""
    from proofwatch.evidence.note import parse_vkey
    from proofwatch.evidence.witness import open_witness

    opened = open_witness(home)
    if remove:
        known = opened.distrust(vkey)
        origin = parse_vkey(vkey).name
        text = (
            f"That key of {origin} is accepted no longer."
            if known
            else f"That key of {origin} was not known."
        )
    else:
        origin = opened.trust(vkey)
        text = f"Checkpoints of {origin} under this key are cosigned from now on."
    if as_json:
        print_json({"origin": origin, "vkey": vkey.strip(), "trusted": not remove})
    else:
        say(text)


@witness.command()
@HOME
@json_option
def status(home: Path, as_json: bool) -> None:
    """Show the public key, how far each log was, and what was refused. Ends with 1 if a log was rewritten.

    `--json` has the cosigned checkpoints and the refused ones in full: the proof for others.
    """
    from proofwatch.evidence.witness import open_witness

    opened = open_witness(home)
    logs = opened.logs()
    rewritten = [log["origin"] for log in logs if any(item["convicts"] for item in log["refused"])]
    if as_json:
        print_json({"name": opened.name, "vkey": opened.vkey, "logs": [_plain(log) for log in logs]})
    else:
        print_fields([("name", opened.name), ("vkey", opened.vkey)])
        print_table(
            ["Log", "Entries", "Cosigned", "Keys", "Refused"],
            (
                [log["origin"], log["size"], _time(log["at"]), len(log["vkeys"]), len(log["refused"])]
                for log in logs
            ),
            empty="No log is known. Run `proofwatch witness trust VKEY`.",
        )
        for origin in rewritten:
            say(f"✗ {origin} signed two different logs of one size: it was rewritten.", "bold red")
    sys.exit(1 if rewritten else 0)


def _plain(log: dict[str, Any]) -> dict[str, Any]:
    refused = [
        {**item, "at": _moment(item["at"]), "convicts": bool(item["convicts"])} for item in log["refused"]
    ]
    return {**log, "at": _moment(log["at"]), "refused": refused}


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _time(seconds: int | None) -> str:
    return utc(_moment(seconds))


@witness.command()
@HOME
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Port; 0: any.")
@json_option
def serve(home: Path, host: str, port: int, as_json: bool) -> None:
    """Answer `POST /add-checkpoint` until stopped. Put a proxy that speaks TLS before it.

    Standard error has a line for each request: time, status, the log and the size that it named, the reason.
    """
    from proofwatch.evidence.witness import open_witness

    opened = open_witness(home)
    server = listen(opened.add_checkpoint, host, port)
    where = f"http://{host}:{server.effective_port}"
    if as_json:
        print_json({"url": where, "name": opened.name, "vkey": opened.vkey})
        sys.stdout.flush()  # Who reads it from a pipe waits for it.
    else:
        say(f"The witness {opened.name} is on {where}. Ctrl-C stops.")
    try:
        server.run()
    except KeyboardInterrupt:
        server.close()


def listen(answer: Callable[[bytes], Any], host: str, port: int) -> Any:
    """Return a server that has its port and is not running yet. Raises ConfigError if the port is taken."""
    import waitress

    from proofwatch.evidence.witness import MOST_REQUEST

    try:
        return waitress.create_server(
            application(answer), host=host, port=port, threads=4, ident="proofwatch-witness",
            max_request_body_size=MOST_REQUEST, max_request_header_size=16 * 1024, channel_timeout=30,
            clear_untrusted_proxy_headers=True,
        )  # fmt: skip
    except OSError as error:
        problem = f"{host}:{port} cannot be listened on: {error.strerror or error}"
        raise ConfigError("serving the witness", problem, "choose another --port; 0 takes any") from None


def application(answer: Callable[[bytes], Any]) -> Callable[[Mapping[str, Any], Any], Iterable[bytes]]:
    """Return the WSGI application around `Witness.add_checkpoint`."""

    def serve_one(environ: Mapping[str, Any], start: Any) -> Iterable[bytes]:
        data = b""
        if environ.get("PATH_INFO") != PATH:
            status, headers, body = 404, {}, b"there is only /add-checkpoint\n"
        elif environ.get("REQUEST_METHOD") != "POST":
            status, headers, body = 405, {"Allow": "POST"}, b"only POST\n"
        else:
            data = environ["wsgi.input"].read()
            status, headers, body = _answer(answer, data)
        _log(status, data, body)
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "X-Content-Type-Options": "nosniff",
            **headers,
        }
        start(f"{status} {REASONS[status]}", [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    return serve_one


def _answer(answer: Callable[[bytes], Any], data: bytes) -> tuple[int, dict[str, str], bytes]:
    from proofwatch.evidence.base import EvidenceError

    try:
        status, headers, body = answer(data)
        return status, headers, body
    except EvidenceError as error:
        # Recorded here and in the answer's status; what is wrong with our disk is not for strangers.
        click.echo(safe(str(error), keep_lines=True), err=True)
        return 503, {"Retry-After": "60"}, b"the witness cannot use its memory; nothing was cosigned\n"


def _log(status: int, data: bytes, body: bytes) -> None:
    """Write a line about a request: its time, our status, the log and the size that it named, our reason."""
    _, _, note = data[:4096].partition(b"\n\n")
    named = " ".join(note.decode("utf-8", "replace").split("\n")[:2])[:200]
    said = "" if status == 200 else body.decode("utf-8", "replace").strip()
    click.echo(safe(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {status} {named} {said}".rstrip()), err=True)
