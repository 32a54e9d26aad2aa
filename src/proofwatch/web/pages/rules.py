"""Rules: who is told when a control fails, with which thresholds, and what a rule would have sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.alerts import rulebook
from proofwatch.alerts import silences as silence_service
from proofwatch.alerts.replay import replay as play
from proofwatch.alerts.rules import Rule, parse_rule
from proofwatch.listings import alerts as alerts_list
from proofwatch.listings import matrix as matrix_list
from proofwatch.listings import rules as listed
from proofwatch.listings import silences as silences_list
from proofwatch.store.models import AlertRule, AlertRuleHistory
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.fields import fields, given
from proofwatch.web.parts.given import GivenError, moment, text
from proofwatch.web.parts.steps import found, taken
from proofwatch.web.parts.tables import table

MOST_COLUMNS = 24
"""Rules that the map of controls × rules shows."""
MOST_ROWS = 200
LONGEST_REPLAY = 400
"""Days."""


def index(request: HttpRequest) -> HttpResponse:
    """Show who is told when a control fails: gaps are controls of which nobody is told."""
    rows = matrix_list.rows()
    names = sorted({name for row in rows for name in (*row["rules"], *row["without_channel"])})[:MOST_COLUMNS]
    cells = {}
    for row in rows[:MOST_ROWS]:
        for name in names:
            word = (
                "told"
                if name in row["rules"]
                else "without a channel"
                if name in row["without_channel"]
                else ""
            )
            cells[row["control"], name] = word or ("by hand" if not row["automated"] else "no")
    values = {
        "tab": "matrix",
        "table": table(
            request, matrix_list.LISTING, links={"control": "url"}, empty="No control list is in force."
        ),
        "gaps": sum(row["state"] == "missed" for row in rows),
        "automated": sum(bool(row["automated"]) for row in rows),
        "controls": [row["control"] for row in rows[:MOST_ROWS]],
        "names": names,
        "cells": cells,
    }
    return render(request, "pages/rules.html", values)


def every(request: HttpRequest) -> HttpResponse:
    """List the rules."""
    shown = table(
        request,
        listed.LISTING,
        links={"rule": "url", "title": "url"},
        empty="There is no rule: nobody is told.",
    )
    return render(request, "pages/rules_all.html", {"tab": "all", "table": shown})


def new(request: HttpRequest) -> HttpResponse:
    """Make a rule with a form; what is left empty is as usual."""
    error = None
    if request.method == "POST":
        error = taken(request, {"save": lambda: _save(request, text(request, "id"), new=True)})
        if error is None:
            return HttpResponseRedirect(f"/rules/of/{text(request, 'id')}")
    said = request.POST.dict() or dict(request.kept)
    values = {
        "tab": "all", "fields": _form({}, said), "said": said, "error": error,
    }  # fmt: skip
    return render(request, "pages/rule_new.html", values, status=400 if error else 200)


def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show one rule in words, its thresholds, its versions; forms change it, for a reason."""
    row = found(rulebook.get, name)
    error = None
    if request.method == "POST":
        error = taken(request, _steps(request, row))
        if error is None:
            gone = request.POST.get("do") == "remove"
            return HttpResponseRedirect("/rules/all" if gone else request.path)
    rule = rulebook.form(row)
    said = request.POST.dict() if error and request.POST.get("do") == "save" else {}
    values = {
        "tab": "all",
        "row": row,
        "rule": rule,
        "words": in_words(rule),
        "fields": _form(row.body, said),
        "versions": AlertRuleHistory.objects.filter(rule_id=name).order_by("-version")[:50],
        "table": table(
            request, alerts_list.LISTING, fixed={"rule": name}, links={"alert": "url", "headline": "url"},
            hide=("rule",), empty="It never told anything.",
        ),
        "said": said or {"reason": request.POST.get("reason", "")},
        "error": error,
    }  # fmt: skip
    return render(request, "pages/rule.html", values, status=400 if error else 200)


def in_words(rule: Rule) -> list[tuple[str, str]]:
    """Return what a rule does, as pairs of a heading and a sentence."""
    severity = rule.severity or "high"
    policy = rule.policy(severity)
    if rule.percent is not None:
        enough = f"{rule.percent:g} % of the resources fail"
    else:
        enough = f"{rule.count} resource{'s fail' if rule.count > 1 else ' fails'}"
    begins = enough if rule.when == "failing" else rule.when
    lasting = f", for {rule.minutes} minutes" if rule.minutes else ""
    only = [f"checks {', '.join(rule.checks)}"] if rule.checks != ("*",) else []
    only += [f"severity {', '.join(rule.severities)}"] if rule.severities else []
    only += [f"connections {', '.join(rule.connections)}"] if rule.connections != ("*",) else []
    only += [f"tags {', '.join(rule.tags)}"] if rule.tags else []
    levels = ", ".join(rule.escalate) or "nobody"
    wait = int(policy.wait.total_seconds() // 60)
    return [
        ("Begins when", begins + lasting),
        ("Of controls", ", ".join(rule.controls)),
        ("Only", "; ".join(only) or "no further limit"),
        ("One alert for each", ", ".join(("control", "connection", *rule.group))),
        ("Waits before telling", f"{wait} minutes for severity {severity}"),
        (
            "Ends after",
            f"{rule.recover_after} complete passing runs, at {rule.recover_count} or fewer failures",
        ),
        ("An answer holds", f"{policy.ack_timeout.total_seconds() / 3600:g} hours for severity {severity}"),
        (
            "Escalates",
            f"after {policy.escalate_after.total_seconds() / 3600:g} hours to {levels}",
        ),
        ("Repeats", f"every {rule.repeat_hours:g} hours while nobody answers"),
        ("To be repaired in", f"{policy.sla.total_seconds() / 86400:g} days for severity {severity}"),
        ("Makes a task", rule.task),
        ("Told on", ", ".join(rule.channels)),
    ]


def _steps(request: HttpRequest, row: AlertRule) -> Mapping[str, Any]:
    by, now, reason = request.person.name, request.now, text(request, "reason")

    def switch(enabled: bool) -> str:
        rulebook.switch(row.id, enabled, actor=by, now=now, reason=reason)
        return f"{row.id} is {'on' if enabled else 'off'} now."

    def remove() -> str:
        rulebook.remove(row.id, actor=by, now=now, reason=reason)
        return f"{row.id} was removed. Its history stays."

    return {
        "enable": lambda: switch(True),
        "disable": lambda: switch(False),
        "remove": remove,
        "save": lambda: _save(request, row.id, new=False),
    }


def _save(request: HttpRequest, name: str, *, new: bool) -> str:
    doing = f"saving rule {name[:60]}"
    if new and any(row.id == name for row in rulebook.every()):
        raise GivenError(
            doing, "there is a rule of that name already", "change that one, or choose another name"
        )
    body = given(request, Rule, installation().settings.home)
    rule = parse_rule({**body, "id": name}, doing)
    reason = text(request, "reason")
    done = rulebook.save([rule], actor=request.person.name, now=request.now, reason=reason)
    if rule.tags:
        installation().refresh_tags()
    return f"{name} is saved as version {done[0].version}." if done else f"{name} is as it was."


def _form(body: Mapping[str, Any], said: Mapping[str, str]) -> list[Any]:
    return [item for item in fields(Rule, body, said) if item.name != "id"]


def replay(request: HttpRequest) -> HttpResponse:
    """Play the past again: how many alerts and messages each rule would have made."""
    days = request.GET.get("days", "30")
    error, done = None, []
    if days.isascii() and days.isdigit() and 0 < int(days[:6]) <= LONGEST_REPLAY:
        chosen = [
            rulebook.form(row) for row in rulebook.every()
            if row.enabled and request.GET.get("rule", "") in ("", row.id)
        ]  # fmt: skip
        done = play(chosen, request.now - timedelta(days=int(days)), request.now)
    else:
        error = GivenError(
            "playing the past again", f"{days[:20]!r} is no number of days", f"write 1 to {LONGEST_REPLAY}"
        )
    rows = [
        {
            "item": item,
            "kinds": ", ".join(f"{number} {kind}" for kind, number in item.messages.most_common()),
            "channels": ", ".join(item.channels),
        }
        for item in done
    ]
    values = {
        "tab": "replay", "rows": rows, "days": days, "error": error,
        "alerts": sum(item.alerts for item in done), "total": sum(item.total for item in done),
    }  # fmt: skip
    return render(request, "pages/replay.html", values, status=400 if error else 200)


def silences(request: HttpRequest) -> HttpResponse:
    """List the silences; forms make one and end one."""
    error = None
    if request.method == "POST":
        error = taken(request, {"make": lambda: _silence(request), "end": lambda: _end(request)})
        if error is None:
            return HttpResponseRedirect(request.path)
    values = {
        "tab": "silences",
        "table": table(request, silences_list.LISTING, empty="Nothing was ever silenced."),
        "running": silence_service.running(request.now),
        "kinds": silence_service.FIELDS,
        "said": request.POST.dict() or dict(request.kept),
        "error": error,
    }
    return render(request, "pages/silences.html", values, status=400 if error else 200)


def _silence(request: HttpRequest) -> str:
    until = moment(request, "until", "silencing")
    made = silence_service.make(
        {text(request, "kind"): text(request, "value")}, text(request, "reason"), until,
        by=request.person.name, now=request.now, until_worse=bool(text(request, "until_worse")),
    )  # fmt: skip
    return f"Messages are held back until {made.until:%Y-%m-%d %H:%M}Z. Evaluation, clock and log go on."


def _end(request: HttpRequest) -> str:
    silence_service.end(
        text(request, "silence"), text(request, "reason"), by=request.person.name, now=request.now
    )
    return "The silence ended. What it held back is told at once."


URLS = (
    at("rules", index, "rules"),
    at("rules/all", every, "rule-all"),
    at("rules/new", new, "rule-new", read=Needs.ADMINISTER, write=Needs.ADMINISTER),
    at("rules/of/<str:name>", show, "rule", write=Needs.ADMINISTER),
    at("rules/replay", replay, "rule-replay"),
    at("rules/silences", silences, "rule-silences", write=Needs.ACT),
)
