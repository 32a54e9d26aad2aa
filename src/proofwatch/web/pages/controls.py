"""Controls: the home page, and one control with everything needed to argue about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.alerts import rulebook
from proofwatch.listings import controls as listed
from proofwatch.listings import findings as findings_list
from proofwatch.listings.strips import strips
from proofwatch.store.models import (
    Alert,
    CheckRun,
    CheckSettingHistory,
    Connection,
    ControlApproval,
    ControlStatusHistory,
    ManualEvidence,
    Task,
)
from proofwatch.store.services import checks as settings
from proofwatch.store.services import controls as service
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofwatch.controls.base import Control

MANY = 90
BEFORE = timedelta(hours=1)
"""What was decided so short before a change of status is shown beside it."""
TELLING = ("failing", "no data", "inconclusive")


def index(request: HttpRequest) -> HttpResponse:
    """Show how every control stands, worst first."""
    found = listed.rows(request.now)
    connections = list(
        Connection.objects.filter(removed_at=None)
        .only("name", "kind", "state", "last_complete_at", "interval_minutes", "problem")
        .order_by("name")
    )
    if not connections and not Alert.objects.exists():
        return HttpResponseRedirect("/get-started")
    oldest = min((row["observed_at"] for row in found if row["observed_at"]), default=None)
    newest = max((row["observed_at"] for row in found if row["observed_at"]), default=None)
    values = {
        "table": table(
            request, listed.LISTING, links={"control": "url", "title": "url", "tasks": "task_url"}
        ),
        "counts": listed.counts(found),
        "total": len(found),
        "chosen": request.GET.get("status", ""),
        "oldest": oldest,
        "newest": newest,
        "connections": [_connection(row, request.now) for row in connections],
        "approved": ControlApproval.objects.exists(),
    }
    return render(request, "pages/controls.html", values)


def _connection(row: Connection, now: datetime) -> dict[str, Any]:
    """Return a connection as its tile shows it: one that was not read for two intervals is stale."""
    late = row.last_complete_at is None or now - row.last_complete_at > 2 * timedelta(
        minutes=row.interval_minutes
    )
    state = "stale" if row.state == "connected" and late else row.state
    return {
        "name": row.name,
        "kind": row.kind,
        "state": state,
        "at": row.last_complete_at,
        "problem": row.problem,
    }


def show(request: HttpRequest, control: str) -> HttpResponse:
    """Show one control."""
    listing = service.current()
    known = {item.id: item for item in (service.controls_of(listing) if listing else ())}
    if control not in known:
        raise Http404
    item = known[control]
    (row,) = [found for found in listed.rows(request.now) if found["control"] == control]
    first, second = _compared(request)
    values = {
        "item": item,
        "row": row,
        "strip": strips(request.now, {control: row["status"]}, MANY, control)[control],
        "changes": _changes(control),
        "checks": _checks(item.checks),
        "findings": table(
            request,
            findings_list.LISTING,
            fixed={"control": control, "state": "open"},
            links={"resource": "url", "check": "check_url"},
            hide=("state",),
            empty="Nothing fails.",
        )
        if item.checks
        else None,
        "rules": [rule for _, rule in rulebook.active() if rule.when in TELLING and rule.covers(control)],
        "alerts": Alert.objects.filter(control_id=control, number__isnull=False).order_by("-number")[:10],
        "documents": ManualEvidence.objects.filter(control_id=control).order_by("-number")[:20],
        "tasks": Task.objects.filter(control_id=control).order_by("-number")[:10],
        "first": first,
        "second": second,
        "compared": _compare(control, first, second) if first and second else None,
    }
    return render(request, "pages/control.html", values)


def _checks(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return what each check of a control asks, whether it is on, and what it said last."""
    app, off, params = installation(), settings.disabled(), settings.params()
    seen: dict[str, list[CheckRun]] = {}
    runs = CheckRun.objects.filter(latest=True, check_id__in=names, connection__removed_at=None)
    for run in runs.select_related("connection").defer("unread").order_by("connection__name"):
        seen.setdefault(run.check_id, []).append(run)
    return [
        {
            "id": name,
            "check": app.catalog.checks.get(name),
            "off": off.get(name, "") if name in off else None,
            "params": {
                **(app.catalog.checks[name].params if name in app.catalog.checks else {}),
                **params.get(name, {}),
            },
            "runs": seen.get(name, []),
        }
        for name in names
    ]


def _changes(control: str) -> list[dict[str, Any]]:
    """Return the changes of a control's status, newest first, with what was decided just before each."""
    rows = list(ControlStatusHistory.objects.filter(control_id=control).order_by("-at", "-pk")[:30])
    names = {check for row in rows for check, _ in row.checks}
    taken: list[CheckSettingHistory] = []
    if names:
        since = rows[-1].at - BEFORE
        decisions = CheckSettingHistory.objects.filter(check_id__in=names, at__range=(since, rows[0].at))
        taken = list(decisions.order_by("at"))
    return [{"row": row, "decided": _decided(row, taken)} for row in rows]


def _decided(row: ControlStatusHistory, taken: Sequence[CheckSettingHistory]) -> list[CheckSettingHistory]:
    """Return the decisions on the checks of a status in the hour before it changed."""
    names = {check for check, _ in row.checks}
    return [one for one in taken if one.check_id in names and row.at - BEFORE <= one.at <= row.at]


def _compared(request: HttpRequest) -> tuple[date | None, date | None]:
    """Return the two days that are to be compared."""
    found: list[date | None] = []
    for name in ("from", "to"):
        try:
            found.append(date.fromisoformat(request.GET.get(name, "")))
        except ValueError:
            found.append(None)
    return found[0], found[1]


def _compare(control: str, first: date, second: date) -> list[dict[str, Any]]:
    """Return how a control stood at the end of two days."""
    return [{"day": day, "row": _at_end_of(control, day)} for day in (first, second)]


def _at_end_of(control: str, day: date) -> ControlStatusHistory | None:
    end = datetime.combine(day, time.max, UTC)
    found: ControlStatusHistory | None = (
        ControlStatusHistory.objects.filter(control_id=control, at__lte=end).order_by("at", "pk").last()
    )
    return found


def approve(request: HttpRequest, number: int) -> HttpResponse:
    """Approve a version of the control list."""
    if request.method != "POST":
        return HttpResponseRedirect("/")
    service.approve(number, actor=request.person.name, now=request.now, note=request.POST.get("note", ""))
    installation().sign()
    return HttpResponseRedirect("/")


def criteria_of(item: Control) -> list[tuple[str, str]]:
    """Return the criteria of a control with their titles."""
    known = installation().criteria
    return [(name, known.get(name, "")) for name in item.criteria]


URLS = (
    at("", index, "controls"),
    at("controls/<str:control>", show, "control"),
    at("controls/approve/<int:number>", approve, "control-approve", write=Needs.ADMINISTER),
)
