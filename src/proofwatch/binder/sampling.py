"""Draw a sample of a control's resources, days, alerts or repairs, and keep that it was drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from proofwatch.controls.base import Control
from proofwatch.evidence.objects import ObjectStore
from proofwatch.listings.base import Asked
from proofwatch.listings.registry import LISTINGS
from proofwatch.reports import readiness
from proofwatch.reports.provenance import Origin, provenance
from proofwatch.reports.results import newest_results
from proofwatch.reports.sample import METHOD, Sample, draw, lines
from proofwatch.reports.tables import Written, write_table
from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.history.bring import fetch
from proofwatch.store.models import Audit
from proofwatch.store.services import controls
from proofwatch.store.services.naming import unknown

Item = Mapping[str, Any]
LONGEST_SEED = 200
RESOURCE = ("check", "check_version", "account", "region", "resource", "status", "connection", "sweep")


@dataclass(frozen=True, slots=True)
class Asks:
    """What is to be drawn.

    Attributes:
        audit: whose period counts.
        control: the control.
        kind: one of `POPULATIONS`.
        number: how many.
        seed: another seed than the population's digest.
        objects: where verdicts are.
        cache: folder of rebuilt tables.
    """

    audit: Audit
    control: Control
    kind: str
    number: int
    seed: str
    objects: ObjectStore
    cache: Path


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample that was drawn, and its files."""

    sample: Sample
    written: Written
    population: Path


def control_of(wanted: str, audit: Audit) -> Control:
    """Return a control of the list of a period. Raises StoreError naming the nearest if there is none."""
    listed = controls.of_period(audit)
    known = {item.id: item for item in (controls.controls_of(listed) if listed else ())}
    if wanted not in known:
        raise unknown("drawing a sample", "control", wanted, known)
    return known[wanted]


def draw_sample(asks: Asks, origin: Origin, folder: Path) -> Drawn:
    """Draw a sample, write it with its whole population beside it, and record that.

    Args:
        asks: what is to be drawn.
        origin: who draws, when and by which command.
        folder: made if needed.

    Raises:
        ReportError: the files cannot be written.
        EvidenceError: the verdicts cannot be read.
    """
    since = datetime.combine(asks.audit.first, time.min, UTC)
    until = datetime.combine(asks.audit.last + timedelta(days=1), time.min, UTC)
    fetch(since, until, asks.objects, actor=origin.by, now=origin.now)
    population = lines(POPULATIONS[asks.kind](asks, origin.now))
    found = draw(population, asks.number, asks.seed)
    base = f"sample-{asks.control.id}-{asks.kind}"
    about = provenance(
        origin, base, title=f"Sample of {asks.kind} of {asks.control.id}", matching=len(found.items),
        question=f"Which {len(found.items)} of the {found.population} {asks.kind} are looked at.",
        population=found.population, population_sha256=found.digest, seed=found.seed, method=METHOD,
        population_file=f"{base}.population.jsonl",
        period={"first": asks.audit.first.isoformat(), "last": asks.audit.last.isoformat()},
    )  # fmt: skip
    columns = list(found.items[0][1]) if found.items else []
    rows = (
        (place, value, *(item[name] for name in columns))
        for place, (value, item) in enumerate(found.items, start=1)
    )
    done = write_table(folder, base, ["drawn", "number", *columns], rows, about)
    whole = folder / f"{base}.population.jsonl"
    whole.write_bytes(b"".join(line + b"\n" for line in population))
    with write("recording a sample"):
        facts = {
            "control": asks.control.id, "of": asks.kind, "audit": asks.audit.name,
            "population": found.population, "population_sha256": found.digest, "seed": found.seed,
            "drawn": len(found.items), "sha256": done.sha256,
        }  # fmt: skip
        log.append("sample.drawn", origin.by, facts, origin.now)
    return Drawn(found, done, whole)


def _resources(asks: Asks, now: datetime) -> Iterable[Item]:
    """Yield what the checks apply to, as of the end of the period: what does not apply is not looked at."""
    since = datetime.combine(asks.audit.first, time.min, UTC)
    until = min(datetime.combine(asks.audit.last + timedelta(days=1), time.min, UTC), now)
    found = newest_results(
        asks.objects, asks.cache, since=since, until=until, checks=asks.control.checks
    )  # fmt: skip
    for row in found:
        if row["resource"] is not None and row["status"] != "not_applicable":
            yield {name: row[name] for name in RESOURCE}


def _days(asks: Asks, now: datetime) -> Iterable[Item]:
    for item in readiness.ledger(asks.audit, now, controls.of_period(asks.audit)):
        if item["control"] == asks.control.id:
            yield item


def _listed(name: str, first: str) -> Callable[[Asks, datetime], Iterable[Item]]:
    def rows(asks: Asks, now: datetime) -> Iterable[Item]:
        until = asks.audit.last + timedelta(days=1)
        span = {"from": asks.audit.first.isoformat(), "to": until.isoformat()}
        for row in LISTINGS[name].every(Asked({"control": asks.control.id, **span})):
            yield {key: row[key] for key in (first, "state", "severity", "control")}

    return rows


POPULATIONS: Mapping[str, Callable[[Asks, datetime], Iterable[Item]]] = {
    "resources": _resources,
    "days": _days,
    "alerts": _listed("alerts", "alert"),
    "tasks": _listed("tasks", "task"),
}
"""What can be drawn from → what yields it."""
