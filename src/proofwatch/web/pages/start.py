"""Get started: the first link of the first administrator, invitations, and the guide of the first run."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.usersessions.models import UserSession
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

from proofwatch.errors import ProofwatchError
from proofwatch.store.models import ChannelConfig, Connection, ControlApproval, Person, Sweep
from proofwatch.store.services import controls
from proofwatch.web import invitations, problems
from proofwatch.web.access import at

BACKEND = "django.contrib.auth.backends.ModelBackend"


def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Let an invited person choose a password; they are signed in then."""
    try:
        invitation = invitations.open_link(token, request.now)
    except ProofwatchError as error:
        return problems.show(request, 403, f"{error.problem[:1].upper()}{error.problem[1:]}.", error.remedy)
    values: dict[str, Any] = {"invitation": invitation, "token": token}
    if request.method != "POST":
        return render(request, "pages/accept.html", values)
    first, second = request.POST.get("password", ""), request.POST.get("again", "")
    try:
        if first != second:
            raise ProofwatchError("", "the two are not the same", "type it again")
        user = invitations.accept(token, first, request.now)
    except ProofwatchError as error:
        return render(request, "pages/accept.html", {**values, "error": error}, status=400)
    login(request, user, backend=BACKEND)
    UserSession.objects.create_from_request(request)
    record_authentication(request, user, "password", username=user.username)
    return HttpResponseRedirect("/")


def guide(request: HttpRequest) -> HttpResponse:
    """Show what is left to do until the first status is seen."""
    listed = controls.current()
    steps = [
        ("Somebody can sign in", True, "/settings"),
        ("A system is connected", Connection.objects.filter(removed_at=None).exists(), "/connections"),
        (
            "It was read once",
            Sweep.objects.filter(state__in=("complete", "partial")).exists(),
            "/connections",
        ),
        (
            "The control list is approved",
            ControlApproval.objects.filter(control_list=listed).exists() if listed else False,
            "/settings/controls",
        ),
        (
            "Somebody is told when a control fails",
            ChannelConfig.objects.filter(enabled=True, removed_at=None).exists(),
            "/settings",
        ),
        (
            "More than one person can decide",
            Person.objects.filter(active=True).count() > 1,
            "/settings/people",
        ),
    ]
    return render(request, "pages/start.html", {"steps": steps, "done": sum(done for _, done, _ in steps)})


OPEN = (path("start/<str:token>", accept, name="start"),)
URLS = (at("get-started", guide, "start-guide"),)
