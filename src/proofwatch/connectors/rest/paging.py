"""How the next page is asked for: each provider has one way, and each is a function of the last answer.

A pager gets the request of a page and what it answered, and returns the next request, or None after the last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin

from proofwatch.connectors.naming import dig


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `url` is absolute or a path below the base address; `params` are added to it.

    `body` is sent as JSON and `form` as a form, both by POST; without either it is a GET.
    """

    url: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None

    @property
    def posts(self) -> bool:
        """Tell whether it is sent by POST."""
        return self.body is not None or self.form is not None


@dataclass(frozen=True, slots=True)
class Page:
    """What was answered: the body as JSON (None where there is none), headers in lower case, its address."""

    url: str
    status: int
    body: Any
    headers: Mapping[str, str]


Pager = Callable[[Request, Page], Request | None]
_LINK = re.compile(r'<([^>]*)>\s*((?:;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^\s;,]+)\s*)*)')


def link_header(request: Request, page: Page) -> Request | None:
    """Follow `Link: <…>; rel="next"` (RFC 8288), as GitHub and Okta give it."""
    for address, params in _LINK.findall(page.headers.get("link", "")):
        if re.search(r'rel\s*=\s*"?([^";]*\s)?next\b', params):
            return replace(request, url=urljoin(page.url, address), params={})
    return None


def next_link(path: str) -> Pager:
    """Follow the address that stands in the answer, e.g. `@odata.nextLink` or `nextLink`."""

    def pager(request: Request, page: Page) -> Request | None:
        found = page.body.get(path) if isinstance(page.body, Mapping) else None
        return replace(request, url=urljoin(page.url, found), params={}) if found else None

    return pager


def token(path: str, param: str, *, in_body: bool = False) -> Pager:
    """Ask again with the token that the answer holds at `path`, e.g. `nextPageToken` as `pageToken`."""

    def pager(request: Request, page: Page) -> Request | None:
        found = dig(page.body, path)
        if not found:
            return None
        if in_body:
            return replace(request, body={**(request.body or {}), param: found})
        return replace(request, params={**request.params, param: found})

    return pager


def single(request: Request, page: Page) -> Request | None:
    """Ask no further: the answer is whole."""
    return None
