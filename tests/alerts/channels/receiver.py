"""Providers on loopback that fail as a test tells them to: one over HTTP, one over SMTP; real sockets."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from proofwatch.outbound.guard import Allowed
from proofwatch.outbound.http import Client

ACCEPTED = {"ok": True, "ts": "1700000000.000100", "channel": "C0123ABCD", "status": "success"}
SLOW = 3.0
"""Longer than the deadline of `Receiver.client`."""


@dataclass
class Receiver:
    """What came in, and what is answered next: "ok", "429", "500", "404", "slow" or "reset"."""

    port: int
    seen: list[Any] = field(default_factory=list)
    faults: list[Any] = field(default_factory=list)

    @property
    def client(self) -> Client:
        return Client(Allowed.of([f"127.0.0.1:{self.port}"]), timeout=1.0)

    def next(self) -> Any:
        return self.faults.pop(0) if self.faults else "ok"

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.seen]


def reset(connection: socket.socket) -> None:
    """Close a connection with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def http() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.seen.append((self.path, headers, body))
            fault = made.next()
            if fault == "reset":
                self.close_connection = True
                reset(self.connection)
                return
            if fault == "slow":
                time.sleep(SLOW)
            said: Any = ACCEPTED
            status, more = 200, {}
            if isinstance(fault, tuple):
                status, more, said = fault
            elif fault.isdigit():
                # A provider at its worst repeats what it was given, secrets and all.
                status, said = int(fault), f"no: {self.path} {headers} {body!r}"
                more = {"Retry-After": "7"} if fault == "429" else {}
            data = json.dumps(said).encode() if not isinstance(said, str) else said.encode()
            with suppress(OSError):
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Receiver(server.server_address[1])
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


SMTP_SAYS = {
    "ok": "250 2.0.0 queued as 4F1",
    "429": "451 4.7.1 later",
    "500": "451 4.3.0 broken",
    "404": "550 5.1.1 no",
}


@contextmanager
def smtp() -> Iterator[Receiver]:
    """A plain SMTP server whose fault comes as the answer to the message itself."""
    listener = socket.create_server(("127.0.0.1", 0))
    made = Receiver(listener.getsockname()[1])

    def talk(connection: socket.socket) -> None:
        lines = connection.makefile("rb")

        def say(text: str) -> None:
            connection.sendall(text.encode() + b"\r\n")

        say("220 here")
        while line := lines.readline():
            verb = line[:4].upper().decode("latin-1")
            if verb == "DATA":
                say("354 go on")
                content = b""
                while (line := lines.readline()) not in (b".\r\n", b""):
                    content += line
                made.seen.append(content)
                fault = made.next()
                if fault == "reset":
                    lines.close()
                    return reset(connection)
                if fault == "slow":
                    # It dribbles: each byte comes in time, the answer does not.
                    for _ in range(int(SLOW / 0.1)):
                        connection.sendall(b"2")
                        time.sleep(0.1)
                say(SMTP_SAYS.get(fault, SMTP_SAYS["ok"]))
            else:
                say("250 ok")
        connection.close()

    def quietly(connection: socket.socket) -> None:
        with suppress(OSError):
            talk(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=quietly, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield made
    finally:
        listener.close()
