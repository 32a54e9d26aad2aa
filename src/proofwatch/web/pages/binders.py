"""What an auditor takes away: binders with their progress, samples, the coverage ledger, checkpoints."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.binder.sampling import LONGEST_SEED, POPULATIONS, Asks, control_of, draw_sample
from proofwatch.errors import ProofwatchError
from proofwatch.listings.files import record
from proofwatch.pipeline import TABLES
from proofwatch.reports import readiness
from proofwatch.reports.provenance import provenance
from proofwatch.reports.tables import write_table
from proofwatch.store.base import StoreError
from proofwatch.store.history.bring import fetch
from proofwatch.store.models import Audit, Checkpoint, KeptCheckpoint, TableState
from proofwatch.store.services import audits, controls, exports
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.pages.exports import origin_of
from proofwatch.web.parts.given import GivenError, text
from proofwatch.web.parts.steps import found, taken

MOST_SHOWN = 20
MOST_POPULATIONS = 300
RUNNING = (exports.WAITING, exports.WRITING)
MOST_DRAWN = 5000


def index(request: HttpRequest) -> HttpResponse:
    """Show the binders of an audit and how far each is; a form asks for one, or draws a sample."""
    audit = _audit(request)
    error: ProofwatchError | None = None
    if request.method == "POST":
        if request.POST.get("do") == "sample":
            try:
                return _sample(request, audit)
            except (GivenError, StoreError) as refused:
                error = _permanent(refused)
        else:
            error = taken(request, {"binder": lambda: _ask(request, audit)})
        if error is None:
            return HttpResponseRedirect(f"/audit/binders?audit={audit.name}")
    rows = exports.every()
    values: dict[str, Any] = {
        "audit": audit,
        "rows": [{"row": row, "percent": _percent(row)} for row in rows],
        "running": any(row.state in RUNNING for row in rows),
        "controls": _automated(audit),
        "kinds": list(POPULATIONS),
        "checkpoints": _checkpoints(),
        "outside": KeptCheckpoint.objects.filter(state="accepted").exists(),
        "populations": _populations(),
        "error": error,
        "said": request.POST.dict(),
        "seed": LONGEST_SEED,
    }
    return render(request, "pages/binders.html", values, status=400 if error else 200)


def file(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with the ZIP of a binder, as long as it is the one that was written."""
    row = found(exports.get, name)
    path = installation().settings.exports / row.file
    if row.state != exports.DONE or not row.file or not path.is_file() or path.stat().st_size != row.size:
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename=row.file)


def ledger(request: HttpRequest) -> HttpResponse:
    """Answer with every control day of the period as CSV, with what it is beside it."""
    audit = _audit(request)
    listed = controls.of_period(audit)
    origin = origin_of(request)
    about = provenance(
        origin, "coverage", title="Coverage by control and day", chosen={"audit": audit.name},
        question="For every automated control and day: what was due, read, inconclusive, missed, and why.",
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="proofwatch-") as folder:
        since = datetime.combine(audit.first, time.min, UTC)
        until = datetime.combine(audit.last + timedelta(days=1), time.min, UTC)
        fetch(since, until, installation().objects, actor=origin.by, now=request.now)
        rows = readiness.ledger(audit, request.now, listed)
        cells = (tuple(item[name] for name in readiness.LEDGER) for item in rows)
        done = write_table(Path(folder), "coverage", readiness.LEDGER, cells, about)
        record("coverage", done, origin, {"audit": audit.name})
        answer = _zipped("coverage", request, (done.csv, done.jsonl, done.meta))
    installation().sign()
    return answer


def checkpoint(request: HttpRequest, size: int) -> HttpResponse:
    """Answer with a signed checkpoint: kept outside, it shows later that nothing was rewritten."""
    row = Checkpoint.objects.filter(size=size).order_by("pk").last()
    if row is None:
        raise Http404
    response = HttpResponse(row.note, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="checkpoint-{size}.txt"'
    return response


def _audit(request: HttpRequest) -> Audit:
    """Return the audit that is asked for, else the one that holds today. Raises Http404 if there is none."""
    name = request.POST.get("audit", "") or request.GET.get("audit", "")
    every = audits.every()
    chosen = (
        next((row for row in every if row.name == name), None) if name else audits.current(every, request.now)
    )
    if chosen is None:
        raise Http404
    return chosen


def _ask(request: HttpRequest, audit: Audit) -> str:
    person = request.person
    if any(row.state in RUNNING and row.audit == audit.name for row in exports.every()):
        raise GivenError("asking for a binder", "one of this audit is being written", "wait until it is done")
    row = exports.ask(audit, kind=exports.BINDER, by=person.name, role=person.role, now=request.now)
    return f"{row.name} will be written; this page shows how far it is."


def _permanent(refused: ProofwatchError) -> ProofwatchError:
    """Return what can be said beside the form; a state that is away is no mistake of who sent it."""
    if not refused.permanent:
        raise refused
    return refused


def _sample(request: HttpRequest, audit: Audit) -> HttpResponse:
    doing, kind, amount = "drawing a sample", text(request, "of"), text(request, "number")
    if kind not in POPULATIONS:
        raise GivenError(doing, f"{kind[:40]!r} is nothing to draw from", f"known: {', '.join(POPULATIONS)}")
    if not (amount.isascii() and amount.isdigit() and 1 <= int(amount[:9]) <= MOST_DRAWN):
        raise GivenError(doing, f"{amount[:20]!r} is no number from 1 to {MOST_DRAWN}", "write 25")
    seed = text(request, "seed")
    if len(seed) > LONGEST_SEED:
        raise GivenError(doing, f"the seed is longer than {LONGEST_SEED} characters", "leave it empty")
    app = installation()
    asks = Asks(
        audit, control_of(text(request, "control"), audit), kind, int(amount), seed, app.objects,
        app.settings.cache / TABLES,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="proofwatch-") as folder:
        done = draw_sample(asks, origin_of(request), Path(folder))
        paths = (done.written.csv, done.written.jsonl, done.written.meta, done.population)
        answer = _zipped(f"sample-{asks.control.id}", request, paths)
    app.sign()
    return answer


def _zipped(name: str, request: HttpRequest, paths: Iterable[Path]) -> HttpResponse:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, path.name)
    response = HttpResponse(made.getvalue(), content_type="application/zip")
    response["Content-Disposition"] = (
        f'attachment; filename="proofwatch-{name}-{request.now:%Y%m%dT%H%M%SZ}.zip"'
    )
    return response


def _percent(row: Any) -> int:
    return min(100, 100 * row.done // row.total) if row.total else 0


def _automated(audit: Audit) -> list[tuple[str, str]]:
    listed = controls.of_period(audit)
    known = controls.controls_of(listed) if listed else ()
    return [(item.id, item.title) for item in known if item.checks]


def _checkpoints() -> list[dict[str, Any]]:
    """Return the newest checkpoint of each of the last days, and who outside took it or a later one."""
    last: dict[str, Any] = {}
    for row in Checkpoint.objects.order_by("-size")[:2000]:
        last.setdefault(row.at.date().isoformat(), row)
        if len(last) == MOST_SHOWN:
            break
    taken_by = {
        row.keeper: row
        for row in KeptCheckpoint.objects.filter(state="accepted").order_by("pk")
    }  # fmt: skip
    return [
        {"row": row, "kept": sorted(name for name, kept in taken_by.items() if kept.size >= row.size)}
        for row in last.values()
    ]


def _populations() -> list[TableState]:
    rows = TableState.objects.filter(latest=True, rows__gt=0, connection__removed_at__isnull=True)
    return list(rows.select_related("connection", "sweep").order_by("-rows", "table")[:MOST_POPULATIONS])


URLS = (
    at("audit/binders", index, "audit-binders", write=Needs.READ),
    at("audit/binders/<str:name>/file", file, "audit-binder-file"),
    at("audit/ledger", ledger, "audit-ledger"),
    at("audit/checkpoints/<int:size>", checkpoint, "audit-checkpoint"),
)
