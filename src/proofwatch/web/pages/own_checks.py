"""Trying a check on what was read last, and writing one's own; nothing is kept until it is saved."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from proofwatch.checks.apart import foreign
from proofwatch.checks.base import Check, CheckError
from proofwatch.checks.draft import Draft, place
from proofwatch.checks.read import STATUSES
from proofwatch.checks.trial import Order, Seen, Trial, run
from proofwatch.checks.yamlfile import Unreadable, parse_yaml
from proofwatch.errors import ProofwatchError
from proofwatch.pipeline import TABLES
from proofwatch.store import trials
from proofwatch.store.services import checks as service
from proofwatch.store.services import own_checks
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation
from proofwatch.web.parts.given import GivenError, text
from proofwatch.web.parts.params import fields_of, given_params
from proofwatch.web.parts.steps import taken

LONGEST = 100_000
BLANK = """title: Every bucket lies in Europe          # the good condition, as a statement
table: aws_s3_bucket                        # one table or view
criteria: [CC6.1]
severity: medium                            # critical, high, medium or low
why: Our contracts promise that data stays there.
passes: bucket_region LIKE $region          # what a good row looks like
params: {region: {type: text, default: eu-%, about: Regions that are allowed}}
on_pass: "{name} lies in {bucket_region}"
on_fail: "{name} lies in {bucket_region}"
fix: Copy it to a bucket in Europe, and remove this one.
cases:                                      # at least one each of pass, fail and inconclusive
  - {name: here, given: {name: a, bucket_region: eu-west-1}, expect: pass}
  - {name: there, given: {name: b, bucket_region: us-east-1}, expect: fail}
  - {name: unread, given: {name: c, bucket_region: null}, expect: inconclusive}
"""


def new(request: HttpRequest) -> HttpResponse:
    """Write a check of one's own."""
    return _write(request, "", BLANK)


def edit(request: HttpRequest, check: str) -> HttpResponse:
    """Change a check of one's own."""
    item = installation().catalog.checks.get(check)
    if item is None or not foreign(item):
        raise Http404
    return _write(request, check, item.source)


def _write(request: HttpRequest, known: str, begun: str) -> HttpResponse:
    said = request.POST.dict() or dict(request.kept)
    name = known or str(said.get("id", "own.")).strip()
    body = str(said.get("text", begun)).replace("\r\n", "\n").replace("\0", "")
    error, trial = None, None
    if request.method == "POST":
        try:
            trial = _try(name, body)
        except ProofwatchError as refused:
            error = refused
        if error is None and request.POST.get("do") == "save":
            error = taken(request, {"save": lambda: _save(request, name, trial)})
            if error is None:
                return HttpResponseRedirect(f"/checks/{name}")
    values = {
        "known": known, "id": name, "text": body, "lines": max(24, body.count("\n") + 3),
        "begun": said.get("begun", own_checks.fingerprint(begun) if known else ""),
        "reason": said.get("reason", ""),
        "error": error, "tables": _tables(), **_shown(trial),
    }  # fmt: skip
    return render(request, "pages/check_write.html", values, status=400 if error else 200)


def _try(name: str, body: str) -> Trial:
    app = installation()
    if len(body) > LONGEST:
        raise GivenError("trying the check", f"it is longer than {LONGEST} characters", "make it shorter")
    draft = Draft(name, body, place(app.settings.checks, name))
    try:
        read, _ = parse_yaml(body)
    except Unreadable:
        read = None  # The trial says where.
    table = read.get("table") if isinstance(read, dict) else ""
    tables = app.settings.cache / TABLES
    sources = (
        trials.sources(app.catalog, table, app.objects, tables) if isinstance(table, str) and table else ()
    )
    return run(Order(app.catalog, tuple(app.criteria), draft=draft, sources=sources))


def _save(request: HttpRequest, name: str, trial: Trial | None) -> str:
    if trial is None or trial.check is None or not trial.sound:
        problem = "it is not sound: see what is wrong below"
        raise CheckError(f"saving check {name}", problem, "mend it; only sound checks are kept")
    app = installation()
    own_checks.save(
        app.settings.checks, trial.check, app.catalog, app.objects,
        begun_from=text(request, "begun"), actor=request.person.name, now=request.now,
        reason=text(request, "reason"),
    )  # fmt: skip
    return f"{name} is saved, and evaluated from the next sweep on. Add it to a control to be alerted."


def attempt(request: HttpRequest, check: str) -> HttpResponse:
    """Try a check that exists on what was read last, with other parameters if wanted."""
    app = installation()
    item = app.catalog.checks.get(check)
    if item is None:
        raise Http404
    now = {**item.params, **service.params().get(check, {})}
    error, trial = None, None
    if request.method == "POST":
        try:
            params = given_params(request, item)
            found = trials.sources(app.catalog, item.table, app.objects, app.settings.cache / TABLES)
            trial = run(Order(app.catalog, tuple(app.criteria), check=item, sources=found, params=params))
        except ProofwatchError as refused:
            error = refused
    values = {
        "item": item, "params": fields_of(item, now, request.POST.dict()), "error": error, **_shown(trial),
    }  # fmt: skip
    return render(request, "pages/check_try.html", values, status=400 if error else 200)


def _shown(trial: Trial | None) -> dict[str, Any]:
    """Return what the template draws of a trial."""
    if trial is None:
        return {"trial": None}
    return {
        "trial": trial,
        "sound": trial.sound,
        "problems": [(line, field, what) for line, field, what in trial.problems],
        "wrong": sum(bool(case.problem) for case in trial.cases),
        "seen": [(item, _counts(item), _examples(item)) for item in trial.seen],
    }  # fmt: skip


def _examples(item: Seen) -> list[tuple[str, Any]]:
    return [(name, item.examples[name]) for name in STATUSES if name in item.examples]


def _counts(item: Seen) -> list[tuple[str, int]]:
    counts = item.counts
    found = [
        ("fail", counts.failed), ("inconclusive", counts.inconclusive), ("pass", counts.passed),
        ("not applicable", counts.not_applicable),
    ]  # fmt: skip
    return [(name, number) for name, number in found if number]


def _tables() -> list[str]:
    catalog = installation().catalog
    return sorted([*catalog.tables, *catalog.views])


def is_own(check: Check) -> bool:
    """Tell whether people here wrote a check."""
    return foreign(check)


URLS = (
    at("checks/new", new, "check-new", read=Needs.ADMINISTER, write=Needs.ADMINISTER),
    at("checks/<str:check>/edit", edit, "check-edit", read=Needs.ADMINISTER, write=Needs.ADMINISTER),
    at("checks/<str:check>/try", attempt, "check-try", write=Needs.ACT),
)
