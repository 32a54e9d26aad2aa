"""The four golden signals and the age of the data, in Prometheus' text form."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from proofwatch.store.models import Alert, Connection, Delivery, Finding, Job, LogHead
from proofwatch.store.models.deliveries import WAITING

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "proofwatch_requests_total", "Requests answered.", ("method", "route", "status"), registry=REGISTRY
)
SECONDS = Histogram(
    "proofwatch_request_seconds",
    "Seconds to answer a request.",
    ("route",),
    registry=REGISTRY,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def answered(method: str | None, route: str, status: int, seconds: float) -> None:
    """Count one answered request. Routes and methods are of a closed set, whatever strangers send."""
    REQUESTS.labels(method if method in METHODS else "other", route, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


def text(now: datetime) -> bytes:
    """Return everything that is measured, with the state as it is now."""
    state = CollectorRegistry()
    age = Gauge(
        "proofwatch_data_age_seconds",
        "Seconds since a connection was last read completely.",
        ("connection",),
        registry=state,
    )
    for name, at in Connection.objects.filter(removed_at__isnull=True).values_list(
        "name", "last_complete_at"
    ):
        age.labels(name).set((now - at).total_seconds() if at else float("nan"))
    for name, about, value in _counts(now):
        Gauge(name, about, registry=state).set(value)
    return generate_latest(REGISTRY) + generate_latest(state)


def _counts(now: datetime) -> list[tuple[str, str, int]]:
    alerts = Alert.objects.filter(current=True).aggregate(
        open=Count("pk", filter=Q(state="open")), late=Count("pk", filter=Q(ended_at=None, due_at__lt=now))
    )
    return [
        ("proofwatch_alerts_open", "Alerts that nobody acknowledged.", alerts["open"]),
        ("proofwatch_alerts_overdue", "Alerts past the day they were to be repaired.", alerts["late"]),
        ("proofwatch_findings_open", "Findings that fail.", Finding.objects.filter(state="open").count()),
        (
            "proofwatch_messages_waiting",
            "Messages not accepted yet.",
            Delivery.objects.filter(state__in=WAITING).count(),
        ),
        (
            "proofwatch_jobs_waiting",
            "Jobs that are due.",
            Job.objects.filter(state="waiting", due_at__lte=now).count(),
        ),
        (
            "proofwatch_log_entries",
            "Entries of the evidence log.",
            LogHead.objects.values_list("size", flat=True).get(pk=1),
        ),
    ]
