"""The answers to an auditor's five questions about anything that the system made (see DESIGN: evidence)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofwatch import __version__
from proofwatch.reports.tables import NOTE
from proofwatch.store.models import Connection, CoverageGap, Person
from proofwatch.store.services import controls, sweeps

PROGRAM = "program"
"""The role of who is no person of this installation: the command line, the scheduler."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who makes an export, when, and by which command or address.

    Attributes:
        where: the URL or the command that makes the same again.
        by: who asked.
        now: when, with its zone.
        role: of who asked; "" is looked up.
        organization: whose controls these are.
        mark: a label that everything bears, as in a demo.
    """

    where: str
    by: str
    now: datetime
    role: str = ""
    organization: str = ""
    mark: str = ""

    def named_role(self) -> str:
        """Return the role of who asked, as this installation knows it."""
        if self.role:
            return self.role
        found = Person.objects.filter(name=self.by).values_list("role", flat=True).first()
        return str(found or PROGRAM)


def provenance(
    origin: Origin,
    subject: str,
    *,
    title: str,
    question: str,
    chosen: Mapping[str, str] | None = None,
    matching: int | None = None,
    population: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return what stands beside a file, at the head of a PDF and in a page's band.

    Args:
        origin: who, when, how.
        subject: stable name of what it is about.
        title: the same for people.
        question: what it answers, in a sentence.
        chosen: the filters, by name; empty for none.
        matching: rows that the filter chose; None if not counted before.
        population: rows that there are in all.
        more: further facts, by name.
    """
    counted = {"matching": matching, "population": population}
    return {
        "system": f"Proofwatch {__version__}",
        "organization": origin.organization,
        "mark": origin.mark,
        "subject": subject,
        "title": title,
        "question": question,
        "where": origin.where,
        "generated_at": origin.now,
        "generated_by": origin.by,
        "role": origin.named_role(),
        "filter": dict(chosen or {}) or "none",
        **{name: value for name, value in counted.items() if value is not None},
        "includes_silenced_and_accepted": "yes",
        "data_as_of": _data_as_of(),
        "control_list": _control_list(),
        "note": NOTE,
        **more,
    }


def _data_as_of() -> list[dict[str, Any]]:
    """Return the newest applied sweep of each connection, and how much of what exists it did not read."""
    found = []
    for row in Connection.objects.filter(removed_at=None).order_by("name"):
        run = sweeps.latest(row)
        if run is not None:
            found.append(
                {
                    "connection": row.name,
                    "sweep": str(run.pk),
                    "observed_at": run.observed_at,
                    "state": run.state,
                    "manifest": run.manifest,
                    "places_not_read": CoverageGap.objects.filter(sweep=run).count(),
                }
            )
    return found


def _control_list() -> dict[str, Any]:
    """Return which control list is in force; each row about a check names the check's own version."""
    row = controls.current()
    return {"version": row.version, "sha256": row.sha256} if row else {}
