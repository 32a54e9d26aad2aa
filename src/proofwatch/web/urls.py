"""Every address of the pages, by place, with what it needs."""

from __future__ import annotations

from django.urls import include, path

from proofwatch.web import health
from proofwatch.web.api import root
from proofwatch.web.pages import (
    acceptances,
    alerts,
    assertions,
    audit,
    binders,
    channels,
    checks,
    connect,
    connections,
    controls,
    documents,
    evidence,
    exports,
    findings,
    history,
    own_checks,
    rules,
    screenshots,
    settings,
    start,
    tasks,
    trackers,
    upkeep,
)

handler404 = "proofwatch.web.problems.not_found"
handler500 = "proofwatch.web.problems.broken"

PLACES = (
    controls, findings, alerts, tasks, acceptances, documents, assertions, evidence, screenshots, connect,
    connections, channels, trackers, rules, own_checks, checks, binders, audit, history, settings, upkeep,
    start, exports,
)  # fmt: skip

urlpatterns = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
    path("account/", include("allauth.urls")),
    path("api/v1/", include(root.URLS)),
    *start.OPEN,
    *(url for place in PLACES for url in place.URLS),
]
