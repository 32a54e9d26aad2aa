"""`serve`: the pages, the API and the web hooks, with a worker beside them, until stopped."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_json, say
from proofwatch.config import ConfigError

PORT = 8480


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Port; 0: any.")
@click.option("--threads", type=click.IntRange(1, 64), default=8, show_default=True, help="At once.")
@click.option(
    "--no-worker", is_flag=True, help="Only serve: sweeps and messages are some `proofwatch worker`'s."
)
@json_option
def serve(host: str, port: int, threads: int, no_worker: bool, as_json: bool) -> None:
    """Serve the pages, the API and web hooks until stopped. Put a proxy that speaks TLS before it."""
    # Nobody ends the first process of a container by a signal that it does not take.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run(open_pages(App()), host, port, threads, worker=not no_worker, as_json=as_json)


def run(
    app: App,
    host: str = "127.0.0.1",
    port: int = PORT,
    threads: int = 8,
    *,
    worker: bool = True,
    as_json: bool = False,
) -> None:
    """Serve an installation until Ctrl-C. Raises ConfigError if the port is taken."""
    from proofwatch.cli import logs

    logs.structured()
    server = listen(app, host, port, threads)
    where = f"http://{host}:{server.effective_port}"
    link = first_link(app, app.settings.url or where)
    if as_json:
        print_json({"url": where, "first_link": link})
        sys.stdout.flush()  # Who reads it from a pipe waits for it.
    else:
        say(f"Proofwatch is on {where}. Ctrl-C stops.")
        if link:
            say(f"Nobody can sign in yet. Here the first administrator begins, once:\n  {link}")
    stop = threading.Event()
    if worker:
        work_beside(app, stop)
    try:
        server.run()
    except KeyboardInterrupt:
        server.close()
    finally:
        stop.set()


def open_pages(app: App) -> App:
    """Open the state with what the pages need. Raises StoreError, saying what helps."""
    from proofwatch.web import settings

    return app.open(lambda: settings.setup(app))


def listen(app: App, host: str, port: int, threads: int = 8) -> Any:
    """Return a server of the pages that has its port and is not running yet."""
    import waitress

    from proofwatch.web.server import application
    from proofwatch.web.settings import LARGEST_UPLOAD

    _ = app.catalog  # A wrong check file should stop the server at once, not at its first page.
    try:
        return waitress.create_server(
            application(app, threads), host=host, port=port, threads=threads, ident="proofwatch",
            max_request_body_size=LARGEST_UPLOAD + 1024 * 1024, max_request_header_size=64 * 1024,
            channel_timeout=30, clear_untrusted_proxy_headers=True,
        )  # fmt: skip
    except OSError as error:
        problem = f"{host}:{port} cannot be listened on: {error.strerror or error}"
        raise ConfigError("serving the pages", problem, "choose another --port; 0 takes any") from None


def first_link(app: App, where: str) -> str:
    """Return the address at which the first administrator begins; "" once somebody can sign in."""
    from proofwatch.web import invitations

    found = invitations.first_link(datetime.now(UTC))
    app.sign()
    return f"{where}/start/{found[1]}" if found else ""


def work_beside(app: App, stop: threading.Event) -> None:
    """Start a worker's threads; they end with the process, and what they were at is taken up again."""
    from proofwatch.cli import worker

    tasks = (
        ("messages", worker.send, 0.5),
        ("events", worker.answer, 0.5),
        ("sweeps", worker.sweep_and_look, 5.0),
        worker.PICTURES,
        worker.OUTSIDE,
        worker.BINDERS,
        worker.HISTORY,
    )
    for name, task, every in tasks:
        threading.Thread(
            target=worker.keep_at, args=(app, name, task, stop, every), name=name, daemon=True
        ).start()
