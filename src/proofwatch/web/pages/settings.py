"""Settings: people and how they sign in, the control list, one's own account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch import __version__
from proofwatch.alerts import people as service
from proofwatch.alerts.base import AlertError
from proofwatch.errors import ProofwatchError
from proofwatch.store.models import ControlApproval, ControlList, Person
from proofwatch.store.models.people import Role
from proofwatch.store.services import controls
from proofwatch.web import access, invitations, mail, tokens
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.models import ApiToken, Scope, User
from proofwatch.web.parts.given import day_given, moment, text
from proofwatch.web.parts.steps import taken

THEMES = ("auto", "light", "dark")
YEAR = 365 * 86400


def index(request: HttpRequest) -> HttpResponse:
    """Show what can be set."""
    return render(
        request, "pages/settings.html", {"settings": installation().settings, "version": __version__}
    )


def me(request: HttpRequest) -> HttpResponse:
    """Show one's own account; forms choose light or dark, and make and end tokens of programs."""
    person, error, secret = request.person, None, ""
    if request.method == "POST" and request.POST.get("do") in ("make", "revoke"):
        made: list[str] = []
        error = taken(request, {"make": lambda: _token(request, made), "revoke": lambda: _revoke(request)})
        secret = made[0] if made and error is None else ""
        if error is None and not secret:
            return HttpResponseRedirect(request.path)
    elif request.method == "POST":
        theme = request.POST.get("theme", "auto")
        answer = HttpResponseRedirect(request.path)
        answer.set_cookie("theme", theme if theme in THEMES else "auto", max_age=YEAR, samesite="Lax")
        return answer
    rows = ApiToken.objects.filter(person=person).order_by("-made_at")[:50]
    values = {
        "themes": THEMES, "theme": request.COOKIES.get("theme", "auto"),
        "tokens": [(row, tokens.state_of(row, request.now)) for row in rows],
        "scopes": [name for name in Scope.values if access.may(person, tokens.strongest(name))],
        "said": request.POST.dict() if error else dict(request.kept),
        "secret": secret, "error": error,
    }  # fmt: skip
    return render(request, "pages/me.html", values, status=400 if error else 200)


def _token(request: HttpRequest, made: list[str]) -> str:
    end = moment(request, "until", "making a token")
    row, secret = tokens.make(
        request.person, text(request, "title"), text(request, "scope"), end,
        actor=request.person.name, now=request.now,
    )  # fmt: skip
    made.append(secret)
    return f"The token {row.title!r} works until {row.expires_at:%Y-%m-%d %H:%M}Z."


def _revoke(request: HttpRequest) -> str:
    row = tokens.revoke(text(request, "token"), actor=request.person.name, now=request.now)
    return f"The token {row.title!r} ended."


def everybody(request: HttpRequest) -> HttpResponse:
    """List the people; forms add, invite and deactivate them."""
    error, link, status = None, "", 200
    if request.method == "POST":
        try:
            link = _change(request)
        except ProofwatchError as caught:
            error, status = caught, 400
        else:
            installation().sign()
            if not link:
                return HttpResponseRedirect(request.path)
    known = {user.person_id for user in User.objects.all() if user.has_usable_password()}
    values = {
        "people": [(row, row.pk in known) for row in Person.objects.order_by("-active", "name")],
        "roles": Role.values, "mails": mail.can_send(), "error": error, "link": link, "typed": request.POST,
    }  # fmt: skip
    return render(request, "pages/people.html", values, status=status)


def _change(request: HttpRequest) -> str:
    """Do what a form asks; return the link of an invitation, which is shown this once."""
    given, by = request.POST, request.person.name
    name, reason = given.get("name", "").strip(), given.get("reason", "")
    what = given.get("do")
    if what in ("invite", "mail"):
        if what == "mail":
            _can_be_mailed(name)  # Before the link is made: a new one ends the older ones.
        token = invitations.invite(name, actor=by, now=request.now)
        link = request.build_absolute_uri(f"/start/{token}")
        if what == "invite":
            return link
        return _mailed(request, name, link)
    if what == "limit":
        doing = f"limiting the access of {name}"
        service.limit(
            name, actor=by, now=request.now,
            access_until=moment(request, "until", doing) if text(request, "until") else None,
            period_from=day_given(request, "from", doing) if text(request, "from") else None,
            period_to=day_given(request, "to", doing) if text(request, "to") else None,
        )  # fmt: skip
    elif what in ("activate", "deactivate"):
        service.switch(name, what == "activate", actor=by, now=request.now, reason=reason)
    else:
        values = {key: given.get(key) for key in ("role", "full_name", "email")}
        service.add(name, actor=by, now=request.now, **values)
    messages.success(request, f"{name} was changed.")
    return ""


def _can_be_mailed(name: str) -> None:
    """Refuse where an invitation could not be sent. Raises AlertError."""
    doing = f"inviting {name} by e-mail"
    person = Person.objects.filter(pk=name).first()
    if person is not None and not person.email:
        raise AlertError(doing, f"{name} has no address", "add one, or give them the link yourself")
    if not mail.can_send():
        raise AlertError(doing, "there is no e-mail channel that is on", "add one under Rules and channels")


def _mailed(request: HttpRequest, name: str, link: str) -> str:
    """Send an invitation; where the server does not take it, return the link to be given by hand."""
    person = Person.objects.get(pk=name)
    lines = (
        f"{request.person.full_name or request.person.name} invites you to Proofwatch as {person.role}.",
        "", "Choose how you sign in:", link, "", "The link works once, for three days.",
    )  # fmt: skip
    try:
        mail.send(person.email, "Your invitation to Proofwatch", "\n".join(lines))
    except ProofwatchError as error:
        messages.warning(request, f"The e-mail was not sent: {error.problem}. Give them the link yourself.")
        return link
    messages.success(request, f"The invitation was sent to {person.email}.")
    return ""


def control_lists(request: HttpRequest) -> HttpResponse:
    """Show the versions of the control list; the form approves one."""
    error, status = None, 200
    if request.method == "POST":
        number, note = request.POST.get("number", ""), request.POST.get("note", "")
        try:
            controls.approve(
                int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0,
                actor=request.person.name, now=request.now, note=note,
            )  # fmt: skip
        except ProofwatchError as caught:
            error, status = caught, 400
        else:
            installation().sign()
            messages.success(request, f"Version {number} is approved.")
            return HttpResponseRedirect(request.path)
    values: dict[str, Any] = {
        "lists": ControlList.objects.order_by("-number"),
        "approvals": ControlApproval.objects.select_related("control_list").order_by("-pk"),
        "current": controls.current(),
        "error": error,
    }
    return render(request, "pages/control_lists.html", values, status=status)


URLS = (
    at("settings", index, "settings"),
    at("settings/me", me, "setting-me", write=Needs.READ),
    at("settings/people", everybody, "setting-people", write=Needs.OWN),
    at("settings/controls", control_lists, "setting-controls", write=Needs.ADMINISTER),
)
