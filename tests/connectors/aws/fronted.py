"""moto with answers in front of it for the operations that it lacks, each held against AWS's own model."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

Answers = Mapping[str, Callable[[dict[str, Any]], Any]]
"""Operation → its answer, or status and text of a failure."""
_KEPT = ("authorization", "content-type", "x-amz-target", "x-amz-date")


@contextmanager
def fronted(behind: str, answers: Answers) -> Iterator[str]:
    """Serve operations of AWS Config by `answers`, all else by the server behind; yield the URL."""
    model = botocore.session.Session().get_service_model("config")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._any()

        def do_POST(self) -> None:
            self._any()

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            service, _, op = self.headers.get("X-Amz-Target", "").rpartition(".")
            if service == "StarlingDoveService" and op in answers:
                answer = answers[op](json.loads(body))
                if isinstance(answer, tuple):
                    self._say(answer[0], "application/x-amz-json-1.1", answer[1].encode())
                    return
                report = ParamValidator().validate(answer, model.operation_model(op).output_shape)
                assert not report.has_errors(), report.generate_report()
                said = json.dumps(answer, default=lambda value: value.timestamp()).encode()
                self._say(200, "application/x-amz-json-1.1", said)
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() in _KEPT}
            asked = urllib.request.Request(behind + self.path, body or None, headers, method=self.command)
            try:
                with urllib.request.urlopen(asked, timeout=60) as found:
                    self._say(found.status, found.headers.get("Content-Type", ""), found.read())
            except urllib.error.HTTPError as error:
                self._say(error.code, error.headers.get("Content-Type", ""), error.read())

        def _say(self, status: int, kind: str, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
