"""Audit, the auditor's home: the period day by day, every gap, the four usual findings, exports so far."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.controls.period import WORDS
from proofwatch.evidence.entry import parse
from proofwatch.listings.remembered import remembered
from proofwatch.reports import readiness
from proofwatch.store.models import Audit, ControlList, LogEntry
from proofwatch.store.services import audits, controls
from proofwatch.web.access import Needs, at
from proofwatch.web.parts.given import day_given, text
from proofwatch.web.parts.steps import taken

MOST_EXPORTS = 50
MOST_GAPS = 100


def index(request: HttpRequest) -> HttpResponse:
    """Show how ready the period is; a form sets one."""
    error = None
    if request.method == "POST":
        error = taken(request, {"period": lambda: _set(request)})
        if error is None:
            return HttpResponseRedirect(f"/audit?audit={text(request, 'name')}")
    every = audits.every()
    chosen = _chosen(request, every)
    listed = controls.of_period(chosen) if chosen else controls.current()
    cover = None
    if chosen is not None:
        key = ("coverage", chosen.first, chosen.last)
        cover = remembered(key, request.now, lambda: readiness.coverage(chosen, request.now, listed))
    values: dict[str, Any] = {
        "audits": every,
        "audit": chosen,
        "usual": readiness.usual(cover, request.now, listed),
        "said": request.POST.dict() or dict(request.kept) or _standing(chosen),
        "error": error,
    }
    if chosen is not None and cover is not None:
        values |= _drawn(chosen, cover, request, listed)
    return render(request, "pages/audit.html", values, status=400 if error else 200)


def _standing(audit: Audit | None) -> dict[str, str]:
    """Return what the form begins with: the period as it stands."""
    if audit is None:
        return {}
    return {
        "name": audit.name, "auditor": audit.auditor,
        "first": audit.first.isoformat(), "last": audit.last.isoformat(),
    }  # fmt: skip


def _chosen(request: HttpRequest, every: list[Audit]) -> Audit | None:
    """Return the audit that was asked for; an auditor's own days, if they have some; else the current."""
    if name := request.GET.get("audit", ""):
        found = next((row for row in every if row.name == name), None)
        if found is None:
            raise Http404
        return found
    person = request.person
    if person.period_from and person.period_to:
        own = Audit(
            name="", first=person.period_from, last=person.period_to, auditor=person.full_name or person.name
        )
        return next((row for row in every if (row.first, row.last) == (own.first, own.last)), own)
    return audits.current(every, request.now)


def _drawn(audit: Audit, cover: Any, request: HttpRequest, listed: ControlList | None) -> dict[str, Any]:
    titles = {item.id: item.title for item in controls.controls_of(listed)} if listed else {}
    documents = readiness.shown_by_hand(audit.first, audit.last)
    counts = cover.counts()
    rows = [
        {
            "id": name, "title": titles.get(name, ""),
            "strip": list(zip(cover.days, words, strict=True)),
            "covered": sum(word == "covered" for word in words),
            "gaps": sum(word in ("missed", "partial") for word in words),
            "documents": documents.get(name, 0),
        }
        for name, words in cover.words.items()
    ]  # fmt: skip
    by_hand = [
        {"id": item.id, "title": item.title, "documents": documents.get(item.id, 0)}
        for item in (controls.controls_of(listed) if listed else ()) if not item.checks
    ]  # fmt: skip
    return {
        "rows": rows, "by_hand": by_hand, "days": len(cover.days),
        "left": max((audit.last - request.now.date()).days, 0),
        "counts": [(word, counts[word]) for word in reversed(WORDS) if word in counts],
        "gaps": cover.gaps[:MOST_GAPS], "gap_count": len(cover.gaps),
        "exports": _exports(audit),
    }  # fmt: skip


def _exports(audit: Audit) -> list[dict[str, Any]]:
    """Return the newest exports that were made, with what each held."""
    since = datetime.combine(audit.first, time.min, UTC)
    until = datetime.combine(audit.last + timedelta(days=120), time.min, UTC)
    rows = LogEntry.objects.filter(kind="export.made", at__gte=since, at__lt=until).order_by("-index")[
        :MOST_EXPORTS
    ]
    made = []
    for row in rows:
        entry = parse(bytes(row.entry))
        made.append({"index": row.index, "at": row.at, "actor": entry.actor, "data": dict(entry.data)})
    return made


def _set(request: HttpRequest) -> str:
    doing = "setting the period"
    first: date = day_given(request, "first", doing)
    last: date = day_given(request, "last", doing)
    row = audits.save(
        text(request, "name"), first, last, actor=request.person.name, now=request.now,
        reason=text(request, "reason"), auditor=text(request, "auditor"),
    )  # fmt: skip
    return f"{row.name} looks at {row.first} to {row.last}."


URLS = (at("audit", index, "audit", write=Needs.ADMINISTER),)
