"""`sample`: a reproducible sample of what a control's checks judged, of its days, or of its alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_json, say

if TYPE_CHECKING:
    from proofwatch.controls.base import Control
    from proofwatch.store.models import Audit

Item = Mapping[str, Any]


@click.command()
@click.option("--control", "control_id", required=True, help="Id of the control.")
@click.option(
    "--n", "number", type=click.IntRange(1, 100_000), default=25, show_default=True, help="How many."
)
@click.option(
    "--of",
    "kind",
    type=click.Choice(["resources", "days", "alerts", "tasks"]),
    default="resources",
    show_default=True,
    help="Of what: resources that its checks apply to at the end of the period, days, alerts, repairs.",
)
@click.option("--audit", "name", default="", help="Name of the audit. Default: the one that holds today.")
@click.option(
    "--seed-from-population/--no-seed-from-population",
    "from_population",
    default=True,
    show_default=True,
    help="Seed by the digest of the population, so that nobody can choose the outcome.",
)
@click.option("--seed", default="", help="Another seed, as an auditor brings it.")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("proofwatch-sample"),
    show_default=True,
    help="Folder; made if needed.",
)
@json_option
def sample(
    control_id: str, number: int, kind: str, name: str, from_population: bool, seed: str, folder: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Draw a sample of a control's population that anybody can draw again, as CSV with its population count.

    The whole population is written beside it: whoever has it and the method draws the same sample.
    """
    from proofwatch.cli.audits import audit_of
    from proofwatch.reports.sample import draw, lines

    if not from_population and not seed:
        raise click.UsageError("Without the population's digest there has to be a --seed.")
    if seed and len(seed) > 200:
        raise click.UsageError("The seed is longer than 200 characters.")
    app, now = App().open(), datetime.now(UTC)
    audit, control = audit_of(name, now), _control(control_id)
    population = lines(POPULATIONS[kind](app, audit, control, now))
    found = draw(population, number, seed)
    files = _write(app, audit, control, kind, number, found, population, folder)
    app.sign()
    facts = {
        "control": control.id, "of": kind, "audit": audit.name, "population": found.population,
        "population_sha256": found.digest, "seed": found.seed, "drawn": len(found.items), **files,
    }  # fmt: skip
    if as_json:
        print_json({**facts, "items": [item for _, item in found.items]})
        return
    say(f"{len(found.items)} of {found.population} {kind} of {control.id} were drawn: {files['csv']}")
    say(f"Seed {found.seed}")


def _control(wanted: str) -> Control:
    from proofwatch.store.services import controls
    from proofwatch.store.services.naming import unknown

    listed = controls.current()
    known = {item.id: item for item in (controls.controls_of(listed) if listed else ())}
    if wanted not in known:
        raise unknown("drawing a sample", "control", wanted, known)
    return known[wanted]


def _resources(app: App, audit: Audit, control: Control, now: datetime) -> Iterable[Item]:
    from datetime import time, timedelta

    from proofwatch.pipeline import TABLES
    from proofwatch.reports.results import newest_results

    end = min(datetime.combine(audit.last + timedelta(days=1), time.min, UTC), now)
    cache = app.settings.cache / TABLES
    for row in newest_results(app.objects, cache, at=end, checks=control.checks):
        if row["resource"] is not None and row["status"] != "not_applicable":
            names = (
                "check",
                "check_version",
                "account",
                "region",
                "resource",
                "status",
                "connection",
                "sweep",
            )
            yield {name: row[name] for name in names}


def _days(app: App, audit: Audit, control: Control, now: datetime) -> Iterable[Item]:
    from proofwatch.reports import readiness
    from proofwatch.store.services import controls

    for item in readiness.ledger(audit, now, controls.current()):
        if item["control"] == control.id:
            yield item


def _listed(name: str, first: str) -> Callable[[App, Audit, Control, datetime], Iterable[Item]]:
    def rows(app: App, audit: Audit, control: Control, now: datetime) -> Iterable[Item]:
        from datetime import timedelta

        from proofwatch.cli.export import listing_of
        from proofwatch.listings.base import Asked

        span = {"from": audit.first.isoformat(), "to": (audit.last + timedelta(days=1)).isoformat()}
        for row in listing_of(app, name).every(Asked({"control": control.id, **span})):
            yield {key: row[key] for key in (first, "state", "severity", "control")}

    return rows


POPULATIONS: Mapping[str, Callable[[App, Audit, Control, datetime], Iterable[Item]]] = {
    "resources": _resources,
    "days": _days,
    "alerts": _listed("alerts", "alert"),
    "tasks": _listed("tasks", "task"),
}


def _write(
    app: App, audit: Audit, control: Control, kind: str, number: int, found: Any, population: list[bytes],
    folder: Path,
) -> dict[str, str]:  # fmt: skip
    from proofwatch.cli.export import origin_of
    from proofwatch.reports.provenance import provenance
    from proofwatch.reports.sample import METHOD
    from proofwatch.reports.tables import write_table
    from proofwatch.store import log
    from proofwatch.store.django import write

    command = f"sample --control {control.id} --n {number} --of {kind} --audit {audit.name}"
    origin = origin_of(app, command)
    base = f"sample-{control.id}-{kind}"
    about = provenance(
        origin, base, title=f"Sample of {kind} of {control.id}", matching=len(found.items),
        question=f"Which {len(found.items)} of the {found.population} {kind} are looked at.",
        population=found.population, population_sha256=found.digest, seed=found.seed, method=METHOD,
        population_file=f"{base}.population.jsonl",
        period={"first": audit.first.isoformat(), "last": audit.last.isoformat()},
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
            "control": control.id, "of": kind, "audit": audit.name, "population": found.population,
            "population_sha256": found.digest, "seed": found.seed, "drawn": len(found.items),
            "sha256": done.sha256,
        }  # fmt: skip
        log.append("sample.drawn", origin.by, facts, origin.now)
    return {"csv": str(done.csv), "meta": str(done.meta), "population_file": str(whole)}
