"""Channels: how people are told; added, tested, turned off and on, and what came of their messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.alerts import channelbook, outbox
from proofwatch.alerts.channels.registry import channel_class, kinds
from proofwatch.listings import channels as listed
from proofwatch.listings import deliveries
from proofwatch.runtime import jobs
from proofwatch.store.models import ChannelConfig
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.fields import fields, given
from proofwatch.web.parts.given import GivenError, text
from proofwatch.web.parts.steps import found, taken
from proofwatch.web.parts.tables import table


def index(request: HttpRequest) -> HttpResponse:
    """List the channels."""
    values = {
        "tab": "channels",
        "table": table(
            request, listed.LISTING, links={"channel": "url"}, empty="There is no channel: nobody is told.",
        ),
        "kinds": [(kind, channel_class(kind).title) for kind in kinds()],
        "add": "/rules/channels/new",
        "what": "channel",
        "title": "Channels",
        "about": "Channels tell people. A test sends a message marked TEST, and keeps the provider's answer.",
    }  # fmt: skip
    return render(request, "pages/endpoints.html", values)


def new(request: HttpRequest) -> HttpResponse:
    """Add a channel of a kind; its form is made from the settings that the kind takes."""
    kind = request.GET.get("kind", "")
    if kind not in kinds():
        raise Http404
    error = None
    if request.method == "POST":
        error = taken(request, {"save": lambda: _save(request, text(request, "name"), kind, new=True)})
        if error is None:
            return HttpResponseRedirect(f"/rules/channels/{text(request, 'name')}")
    said = request.POST.dict() or dict(request.kept)
    cls = channel_class(kind)
    values = {
        "tab": "channels", "title": f"Add {cls.title}", "back": ("/rules/channels", "Channels"),
        "fields": fields(cls.Settings, {}, said), "said": said, "error": error, "what": "channel",
    }  # fmt: skip
    return render(request, "pages/endpoint_new.html", values, status=400 if error else 200)


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show one channel; forms test it, change it, turn it off and on, and remove it."""
    row = found(channelbook.get, name)
    error = None
    if request.method == "POST":
        error = taken(request, _steps(request, row))
        if error is None:
            gone = request.POST.get("do") == "remove"
            return HttpResponseRedirect("/rules/channels" if gone else request.path)
    cls = channel_class(row.kind)
    said = request.POST.dict() if error and request.POST.get("do") == "save" else {}
    facts = next(item for item in listed.rows() if item["channel"] == name)
    values = {
        "tab": "channels", "row": row, "what": "channel", "title": cls.title,
        "back": ("/rules/channels", "Channels"), "testable": True,
        "facts": [
            ("Last accepted", facts["accepted_at"], True),
            ("Waiting", facts["waiting"], False),
            ("Tested", row.tested_at, True),
            ("Answer to the test", row.tested or "–", False),
        ],
        "settings": shown_settings(row.settings),
        "fields": fields(cls.Settings, row.settings, said),
        "table": table(
            request, deliveries.LISTING, fixed={"channel": name}, links={"alert": "url"}, hide=("channel",),
            empty="No alert was told on it yet.",
        ),
        "reason": request.POST.get("reason", ""), "error": error,
    }  # fmt: skip
    return render(request, "pages/endpoint.html", values, status=400 if error else 200)


def shown_settings(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return settings as names and texts: secrets stand in them only as references."""
    return [(name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
            for name, value in settings.items()]  # fmt: skip


def _steps(request: HttpRequest, row: ChannelConfig) -> Mapping[str, Callable[[], str]]:
    by, now, reason = request.person.name, request.now, text(request, "reason")

    def switch(enabled: bool) -> str:
        channelbook.switch(row.name, enabled, actor=by, now=now, reason=reason)
        return f"{row.name} is {'on' if enabled else 'off'} now."

    def remove() -> str:
        channelbook.remove(row.name, actor=by, now=now, reason=reason)
        return f"{row.name} was removed. What it delivered stays on record."

    return {
        "test": lambda: _test(request, row.name),
        "enable": lambda: switch(True),
        "disable": lambda: switch(False),
        "remove": remove,
        "save": lambda: _save(request, row.name, row.kind, new=False),
    }


def _test(request: HttpRequest, name: str) -> str:
    """Send a test now; where another process took it over, that one sends it."""
    queued = channelbook.queue_test(name, actor=request.person.name, now=request.now)
    claimed = outbox.claim(jobs.owner_name(), request.now, queued)
    if claimed is None:
        return f"{name}: a worker sends the test; load this page again in a moment."
    row = outbox.deliver(claimed, installation().sender("pages"))
    if row.state != "accepted":
        raise GivenError(
            f"testing {name}", f"{row.state}: {row.reason}"[:500].rstrip("."), "mend it, and test again"
        )
    return f"{name}: the test was accepted. {row.reason}"


def _save(request: HttpRequest, name: str, kind: str, *, new: bool) -> str:
    doing = f"adding channel {name[:60]}"
    if new and (name in ("", "new") or any(row.name == name for row in channelbook.every())):
        problem = (
            "it needs a name of its own" if name in ("", "new") else f"there is a channel {name!r} already"
        )
        raise GivenError(doing, problem, "choose another name")
    app = installation()
    settings = given(request, channel_class(kind).Settings, app.settings.home)
    channelbook.save(name, kind, settings, actor=request.person.name, now=request.now, client=app.client)
    return f"{name} is saved. Send a test to see that it works."


URLS = (
    at("rules/channels", index, "rule-channels"),
    at("rules/channels/new", new, "rule-channel-new", read=Needs.ADMINISTER, write=Needs.ADMINISTER),
    at("rules/channels/<str:name>", show, "rule-channel", write=Needs.ADMINISTER),
)
