"""`snapshot`: ask the collected tables, as of now or of any past moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, note, print_json, print_table
from proofwatch.cli.status import parse_moment


@click.group()
def snapshot() -> None:
    """Query the collected tables, now or as of any past moment."""


@snapshot.command("tables")
@click.option("--connection", default="", help="Only this connection.")
@click.option("--at", "moment", default="", help="As of a past moment, e.g. 2026-11-01T12:00Z.")
@json_option
def list_tables(connection: str, moment: str, as_json: bool) -> None:
    """List the tables that were collected, with rows and digest."""
    rows = [
        {
            "connection": name,
            "table": state.table,
            "rows": state.rows,
            "observed_at": state.sweep.observed_at,
            "digest": state.digest,
            "manifest": state.manifest,
        }
        for name, state in _states(connection, moment)
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["Connection", "Table", "Rows", "Observed", "Digest of all rows"],
        ((row["connection"], row["table"], row["rows"], row["observed_at"], row["digest"]) for row in rows),
        empty="Nothing was collected yet. Run `proofwatch sweep`.",
    )


@snapshot.command()
@click.argument("sql")
@click.option("--connection", default="", help="Only this connection; needed when there are several.")
@click.option("--at", "moment", default="", help="As of a past moment, e.g. 2026-11-01T12:00Z.")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many rows."
)
@json_option
def query(sql: str, connection: str, moment: str, limit: int, as_json: bool) -> None:
    """Run one SELECT over the collected tables, in a locked engine without files or network.

    Example: proofwatch snapshot query "SELECT region, count(*) FROM aws_ec2_volume GROUP BY ALL"
    """
    from proofwatch.snapshots.query import query as run

    app = App().open()
    states = _states(connection, moment)
    if len({name for name, _ in states}) > 1:
        raise click.UsageError("There are several connections; choose one with --connection.")
    manifests = {state.table: state.manifest for _, state in states}
    columns, rows = run(sql, manifests, app.objects, app.settings.cache / "tables", limit)
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows, empty="No rows.")
    for text in _carried(sql, states, app.objects):
        note(text)
    if len(rows) >= limit:
        note(f"Cut at {limit} rows; --limit shows more.")


def _carried(sql: str, states: list[tuple[str, Any]], objects: Any) -> Iterator[str]:
    """Say of the tables that the query names which places' rows are older than the newest sweep."""
    from proofwatch.store.services import reads

    for _, state in states:
        if state.table not in sql:
            continue
        for read in reads.of(state.sweep, objects, table=state.table, only="failed"):
            where = f"{read.account_id} {read.region}"
            yield f"{state.table}: the rows of {where}, if any, are from an earlier sweep: {read.reason}"


def _states(connection: str, moment: str) -> list[tuple[str, Any]]:
    from proofwatch.store.services import connections, sweeps

    App().open()
    at = parse_moment(moment)
    chosen = [connections.get(connection)] if connection else connections.every()
    return [(item.name, state) for item in chosen for state in sweeps.table_states(item, at=at).values()]
