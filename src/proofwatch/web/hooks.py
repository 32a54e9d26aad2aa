"""The WSGI application that hears web hooks: events of source systems, answers from Slack, news of tickets.

It believes nobody: each request is checked by its own kind before anything is done, its size and its method
first of all. What it does then is small and quick: it remembers, and the worker does the work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from proofwatch.alerts import answers, channelbook
from proofwatch.errors import ProofwatchError
from proofwatch.hooks.base import HookError, Request
from proofwatch.outbound.http import Client
from proofwatch.remediation import news
from proofwatch.store.base import StoreError
from proofwatch.store.django import disconnect, guarded
from proofwatch.store.services.hooks import Listener

LARGEST = 1024 * 1024
Start = Callable[[str, list[tuple[str, str]]], Any]
REASONS = {
    200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 411: "Length Required", 413: "Content Too Large", 500: "Internal Server Error",
    503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told: a status and a body that repeats nothing of what was sent."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Hooks:
    """The application. `POST /hooks/NAME`, `/slack/CHANNEL`, `/trackers/NAME`; `GET /healthz`."""

    client: Client
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    listener: Listener = field(init=False)

    def __post_init__(self) -> None:
        """Make the listener that keeps fetched keys for as long as this process lives."""
        self.listener = Listener(self.client)

    def __call__(self, environ: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer = self._answer(environ)
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **answer.headers,
        }
        start(f"{answer.status} {REASONS.get(answer.status, 'OK')}", list(headers.items()))
        return [answer.body]

    def _answer(self, environ: Mapping[str, Any]) -> Answer:
        try:
            with guarded("hearing a request"):
                return self._route(environ)
        except HookError as error:
            return _refused(error.status, error.problem)
        except StoreError as error:
            if error.permanent:
                return _refused(404, "there is nothing here")
            disconnect()
            return _refused(503, "the state cannot be reached; send it again later")
        except ProofwatchError as error:
            return _refused(400, error.problem)

    def _route(self, environ: Mapping[str, Any]) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        if path == "/healthz":
            return Answer(200, b'{"status":"ok"}') if method == "GET" else _refused(405, "use GET")
        place, _, name = path.strip("/").partition("/")
        if place not in ("hooks", "slack", "trackers") or not re.fullmatch(channelbook.NAME, name):
            return _refused(404, "there is nothing here")
        if method not in ("POST", "OPTIONS", "GET") or (place != "hooks" and method != "POST"):
            return _refused(405, "use POST")
        request = Request.of(_headers(environ), _body(environ), method, environ.get("QUERY_STRING", ""))
        now = self.clock()
        if place == "slack":
            said = answers.slack(name, request.headers, request.body, self.client, now)
            return Answer(200, json.dumps(said).encode())
        if place == "trackers":
            news.hear(name, request.headers, request.body, self.client, now)
            return Answer(204)
        heard = self.listener.hear(name, request, now)
        if heard.reply is not None:
            return Answer(heard.reply.status, heard.reply.body, heard.reply.headers)
        return Answer(200, b'{"heard":true}')


def _headers(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [
        (key[5:].replace("_", "-"), str(value)) for key, value in environ.items() if key.startswith("HTTP_")
    ]
    extra = (("CONTENT_TYPE", "content-type"), ("CONTENT_LENGTH", "content-length"))
    return found + [(name, str(environ[key])) for key, name in extra if environ.get(key)]


def _body(environ: Mapping[str, Any]) -> bytes:
    """Return the body; at most as much as was announced, and never more than 1 MiB."""
    text = str(environ.get("CONTENT_LENGTH") or "0")
    if not text.isascii() or not text.isdigit():
        raise HookError("reading a request", "its length is no number", status=411)
    if int(text) > LARGEST:
        raise HookError("reading a request", f"it is longer than {LARGEST} bytes", status=413)
    return bytes(environ["wsgi.input"].read(int(text)))


def _refused(status: int, problem: str) -> Answer:
    return Answer(status, json.dumps({"error": problem}).encode())
