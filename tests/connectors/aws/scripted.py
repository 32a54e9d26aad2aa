"""An endpoint that answers as a test says: a function of operation and parameters, over real HTTP."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, str]
Script = Callable[[str, dict[str, str]], Answer]


@dataclass
class Scripted:
    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def count(self, op: str) -> int:
        return sum(1 for name, _ in self.asked if name == op)


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Serve `script(operation, parameters)` → (status, body) for the query, EC2 and JSON protocols."""
    server_state = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            target = self.headers.get("X-Amz-Target", "")
            if target:
                op, params = target.rpartition(".")[2], json.loads(body)
            else:
                params = {key: value[0] for key, value in urllib.parse.parse_qs(body).items()}
                op = params.pop("Action")
            server_state.asked.append((op, params))
            status, text = script(op, params)
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1" if target else "text/xml")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    server_state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield server_state
    finally:
        server.shutdown()
        server.server_close()


def ec2(op: str, inner: str) -> Answer:
    return 200, f'<{op}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">{inner}</{op}Response>'


def ec2_failure(code: str, message: str = "no", status: int = 403) -> Answer:
    error = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    return status, f"<Response>{error}<RequestID>r-1</RequestID></Response>"


def json_failure(code: str, message: str = "no", status: int = 400) -> Answer:
    return status, json.dumps({"__type": code, "message": message})


def volumes(ids: list[str], token: str = "") -> Answer:
    items = "".join(
        f"<item><volumeId>{each}</volumeId><size>8</size><encrypted>true</encrypted>"
        f"<createTime>2026-01-02T03:04:05.000Z</createTime></item>"
        for each in ids
    )
    following = f"<nextToken>{token}</nextToken>" if token else ""
    return ec2("DescribeVolumes", f"<volumeSet>{items}</volumeSet>{following}")
