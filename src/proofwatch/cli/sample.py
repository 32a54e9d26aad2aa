"""`sample`: a reproducible sample of what a control's checks judged, of its days, or of its alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_json, say


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
    from proofwatch.binder.sampling import LONGEST_SEED, Asks, control_of, draw_sample
    from proofwatch.cli.audits import audit_of
    from proofwatch.cli.export import listing_of, origin_of
    from proofwatch.pipeline import TABLES

    if not from_population and not seed:
        raise click.UsageError("Without the population's digest there has to be a --seed.")
    if len(seed) > LONGEST_SEED:
        raise click.UsageError(f"The seed is longer than {LONGEST_SEED} characters.")
    app = App().open()
    listing_of(app, "alerts")  # Lists know the checks of this installation from here on.
    audit = audit_of(name, datetime.now(UTC))
    control = control_of(control_id, audit)
    said = f"sample --control {control.id} --n {number} --of {kind} --audit {audit.name}"
    asks = Asks(audit, control, kind, number, seed, app.objects, app.settings.cache / TABLES)
    done = draw_sample(asks, origin_of(app, said), folder)
    app.sign()
    found = done.sample
    if as_json:
        print_json(
            {
                "control": control.id, "of": kind, "audit": audit.name, "population": found.population,
                "population_sha256": found.digest, "seed": found.seed, "drawn": len(found.items),
                "csv": done.written.csv, "meta": done.written.meta, "population_file": done.population,
                "items": [item for _, item in found.items],
            }
        )  # fmt: skip
        return
    say(f"{len(found.items)} of {found.population} {kind} of {control.id} were drawn: {done.written.csv}")
    say(f"Seed {found.seed}")
