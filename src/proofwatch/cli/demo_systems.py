"""The demo's other systems: each is connected, proven read-only and swept like AWS before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from proofwatch.app import App
from proofwatch.cli.output import print_table, say

if TYPE_CHECKING:
    from proofwatch.demo.systems import System

FINDINGS = (
    "people.account.leaver-has-no-access",
    "github.repository.review-required",
    "github.changes.pull-request-approved",
    "vanta.opinion.agrees-with-ours",
)
"""What the story tells of: the leaver, the repository and the change without review, the second opinion."""


def tell(app: App, found: Sequence[System]) -> None:
    """Connect every system of the company and sweep it once; what rests on the others comes last."""
    say("   The same company's other systems, each on a server of its own:", "bold")
    print_table(
        ["System", "We are", "Read-only", "Sweep", "Objects", "Failing", "Cannot tell"],
        [_connected(app, item) for item in found],
    )
    _findings()
    say()


def _connected(app: App, item: System) -> tuple[object, ...]:
    from proofwatch.cli.setup import make_connection
    from proofwatch.cli.sweeps import run_sweep
    from proofwatch.connectors.registry import connector_class
    from proofwatch.store.services import connections

    name = item.kind.replace("_", "-")
    report = make_connection(app, item.kind, name, dict(item.settings))
    run = run_sweep(app, connections.get(name), trigger="demo", slot=datetime.now(UTC), quiet=True)
    verdict = {True: "proven", False: "NO", None: "cannot tell"}[report["read_only"]["read_only"]]
    counts = run.counts
    return (
        connector_class(item.kind).title, report["identity"]["principal"], verdict, run.state,
        counts["objects"], counts["failed"], counts["inconclusive"],
    )  # fmt: skip


def _findings() -> None:
    from proofwatch.store.models import Finding
    from proofwatch.store.models.findings import FindingState

    rows = Finding.objects.filter(check_id__in=FINDINGS, state=FindingState.OPEN).order_by(
        "check_id", "resource"
    )
    say("   What they show together:", "bold")
    print_table(["Check", "Why"], ((row.check_id, row.reason) for row in rows))
