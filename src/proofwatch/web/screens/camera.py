"""A browser that can reach nothing but our own application, and what it sees of a page."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from proofwatch.web.screens import ScreenError, scripts
from proofwatch.web.screens.bridge import Bridge

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright, Route
    from playwright.sync_api import Page as Tab

Made = TypeVar("Made")
WIDTH, HEIGHT = 1440, 900
WIDEST = 2600
HIGHEST = 15_000
"""Pixels of a picture: beyond 16,384 Chromium draws in pieces that do not fit each other exactly."""
PATIENCE = 60_000
"""Milliseconds for one step of the browser."""
MOST_MOVES = 3
CLOSED = (
    "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-background-networking",
    "--disable-component-update", "--disable-domain-reliability", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-color-profile=srgb",
)  # fmt: skip
"""Where a request would get by the interception all the same, no name leads anywhere."""
SUFFIX = " · Proofwatch"
SIGN_IN = "/account/"
COUNTED = re.compile(r"(\d+) shown · (\d+) of (\d+)")


@dataclass(frozen=True, slots=True)
class Sight:
    """A page as the browser has it open.

    Attributes:
        url: where it is.
        title: its title.
        text: everything visible on it, as the browser has it.
        lists: each of its lists: title, rows shown, rows that match, rows there are.
        next: address of the list's next page; "" for none.
    """

    url: str
    title: str
    text: str
    lists: Sequence[Mapping[str, Any]]
    next: str


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: PNG, its size in pixels, and how high the whole page is."""

    png: bytes
    width: int
    height: int
    page_height: int

    @property
    def whole(self) -> bool:
        """Tell whether the picture shows the page to its end."""
        return self.height >= self.page_height


@dataclass(slots=True)
class _Seen:
    """What came up while a page was loaded."""

    moved: str = ""
    problem: str = ""
    refused: list[str] = field(default_factory=list)


class Camera:
    """The browser, from `with` to its end.

    It lives in a thread of its own, so that whoever uses it may ask the state between two pictures.

    Args:
        program: path of the browser.
        bridge: answers its requests.
    """

    def __init__(self, program: str, bridge: Bridge) -> None:
        self.browser = ""
        """Name and version; known once it runs."""
        self.sandboxed = os.geteuid() != 0  # Chromium has no sandbox for root.
        self._program, self._bridge = program, bridge
        self._thread = ThreadPoolExecutor(1, "browser")
        self._driver: Playwright | None = None
        self._running: Browser | None = None
        self._tab: Tab | None = None
        self._seen = _Seen()

    def __enter__(self) -> Camera:
        """Start the browser. Raises ScreenError if it does not run."""
        try:
            self._do("starting the browser", self._start)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the browser."""
        self._end()

    @property
    def driver(self) -> str:
        """Return what drives the browser."""
        return f"Playwright {version('playwright')}"

    @property
    def refused(self) -> Sequence[str]:
        """Return what the open page asked for elsewhere and did not get."""
        return tuple(self._seen.refused)

    def open(self, url: str) -> Sight:
        """Open a page of ours; it stays open until the next one. Raises ScreenError unless it is shown."""
        return self._do(f"opening {url}", lambda: self._open(url))

    def shoot(self, band: Callable[[bool], Mapping[str, Any]]) -> Shot:
        """Take a picture of the open page, with a band above it.

        Args:
            band: returns what the band says; it is told whether the picture will end before the page does.

        Raises:
            ScreenError: the browser does not draw it.
        """
        return self._do("drawing the page", lambda: self._shoot(band))

    def _do(self, doing: str, act: Callable[[], Made]) -> Made:
        from playwright.sync_api import Error

        try:
            return self._thread.submit(act).result()
        except Error as error:
            said = " ".join(str(error.message).split("Call log:")[0].split())[:300]
            raise ScreenError(doing, said or "the browser gave up", permanent=False) from None

    def _start(self) -> None:
        from playwright.sync_api import Error, sync_playwright

        self._driver = sync_playwright().start()
        try:
            self._running = self._launch(self._driver)
        except Error:
            if not self.sandboxed:
                raise
            # In many containers the kernel lends no sandbox. What is drawn is ours, without scripts.
            self.sandboxed = False
            self._running = self._launch(self._driver)
        self.browser = f"Chromium {self._running.version}"

    def _launch(self, driver: Playwright) -> Browser:
        return driver.chromium.launch(
            executable_path=self._program, args=list(CLOSED), chromium_sandbox=self.sandboxed,
            timeout=PATIENCE,
        )  # fmt: skip

    def _end(self) -> None:
        def stop() -> None:
            from playwright.sync_api import Error

            for step in (self._running and self._running.close, self._driver and self._driver.stop):
                try:
                    if step:
                        step()
                except Error:
                    continue  # It is gone already, which is what was wanted.

        self._thread.submit(stop)
        self._thread.shutdown(wait=True)

    def _open(self, url: str) -> Sight:
        self._seen = _Seen()
        tab = self._fresh()
        for _ in range(MOST_MOVES):
            if not self._bridge.ours(url) or urlsplit(url).path.startswith(SIGN_IN):
                raise ScreenError(f"opening {url[:200]}", "it leads elsewhere, or to the sign-in")
            self._seen.moved = ""
            answer = tab.goto(url, wait_until="load", timeout=PATIENCE)
            if not self._seen.moved:
                break
            url = urljoin(url, self._seen.moved)
        if self._seen.problem:
            raise ScreenError(f"opening {url}", self._seen.problem)
        status = answer.status if answer else 0
        if answer is None or status != 200:
            raise ScreenError(f"opening {url}", f"the page answered {status}")
        if not answer.headers.get("content-type", "").startswith("text/html"):
            raise ScreenError(f"opening {url}", "this is no page")
        found = tab.evaluate(scripts.READ)
        if found["hidden"]:  # A table is wider than the picture: nothing of it may lie outside.
            wide = min(WIDTH + int(found["hidden"]) + 1, WIDEST)
            tab.set_viewport_size({"width": wide, "height": HEIGHT})
        counted = [(name, COUNTED.search(said)) for name, said in found["lists"]]
        lists = [
            {"list": name, "shown": int(said[1]), "matching": int(said[2]), "population": int(said[3])}
            for name, said in counted
            if said
        ]
        beyond = urljoin(tab.url, found["next"]) if found["next"] else ""
        return Sight(
            tab.url,
            str(found["title"]).removesuffix(SUFFIX),
            found["text"],
            lists,
            beyond if self._bridge.ours(beyond) else "",
        )

    def _fresh(self) -> Tab:
        """Return a tab that knows nothing of earlier ones."""
        if self._running is None:
            raise ScreenError("opening a page", "the browser does not run")
        if self._tab is not None:
            self._tab.context.close()
            self._tab = None
        context = self._running.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1, color_scheme="light",
            java_script_enabled=False, service_workers="block", accept_downloads=False, locale="en-GB",
            timezone_id="UTC", reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        context.route("**/*", self._route)
        self._tab = context.new_page()
        return self._tab

    def _route(self, route: Route) -> None:
        """Answer a request of the browser by our own application; nothing else is answered."""
        asked = route.request
        if asked.method != "GET" or not self._bridge.ours(asked.url):
            self._seen.refused.append(f"{asked.method} {asked.url[:200]}")
            route.abort("blockedbyclient")
            return
        try:
            answer = self._bridge.get(asked.url, asked.headers.get("accept", "*/*"))
        except ScreenError as error:
            self._seen.problem = error.problem
            route.abort("failed")
            return
        if 300 <= answer.status < 400 and asked.is_navigation_request():
            # The browser would follow it without asking here again; `_open` does it.
            self._seen.moved = answer.headers.get("location", "/")
            route.fulfill(status=200, content_type="text/plain", body="")
            return
        route.fulfill(status=answer.status, headers=dict(answer.headers), body=answer.body)

    def _shoot(self, band: Callable[[bool], Mapping[str, Any]]) -> Shot:
        tab = self._tab
        if tab is None:
            raise ScreenError("drawing the page", "no page is open")
        page_height = int(tab.evaluate(scripts.BAND, [dict(band(False)), scripts.STYLES]))
        if page_height > HIGHEST:
            page_height = int(tab.evaluate(scripts.BAND, [dict(band(True)), scripts.STYLES]))
        width = (tab.viewport_size or {"width": WIDTH})["width"]
        height = min(page_height, HIGHEST)
        png = tab.screenshot(
            full_page=True, type="png", animations="disabled", caret="initial", scale="css", timeout=PATIENCE,
            clip={"x": 0, "y": 0, "width": width, "height": height},
        )  # fmt: skip
        return Shot(png, width, height, page_height)
