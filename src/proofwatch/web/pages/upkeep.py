"""Settings that keep the installation itself: its health, the agreed times, keys, retention and backup."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from proofwatch import health as checked
from proofwatch.alerts import rulebook
from proofwatch.alerts.base import default_policy
from proofwatch.checks.base import SEVERITIES
from proofwatch.errors import ProofwatchError
from proofwatch.evidence.keys import load_key
from proofwatch.outside import book as keepers
from proofwatch.outside import giving
from proofwatch.reports import retention
from proofwatch.reports.bucket import open_bucket
from proofwatch.store import django as state
from proofwatch.store import log
from proofwatch.store.models import Audit, Checkpoint, LogEntry, ManualEvidence, Sweep
from proofwatch.web import factors
from proofwatch.web.access import Needs, at
from proofwatch.web.context import installation

MOST_AUDITS = 20
MONTHS = 6
"""The newest months that the page counts."""


def health(request: HttpRequest) -> HttpResponse:
    """Show what is wrong and how to mend it; the form asks the source systems, too."""
    asked = request.method == "POST"
    found = checked.look(installation(), offline=not asked)
    order = {"wrong": 0, "warning": 1, "ok": 2}
    values = {
        "found": sorted(found, key=lambda item: order[item.level]), "asked": asked,
        "wrong": sum(item.level == "wrong" for item in found),
        "warnings": sum(item.level == "warning" for item in found),
    }  # fmt: skip
    return render(request, "pages/health.html", values)


def agreed(request: HttpRequest) -> HttpResponse:
    """Show by when what has to be done: the defaults, and every rule that says something else."""
    differing = []
    for row in rulebook.every():
        rule = rulebook.form(row)
        told = [rule.severity] if rule.severity else list(rule.severities or SEVERITIES)
        for severity in told:
            if rule.policy(severity) != default_policy(severity):
                differing.append({"row": row, "rule": rule, **_times(severity, rule.policy(severity))})
    values = {
        "defaults": [_times(name, default_policy(name)) for name in SEVERITIES],
        "differing": differing,
        "rules": len(rulebook.every()),
    }
    return render(request, "pages/agreed.html", values)


def _times(severity: str, policy: Any) -> dict[str, Any]:
    return {
        "severity": severity, "sla": policy.sla, "wait": policy.wait, "ack": policy.ack_timeout,
        "escalate": policy.escalate_after, "repeat": policy.repeat, "recover": policy.recover_after,
    }  # fmt: skip


def kept(request: HttpRequest) -> HttpResponse:
    """Show what is kept since when and until when, with which keys; the form asks the bucket, too."""
    app = installation()
    settings = app.settings
    audits = list(Audit.objects.order_by("-first")[:MOST_AUDITS])
    bucket = open_bucket(settings.objects, settings.objects_endpoint)
    lock = bucket.lock() if bucket and request.method == "POST" else None
    first = LogEntry.objects.order_by("index").values_list("at", flat=True).first()
    size = log.DjangoLog().size()
    signed = Checkpoint.objects.order_by("size", "pk").last()
    sweeps = Sweep.objects.order_by("slot")
    values = {
        "first": first, "size": size, "signed": signed, "unsigned": size - (signed.size if signed else 0),
        "sweep": sweeps.values_list("slot", flat=True).first(), "documents": ManualEvidence.objects.count(),
        "audits": [
            (held, first is not None and first.date() <= held.first)
            for held in retention.periods(audits, settings.retain_years)
        ],
        "months": retention.entries_by_month(audits, settings.retain_years, request.now, MONTHS)[::-1],
        "years": settings.retain_years, "lock": lock,
        "shortfall": retention.shortfall(lock, retention.needed_days(audits, settings.retain_years)),
        "state": state.where(), "state_bytes": _state_bytes(), "vendor": connection.vendor,
        "objects": settings.objects, "home": settings.home, "free": _free(settings.home),
        "backup": LogEntry.objects.filter(kind="backup.made").order_by("index").last(),
        "remote": settings.objects.startswith("s3://"), **_keys(settings.key_file),
        "keepers": [(row, next(iter(giving.history(row.name, 1)), None)) for row in keepers.every()],
    }  # fmt: skip
    return render(request, "pages/kept.html", values)


def _keys(path: Path) -> dict[str, Any]:
    counts, sealer = factors.counts(), factors.sealer()
    try:
        vkey, problem = load_key(path).vkey, None
    except ProofwatchError as error:
        vkey, problem = "", error
    return {
        "vkey": vkey, "key_problem": problem, "not_sealed": counts[""],
        "seals": [(name, counts[name], name == sealer.newest) for name in sealer.names],
    }  # fmt: skip


def _state_bytes() -> int | None:
    """Return the size of the database; None where it does not say."""
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        files = [path, path.with_name(f"{path.name}-wal")]
        return sum(file.stat().st_size for file in files if file.is_file())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _free(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


URLS = (
    at("settings/health", health, "setting-health", write=Needs.ACT),
    at("settings/agreed", agreed, "setting-agreed"),
    at("settings/kept", kept, "setting-kept", write=Needs.ACT),
)
