"""One provider's interface: asks, waits where it is told to, and says in words what could not be read."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urljoin

from proofwatch.connectors import turns
from proofwatch.connectors.base import ConnectorError, ReadStats, Unread
from proofwatch.connectors.naming import dig
from proofwatch.connectors.rest.auth import Auth
from proofwatch.connectors.rest.paging import Page, Pager, Request, single
from proofwatch.connectors.rounds import Rounds
from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Answer, NoAnswer
from proofwatch.outbound.session import Session

TRIES = 4
MOST_WAIT = 60.0
"""Seconds that a request may be asked to wait in all; whoever asks for more is read again next time."""
REDIRECTS = 3
MOST_KEPT = 64 << 20
"""Bytes of answers kept for conditional requests, in each process."""
LONGEST = 300
_MESSAGES = ("error.message", "error_description", "message", "errorSummary", "error", "detail", "title")


class Pace:
    """At most so many requests a minute, for all who share the key: every worker, where workers share turns.

    Args:
        per_minute: requests.
        key: what the provider counts them for: its host with the account, the application or the address.
    """

    def __init__(self, per_minute: int, key: str = "") -> None:
        self._gap = 60.0 / per_minute
        self._key = key or f"own {id(self)}"

    def wait(self) -> None:
        """Wait for one's turn."""
        turns.wait(self._key, self._gap)


class Kept:
    """Answers with their ETag: what did not change is not sent again (RFC 9110 §13.1.2)."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most, self._size = most, 0
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def get(self, key: str) -> Answer | None:
        """Return what was answered before."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer, and drop those that were not asked for the longest."""
        with self._lock:
            old = self._answers.pop(key, None)
            self._size += len(answer.body) - (len(old.body) if old else 0)
            self._answers[key] = answer
            while self._size > self._most and self._answers:
                self._size -= len(self._answers.popitem(last=False)[1].body)


KEPT = Kept()


@dataclass(slots=True)
class Api:
    """One provider's interface under one credential. Threads may share it.

    Attributes:
        title: of the provider, for errors.
        base: address that paths are below.
        session: sends; it knows the hosts.
        auth: lets us in.
        pager: how the next page is asked for.
        headers: of every request.
        pace: how fast.
        account: for errors, whose data is read.
        limited: tells of a refusal (403) whether it is a limit, and then the seconds to wait.
        conditional: whether ETags are worth keeping there.
    """

    title: str
    base: str
    session: Session
    auth: Auth
    pager: Pager = single
    headers: Mapping[str, str] = field(default_factory=dict)
    pace: Pace | None = None
    account: str = ""
    limited: Callable[[Answer], float | None] = lambda answer: None
    conditional: bool = False
    most_wait: float = MOST_WAIT

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        permission: str = "",
        stats: ReadStats | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Return one answer. Raises Unread unless it is a success with JSON (or without any body)."""
        request = Request(path, params or {}, None, headers or {})
        return self.send(request, permission=permission, stats=stats)

    def pages(
        self,
        request: Request,
        *,
        permission: str = "",
        stats: ReadStats | None = None,
        pager: Pager | None = None,
    ) -> Iterator[Page]:
        """Yield every page of a listing, in order. Raises Unread where one cannot be read."""
        rounds = Rounds()
        following: Request | None = request
        while following is not None:
            if rounds.again(f"{following.url}?{urlencode(sorted(following.params.items()))}{following.body}"):
                problem = f"{self.title} names a page as the next that was read before"
                raise Unread(self._doing(request.url), problem, "Try again.", permanent=False, code="loop")
            page = self.send(following, permission=permission, stats=stats)
            if stats:
                stats.pages += 1
            yield page
            following = (pager or self.pager)(following, page)

    def items(
        self,
        request: Request,
        needs: Collection[str] = (),
        *,
        rows: str = "",
        permission: str = "",
        stats: ReadStats | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield every item of a listing. Raises Unread where an answer is no list of what was asked for.

        Args:
            request: its first page.
            needs: dotted members without which an item is none.
            rows: dotted path to the list in an answer; "" where the answer is the list.
            permission: that it needs.
            stats: counts requests and pages.
        """
        for page in self.pages(request, permission=permission, stats=stats):
            found = dig(page.body, rows) if rows else page.body
            whole = isinstance(found, list) and all(
                isinstance(item, Mapping) and all(dig(item, name) is not None for name in needs)
                for item in found
            )
            if not whole:
                problem = f"{self.title} answered what it does not document: no list of what was asked for"
                raise Unread(self._doing(request.url), problem, "Try again; check the proxy.", code="schema")
            yield from found

    def send(self, request: Request, *, permission: str = "", stats: ReadStats | None = None) -> Page:
        """Send a request and return what was answered. Raises Unread."""
        doing = self._doing(request.url)
        url = urljoin(f"{self.base.rstrip('/')}/", request.url.lstrip("/"))
        if request.url.startswith(("http://", "https://")):
            url = request.url
        if request.params:
            url += ("&" if "?" in url else "?") + urlencode(request.params, doseq=True)
        answer = self._answered(request, url, doing, stats)
        if answer.status in (301, 302, 303, 307, 308) and not request.posts:
            answer, url = self._followed(request, url, answer, doing, stats)
        if not answer.ok:
            raise self.refused(answer, doing, permission)
        if not answer.body.strip():
            return Page(url, answer.status, None, answer.headers)
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            problem = (
                f"{self.title} answered {len(answer.body)} bytes that are no JSON: broken off, or a proxy's"
            )
            raise Unread(
                doing, problem, "Try again; check the proxy.", permanent=False, code="json"
            ) from None
        return Page(url, answer.status, body, answer.headers)

    def refused(self, answer: Answer, doing: str, permission: str) -> Unread:
        """Return why an answer is no success, in the provider's words, and what mends it."""
        said = self._words(answer)
        code, title = str(answer.status), self.title
        if answer.status == 401:
            problem = f"{title} does not accept the credential{said}"
            return Unread(doing, problem, "Renew it: it may have expired or been revoked.", code=code)
        if answer.status == 429 or self.limited(answer) is not None:
            wait = self._wait(answer)
            more = f" and asks to wait {wait:.0f} seconds" if wait else ""
            problem = f"{title} limits how often we may ask{more}{said}"
            return Unread(doing, problem, "It is read again by the next sweep.", permanent=False, code=code)
        if answer.status == 403:
            needs = f" ({permission} is needed)" if permission else ""
            return Unread(
                doing, f"{title} denies it{needs}{said}", f"Grant {permission}." if permission else "",
                permission=permission, code=code,
            )  # fmt: skip
        if answer.status == 404:
            # A provider says so of what we may not see, too: whoever knows better lists it as absent.
            problem = f"{title} says that there is no such thing, or that we may not see it{said}"
            return Unread(doing, problem, permission=permission, code=code)
        if answer.status >= 500:
            problem = f"{title} failed with status {answer.status}{said}"
            return Unread(doing, problem, "Try again.", permanent=False, code=code)
        return Unread(doing, f"{title} refuses the request with status {answer.status}{said}", code=code)

    def _answered(self, request: Request, url: str, doing: str, stats: ReadStats | None) -> Answer:
        """Ask until there is an answer that waiting would not better."""
        waited, renewed = 0.0, False
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._once(request, url, doing, stats)
            except NoAnswer as error:
                if attempt == TRIES:
                    problem = f"{self.title} did not answer: {error.problem}"
                    raise Unread(doing, problem, "Try again.", permanent=False, code="no answer") from None
                answer = None
            except Unread:
                raise
            except ProofwatchError as error:
                raise Unread(error.doing, error.problem, error.remedy, code="host") from None
            if answer is not None and answer.status == 401 and not renewed and self.auth.renew():
                renewed = True
                continue
            limit = answer is not None and (answer.status == 429 or self.limited(answer) is not None)
            if answer is not None and not limit and answer.status not in (500, 502, 503, 504):
                return answer
            if stats and limit:
                stats.throttled += 1
            wait = (self._wait(answer) if answer else None) or min(8.0, 0.5 * 2**attempt)
            if answer is not None and (attempt == TRIES or waited + wait > self.most_wait):
                return answer
            wait *= 1 + random.random() / 10  # noqa: S311 - that not all come back at once
            time.sleep(wait)
            waited += wait
        raise AssertionError("the last try returns or raises")  # pragma: no cover

    def _once(self, request: Request, url: str, doing: str, stats: ReadStats | None) -> Answer:
        try:
            headers = {**self.headers, **request.headers, **self.auth.headers()}
        except ConnectorError as error:
            raise Unread(
                error.doing, error.problem, error.remedy, permanent=error.permanent, code="credential"
            ) from None
        content = None
        if request.body is not None:
            content = json.dumps(request.body).encode()
            headers["Content-Type"] = "application/json"
        elif request.form is not None:
            content = urlencode(request.form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        key, known = "", None
        if self.conditional and not request.posts:
            mark = f"{url}\n{headers.get('Accept', '')}\n{headers.get('Authorization', '')}"
            key = hashlib.sha256(mark.encode()).hexdigest()
            known = KEPT.get(key)
            if known:
                headers["If-None-Match"] = known.headers["etag"]
        if self.pace:
            self.pace.wait()
        if stats:
            stats.calls += 1
        method = "POST" if request.posts else "GET"
        answer = self.session.request(method, url, doing=doing, headers=headers, content=content)
        if answer.status == 304 and known:
            # The body is the one from before; links to the next page and limits are of now.
            return replace(known, headers={**known.headers, **answer.headers})
        if key and answer.status == 200 and answer.headers.get("etag"):
            KEPT.put(key, answer)
        return answer

    def _followed(
        self, request: Request, url: str, answer: Answer, doing: str, stats: ReadStats | None
    ) -> tuple[Answer, str]:
        for _ in range(REDIRECTS):
            url = urljoin(url, answer.headers.get("location", ""))
            answer = self._answered(request, url, doing, stats)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer, url
        raise Unread(doing, f"{self.title} redirects again and again", code=str(answer.status))

    def _wait(self, answer: Answer) -> float | None:
        asked = answer.retry_after()
        return asked if asked is not None else (self.limited(answer) or None)

    def _words(self, answer: Answer) -> str:
        """Return what the provider said, on one line, short, and without our own secrets."""
        body = answer.json()
        found = next((text for path in _MESSAGES if isinstance(text := dig(body, path), str)), "")
        try:
            for secret in self.auth.secrets():
                found = found.replace(secret, "…") if secret else found
        except ConnectorError:
            found = ""
        found = " ".join("".join(sign if sign.isprintable() else " " for sign in found).split())
        return f": {found[:LONGEST]}" if found else ""

    def _doing(self, url: str) -> str:
        path = url.partition("?")[0]
        shown = path.partition("://")[2].partition("/")[2] if "://" in path else path
        of = f" of {self.account}" if self.account else ""
        return f"reading /{shown.lstrip('/')[:200]}{of}"
