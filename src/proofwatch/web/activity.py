"""When a session was last in use: noted once a minute, and never at the cost of the page."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse

from proofwatch.store.base import StoreError
from proofwatch.store.django import without_waiting, write

EVERY = 60.0
"""Seconds between two notes of one session."""
MOST = 10_000
logger = structlog.get_logger("proofwatch.web")


class Activity:
    """Notes who is here, for the list of a person's sessions.

    A note is a write, and a page that wrote at each request would wait for whoever writes: a sweep that
    is being applied holds SQLite for many seconds. So it is written seldom, and left out if it had to wait.
    """

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self.respond = respond
        self.noted: dict[str, float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        response = self.respond(request)
        key = request.session.session_key
        if key and request.user.is_authenticated and time.monotonic() - self.noted.get(key, -EVERY) >= EVERY:
            self._note(key, request)
        return response

    def _note(self, key: str, request: HttpRequest) -> None:
        if len(self.noted) >= MOST:
            self.noted.clear()
        self.noted[key] = time.monotonic()
        try:
            with without_waiting(), write("noting that a session is in use"):
                UserSession.objects.filter(session_key=key).update(last_seen_at=request.now)
        except StoreError as error:
            logger.info("not noted", request=request.id, problem=error.problem)
