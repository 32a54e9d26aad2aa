"""OSCAL observations: what each check found for each control, with the resources that do not pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from django.db.models import Count, Max, Min, Q

from proofwatch.checks.base import Check, Result
from proofwatch.checks.read import Where, results
from proofwatch.controls.base import Control
from proofwatch.evidence.evaluations import load_evaluation
from proofwatch.reports.oscal_facts import Risk, Span
from proofwatch.reports.oscal_text import Ids, evidence, markup, moment, plain, prop
from proofwatch.reports.runs import Batch, newest_runs
from proofwatch.snapshots.base import Objects
from proofwatch.store.django import guarded
from proofwatch.store.models import CheckRun
from proofwatch.store.models.sweeps import APPLIED
from proofwatch.store.services.controls import counts_of

STATUSES = ("fail", "inconclusive")
MOST_PLACES = 20
"""Places that could not be read, named one by one in an observation."""


class Subjects:
    """Resources as inventory items: each once, noted aside while observations are written.

    Args:
        aside: takes one line for each.
        ids: makes their UUIDs.
    """

    def __init__(self, aside: TextIO, ids: Ids) -> None:
        self.aside, self.ids = aside, ids
        self.seen: set[bytes] = set()

    def refer(self, batch: Batch, table: str, row: Result) -> dict[str, Any]:
        """Return the reference to a resource that has a verdict."""
        place = (batch.connection.pk, row.account_id, row.region, row.resource)
        key = self.ids.uuid("resource", *place, table)
        if key.bytes not in self.seen:
            self.seen.add(key.bytes)
            props = [
                *prop("resource", row.resource or ""), *prop("table", table),
                *prop("connection", batch.connection.name), *prop("account", row.account_id),
                *prop("region", row.region),
            ]  # fmt: skip
            item = {"uuid": str(key), "description": markup(row.resource or "", 2000), "props": props}
            self.aside.write(json.dumps(item, ensure_ascii=False) + "\n")
        return {
            "subject-uuid": str(key),
            "type": "inventory-item",
            "title": markup(row.resource or ""),
            "props": prop("status", row.status),
            "remarks": markup(row.reason, 2000),
        }

    def items(self) -> Iterator[dict[str, Any]]:
        """Yield what was noted."""
        self.aside.seek(0)
        for line in self.aside:
            yield json.loads(line)


class Observed:
    """Makes the observations of checks, and remembers which belong to which control and risk.

    Args:
        objects: where the verdicts are.
        cache: folder of rebuilt tables.
        span: the days, or now.
        ids: makes the UUIDs.
        tool: UUID of what observed.
        subjects: takes the resources.
        most: resources named in one observation.
        risks: that some of the results are about.
        accepted: (connection id, check) → findings under an accepted risk.
    """

    def __init__(
        self, objects: Objects, cache: Path, span: Span, ids: Ids, tool: str, subjects: Subjects, most: int,
        risks: Sequence[Risk], accepted: Mapping[tuple[Any, str], int],
    ) -> None:  # fmt: skip
        self.objects, self.cache, self.span, self.ids, self.tool = objects, cache, span, ids, tool
        self.subjects, self.most, self.risks, self.accepted = subjects, most, risks, accepted
        self.of_control: dict[str, list[bytes]] = {}
        self.of_risk: dict[int, list[bytes]] = {}
        self.risks_of: dict[str, set[int]] = {}
        self.number = 0

    def observations(self, controls: Sequence[Control]) -> Iterator[dict[str, Any]]:
        """Yield one observation for each control, check and connection, by connection and sweep."""
        by_check: dict[str, list[Control]] = {}
        for control in controls:
            for check in control.checks:
                by_check.setdefault(check, []).append(control)
        over = _over(self.span)
        for batch in newest_runs(self.span.first, self.span.until if self.span.first else None):
            runs = [run for run in batch.runs if run.check_id in by_check]
            found, rows = self._verdicts(batch, runs)
            for run in runs:
                days = over.get((batch.connection.pk, run.check_id), {})
                shown = [
                    self.subjects.refer(batch, run.table, row) for row in rows.get(run.check_id, ())
                ]  # fmt: skip
                for control in by_check[run.check_id]:
                    yield self._observation(batch, run, control, found.get(run.check_id), shown, days)

    def note(self, control: str, key: Any) -> None:
        """Remember that an observation is about a control."""
        self.number += 1
        self.of_control.setdefault(control, []).append(key.bytes)

    def _verdicts(
        self, batch: Batch, runs: Sequence[CheckRun]
    ) -> tuple[dict[str, Check], dict[str, list[Result]]]:
        """Return the definitions of the checks, and of each the first resources that do not pass."""
        if not batch.sweep.evaluation or not runs or not self.most:
            return {}, {}
        found = load_evaluation(batch.sweep.evaluation, self.objects, self.cache)
        checks = {
            run.check_id: found.checks[run.check_id].check for run in runs if run.check_id in found.checks
        }
        wanted = [run.check_id for run in runs if run.check_id in checks and run.failed + run.inconclusive]
        kept: dict[str, list[Result]] = {}
        for row in results(found, Where(wanted, STATUSES)) if wanted else ():
            if row.resource:
                part = kept.setdefault(row.check, [])
                part.append(row)
                if len(part) > 4 * self.most:
                    part[:] = sorted(part, key=_order)[: self.most]
        return checks, {name: sorted(part, key=_order)[: self.most] for name, part in kept.items()}

    def _observation(
        self, batch: Batch, run: CheckRun, control: Control, check: Check | None,
        shown: Sequence[dict[str, Any]], days: Mapping[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        owner = batch.connection
        key = self.ids.uuid("check", self.span.name, control.id, run.check_id, owner.pk, batch.sweep.pk)
        self.note(control.id, key)
        for risk in self.risks:
            if risk.about(owner.pk, owner.name, run.check_id, control.id):
                self.of_risk.setdefault(risk.row.number, []).append(key.bytes)
                self.risks_of.setdefault(control.id, set()).add(risk.row.number)
        props = [
            *prop("control", control.id), *prop("check", run.check_id),
            *prop("check-version", run.check_version), *prop("connection", owner.name),
            *prop("sweep", batch.sweep.pk), *_counts(run, self.accepted.get((owner.pk, run.check_id), 0)),
            *prop("subjects-listed", len(shown)), *prop("subjects-in-all", run.failed + run.inconclusive),
            *(item for name, value in days.items() for item in prop(name, value)),
        ]  # fmt: skip
        body: dict[str, Any] = {
            "uuid": str(key),
            "title": f"{markup(control.id)}: {markup(check.title if check else run.check_id)}",
            "description": _description(run),
            "props": props,
            "methods": ["TEST"],
            "types": ["control-objective"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": self.tool}]}],
            "collected": moment(run.observed_at),
        }
        kept = [
            *evidence(run.results, "The verdict on every resource."),
            *evidence(batch.sweep.evaluation, "What the verdicts were judged on: to judge again."),
        ]
        if kept:
            body["relevant-evidence"] = kept
        if shown:
            body["subjects"] = list(shown)
        if run.failed + run.inconclusive:
            body["remarks"] = _limits(run, len(shown))
        return body


def _order(row: Result) -> tuple[Any, ...]:
    return (STATUSES.index(row.status), row.account_id, row.region, row.resource or "")


def _counts(run: CheckRun, accepted: int) -> list[dict[str, str]]:
    moved = min(accepted, run.failed)
    return [
        *prop("passed", run.passed), *prop("failed", run.failed - moved),
        *prop("accepted", run.accepted + moved), *prop("inconclusive", run.inconclusive),
        *prop("not-applicable", run.not_applicable),
    ]  # fmt: skip


def _description(run: CheckRun) -> str:
    if run.reason:
        return f"The check could not be evaluated: {markup(run.reason, 2000)}"
    counts = counts_of(run)
    text = (
        f"Of {counts.judged} results {run.passed} pass, {run.failed} fail and {run.inconclusive} could not "
        f"be told; to {run.not_applicable} the check does not apply."
    )
    if run.worst and run.failed + run.inconclusive:
        text += f" For example: {markup(run.worst, 2000)}"
    if run.unread:
        places = "; ".join(
            plain(" ".join(str(word) for word in place if word), 300) for place in run.unread[:MOST_PLACES]
        )
        more = f"; and {len(run.unread) - MOST_PLACES} more" if len(run.unread) > MOST_PLACES else ""
        text += f" Not read: {markup(places, 8000)}{more}."
    return text


def _limits(run: CheckRun, listed: int) -> str:
    said = "Resources that pass are counted, not listed."
    if listed < run.failed + run.inconclusive:
        return (
            f"{said} Of {run.failed + run.inconclusive} results that fail or could not be told, {listed} are "
            "listed as subjects: failing ones first, by account, region and name. A result about a whole "
            "place is no subject. The evidence has every one."
        )
    return f"{said} Every resource that fails or could not be told is a subject."


def _over(span: Span) -> dict[tuple[Any, str], dict[str, Any]]:
    """Return what the runs of each check on each connection were over the days; nothing for now."""
    if span.first is None:
        return {}
    rows = CheckRun.objects.filter(
        sweep__state__in=APPLIED, observed_at__gte=span.first, observed_at__lt=span.until
    )
    with guarded("counting the runs of a period"):
        found = rows.order_by().values_list("connection_id", "check_id").annotate(
            runs=Count("pk"), failing=Count("pk", filter=Q(failed__gt=0)),
            unsure=Count("pk", filter=Q(inconclusive__gt=0)),
            start=Min("observed_at"), end=Max("observed_at"),
        )  # fmt: skip
        return {
            (owner, check): {
                "runs": runs, "runs-failing": failing, "runs-inconclusive": unsure,
                "first-run": moment(first), "last-run": moment(last),
            }
            for owner, check, runs, failing, unsure, first, last in found
        }  # fmt: skip
