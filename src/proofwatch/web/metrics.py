"""What this process measures of itself, and `/metrics` as a whole, in Prometheus' text form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from proofwatch.web import measured

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "proofwatch_requests_total", "Requests answered.", ("method", "route", "status"), registry=REGISTRY
)
DURATION = Histogram(
    "proofwatch_request_duration_seconds",
    "Seconds to answer a request.",
    ("route",),
    registry=REGISTRY,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
IN_PROGRESS = Gauge("proofwatch_requests_in_progress", "Requests being answered now.", registry=REGISTRY)
THREADS = Gauge("proofwatch_request_threads", "Requests that can be answered at once.", registry=REGISTRY)
ProcessCollector(registry=REGISTRY)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Application = Callable[[Mapping[str, Any], Any], Iterable[bytes]]


def answered(method: str | None, route: str, status: int, seconds: float) -> None:
    """Count one answered request. Routes and methods are of a closed set, whatever strangers send."""
    REQUESTS.labels(method if method in METHODS else "other", route, str(status)).inc()
    DURATION.labels(route).observe(seconds)


def busy() -> AbstractContextManager[Any]:
    """Count a request as being answered for as long as the block lasts."""
    found: AbstractContextManager[Any] = IN_PROGRESS.track_inprogress()
    return found


def text(now: datetime, home: str) -> bytes:
    """Return everything that is measured: of this process, and of the state as it is now.

    Args:
        now: the time.
        home: the home folder, whose room is told.
    """
    state = CollectorRegistry()
    state.register(_Given(measured.state(now, home)))
    return generate_latest(REGISTRY) + generate_latest(state)


class _Given(Collector):
    """Hands measurements over that were made already."""

    def __init__(self, given: Iterable[Metric]) -> None:
        self.given = list(given)

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self.given
