"""Small servers that answer as a provider does, on this machine only. All that they say is DEMO DATA.

A fake is ours, so it proves nothing by itself: in the tests the provider's own description stands between it
and the connector, and judges what both say.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: `path` without the query, the last value of each name in it, headers in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    parts: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    """Address under which the asker reached us."""
    every: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The query with all values of each name."""

    def json(self) -> Any:
        """Return the body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def form(self) -> dict[str, str]:
        """Return the body as a form."""
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True, slots=True)
class Said:
    """One answer; `body` is sent as JSON, unless it is bytes or None."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Asked], Said]


class Fake:
    """A server of routes: `GET /orgs/{org}/members` → a function. Start it with `with`.

    Attributes:
        asked: every request that came, for tests and benchmarks.
        broken: path → an answer to give instead, to break it on purpose.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.broken: dict[str, Said] = {}
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._server: ThreadingHTTPServer | None = None

    def route(self, line: str, handler: Handler) -> None:
        """Answer `METHOD /path/{part}` with a function; `{part...}` takes slashes, too."""
        method, _, path = line.partition(" ")
        text = re.sub(r"\\\{(\w+)(\\\.\\\.\\\.)?\\\}", _group, re.escape(path))
        self._routes.append((method, re.compile(text), handler))

    @property
    def url(self) -> str:
        """Return its address while it runs."""
        if self._server is None:
            raise RuntimeError("it does not run")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Fake:
        """Start on a free port of this machine."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self, port: int = 0) -> None:
        """Start on a port; 0 takes a free one."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, asked: Asked) -> Said:
        """Answer a request."""
        self.asked.append(asked)
        if asked.path in self.broken:
            return self.broken[asked.path]
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(asked.path)
            if found and method == asked.method:
                parts = {name: unquote(value) for name, value in found.groupdict().items()}
                return handler(replace(asked, parts=parts))
        return self.unknown(asked)

    def unknown(self, asked: Asked) -> Said:
        """Answer what no route knows; a provider's own words belong here."""
        return Said({"message": "Not Found"}, 404)


def page_of(
    items: Sequence[Any], asked: Asked, number: str, size: str, most: int = 100
) -> tuple[list[Any], bool]:
    """Return a page of items by its number (from 1) and size, and whether there are more."""
    at, per = int(asked.query.get(number, "1")), min(int(asked.query.get(size, "30")), most)
    return list(items[(at - 1) * per : at * per]), at * per < len(items)


def _group(found: re.Match[str]) -> str:
    return f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})"


def _handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class _Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = fake.answer(
                Asked(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    headers,
                    self.rfile.read(length),
                    base=f"http://{headers.get('host', '')}",
                    every=parse_qs(parts.query),
                )
            )
            data = b"" if said.body is None else said.body
            if not isinstance(data, bytes):
                data = json.dumps(data).encode()
            self.send_response(said.status)
            for name, value in {"Content-Type": "application/json", **said.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the standard library

        def log_message(self, *_: Any) -> None:
            """Say nothing: the demo's terminal is for the demo."""

    return _Handler
