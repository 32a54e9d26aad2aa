"""A stand-in for Slack's incoming webhook on this machine, so that the demo's messages arrive somewhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGEST = 1_000_000


@dataclass(slots=True)
class Inbox:
    """What arrived, oldest first: the `text` of each message."""

    url: str
    texts: list[str] = field(default_factory=list)


@contextmanager
def start() -> Iterator[Inbox]:
    """Serve on a free port of 127.0.0.1 until the body ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST))
            inbox.texts.append(_text(data))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the demo tells what arrived."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    inbox = Inbox(f"http://127.0.0.1:{server.server_address[1]}/services/DEMO")
    threading.Thread(target=server.serve_forever, name="demo inbox", daemon=True).start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()


def _text(data: bytes) -> str:
    try:
        body = json.loads(data)
    except ValueError:
        return ""
    return str(body.get("text", "")) if isinstance(body, dict) else ""
