"""Around every request: an id, headers that keep the page to itself, and who is asking."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from proofwatch.errors import ProofwatchError
from proofwatch.store.models import Person
from proofwatch.web import access, auditing, metrics, problems
from proofwatch.web.screens import viewer

Respond = Callable[[HttpRequest], HttpResponse]
OPEN = ("/healthz", "/readyz", "/metrics", "/static/", "/start/", "/api/", "/account/")
"""Places that decide for themselves who may come in; all others need a person."""
SECOND = ("/account/",)
"""Where somebody without a second factor may go while one is required."""
KEEP_AT_MOST = 32_000
NEVER_KEPT = re.compile(r"csrf|password|token|secret|code", re.IGNORECASE)
logger = structlog.get_logger("proofwatch.web")


class Headers:
    """Gives a request its id, writes one line about it, and sets the headers of safety."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        origins = " ".join(sorted(_sign_in_origins()))
        self.policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
            f"form-action 'self' {origins}".rstrip()
            + "; frame-ancestors 'none'"
        )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        began = time.perf_counter()
        request.id = secrets.token_hex(8)
        request.now = datetime.now(UTC)
        response = self.respond(request)
        seconds = time.perf_counter() - began
        response["X-Request-Id"] = request.id
        response["Content-Security-Policy"] = self.policy
        response["X-Frame-Options"] = "DENY"
        response["X-Content-Type-Options"] = "nosniff"
        response["Referrer-Policy"] = "same-origin"
        response["Cross-Origin-Opener-Policy"] = "same-origin"
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        if settings.SECURE_HSTS_SECONDS:
            response["Strict-Transport-Security"] = (
                f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
            )
        if not request.path.startswith("/static/"):
            response.setdefault("Cache-Control", "no-store")
        route = getattr(getattr(request, "resolver_match", None), "route", "") or "none"
        metrics.answered(request.method, route, response.status_code, seconds)
        logger.info(
            "answered", request=request.id, method=request.method, route=route, status=response.status_code,
            ms=round(seconds * 1000, 1), person=getattr(getattr(request, "person", None), "name", ""),
        )  # fmt: skip
        return response


class People:
    """Says which person asks; sends strangers to sign in, and keeps what they had typed."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        request.person, request.kept = None, {}
        if viewer.looks(request):
            # Not in `auditing`: what is drawn becomes an entry of its own, screenshot.taken.
            request.person = viewer.person(request.now)
            with viewer.only_reading():
                return self.respond(request)
        if request.user.is_authenticated:
            refused = self._recognise(request)
            if refused is not None:
                return refused
        elif not request.path.startswith(OPEN):
            return _to_sign_in(request)
        if request.person is not None and request.method == "GET":
            request.kept = _kept(request)
        response = self.respond(request)
        if request.person is not None:
            auditing.looked(request, response)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Show an error of ours as a sentence that says what to do; everything else is a fault."""
        if isinstance(error, ImmediateHttpResponse | ReauthenticationRequired):
            return None  # No faults: the sign-in's own middleware answers them.
        if isinstance(error, PermissionDenied):
            return problems.show(request, 403, str(error) or "You may not do this.")
        if isinstance(error, Http404):
            return problems.not_found(request)
        if isinstance(error, SuspiciousOperation | RequestDataTooBig):
            return problems.show(request, 400, "The request cannot be read.")
        if isinstance(error, ProofwatchError):
            return problems.of_error(request, error)
        if isinstance(error, DatabaseError):
            logger.error("database", request=request.id, error=type(error).__name__)
            return problems.show(request, 503, problems.AWAY)
        if request.path.startswith("/account/saml/"):
            logger.warning("sign-in service", request=request.id, error=type(error).__name__)
            return problems.show(
                request, 400, "The sign-in service cannot be reached, or its answer cannot be read.",
                "Begin again at the sign-in; an administrator looks at PROOFWATCH_SAML_METADATA.",
            )  # fmt: skip
        logger.error("fault", request=request.id, error=type(error).__name__, exc_info=error)
        return problems.show(
            request, 500, "Proofwatch made a mistake.", f"Its log has it under {request.id}."
        )

    def _recognise(self, request: HttpRequest) -> HttpResponse | None:
        person = Person.objects.filter(user=request.user.pk).first()
        why = access.barred(person, request.now) if person else "This account belongs to nobody."
        if why or not request.user.is_active:
            logout(request)
            return problems.show(request, 403, why or "This account is closed.")
        request.person = person
        if _second_factor_is_due(request):
            if request.path.startswith("/api/"):
                return problems.show(request, 403, "A second factor is required.", "Set it up on the pages.")
            return HttpResponseRedirect(reverse("mfa_index"))
        return None


def _second_factor_is_due(request: HttpRequest) -> bool:
    from allauth.mfa.utils import is_mfa_enabled

    from proofwatch.web.context import installation

    if not installation().settings.require_mfa or request.path.startswith((*SECOND, "/static/")):
        return False
    return not is_mfa_enabled(request.user)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send a stranger to sign in. What they sent is kept in the session, without secrets."""
    back = request.get_full_path()
    if request.method not in access.SAFE:
        back = _page_of_form(request)
        sent = {key: values for key, values in request.POST.lists() if not NEVER_KEPT.search(key)}
        if sent and len(str(sent)) <= KEEP_AT_MOST:
            request.session["kept"] = {"page": urlsplit(back).path, "sent": sent}
    where = f"{reverse('account_login')}?next={quote(back)}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": where})
    return HttpResponseRedirect(where)


def _page_of_form(request: HttpRequest) -> str:
    """Return the page on which a form stood: an address of ours, or the home page."""
    said = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "/"
    parts = urlsplit(said)
    ours = not parts.netloc or parts.netloc == request.get_host()
    path = parts.path if ours and parts.path.startswith("/") and not parts.path.startswith("//") else "/"
    return path + (f"?{parts.query}" if ours and parts.query else "")


def _kept(request: HttpRequest) -> Mapping[str, Any]:
    """Return what somebody had typed on this page before they had to sign in again; once."""
    kept = request.session.get("kept")
    if not kept or kept.get("page") != request.path:
        return {}
    del request.session["kept"]
    return {key: values[-1] if len(values) == 1 else values for key, values in kept["sent"].items()}


def _sign_in_origins() -> set[str]:
    """Return the origins of the sign-in services: browsers hold a form's redirects to its policy, too."""
    known = settings.SOCIALACCOUNT_PROVIDERS
    parts = [
        urlsplit(app["settings"]["server_url"]) for app in known.get("openid_connect", {}).get("APPS", [])
    ] + [urlsplit(app["settings"]["idp"]["metadata_url"]) for app in known.get("saml", {}).get("APPS", [])]
    return {f"{part.scheme}://{part.netloc}" for part in parts}
