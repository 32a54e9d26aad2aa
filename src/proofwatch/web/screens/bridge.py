"""From a browser's requests to our own application, in this process: no port, no network, no session."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from proofwatch.web.screens import ScreenError, viewer

HERE = "http://proofwatch.local"
"""Where the pages are for the browser, unless PROOFWATCH_URL says it."""
PATIENCE = 60.0
"""Seconds for one answer."""
PORTS = {"http": "80", "https": "443"}

Application = Callable[[Mapping[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What our application answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def origin_of(url: str) -> str:
    """Return where the pages are for the browser: scheme and host of PROOFWATCH_URL, or `HERE`."""
    parts = urlsplit(url or HERE)
    return f"{parts.scheme}://{parts.netloc}"


class Bridge:
    """Asks our application as the viewer.

    In a thread of its own: the browser's driver keeps an event loop in its thread, where Django refuses to
    ask a database. The thread's connections are closed with it.

    Args:
        application: as WSGI has it.
        url: PROOFWATCH_URL, or "".
    """

    def __init__(self, application: Application, url: str) -> None:
        self.origin = origin_of(url)
        self._application = application
        self._host = urlsplit(url).netloc if url else "localhost"
        self._pages = ThreadPoolExecutor(1, "pages")

    def ours(self, url: str) -> bool:
        """Tell whether an address is one of ours."""
        return urlsplit(url)[:2] == urlsplit(self.origin)[:2]

    def get(self, url: str, accept: str = "*/*") -> Answer:
        """Return what our application answers to a GET. Raises ScreenError if it takes too long."""
        asked = self._pages.submit(self._call, self._environ(url, accept))
        try:
            return asked.result(PATIENCE)
        except TimeoutError:
            raise ScreenError("drawing a page", f"it was not made within {PATIENCE:.0f} s") from None

    def close(self) -> None:
        """End the thread and its connections to the state."""
        from proofwatch.store.django import disconnect

        self._pages.submit(disconnect)
        self._pages.shutdown(wait=True)

    def _environ(self, url: str, accept: str) -> dict[str, Any]:
        parts = urlsplit(url)
        return {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(parts.path or "/").decode("latin-1"),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": parts.hostname or "localhost",
            "SERVER_PORT": str(parts.port or PORTS.get(parts.scheme, "80")),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self._host,
            "HTTP_ACCEPT": accept,
            "HTTP_COOKIE": "theme=light",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            viewer.KEY: viewer.SEAL,
        }

    def _call(self, environ: Mapping[str, Any]) -> Answer:
        said: list[Any] = []

        def start(
            status: str, headers: list[tuple[str, str]], problem: Any = None
        ) -> Callable[[bytes], None]:
            said[:] = [int(status.split(" ", 1)[0]), headers]
            return lambda data: None  # the old way to write, which Django does not use

        parts = self._application(environ, start)
        try:
            body = b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        return Answer(said[0], {name.lower(): value for name, value in said[1]}, body)
