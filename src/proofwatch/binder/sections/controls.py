"""The control list with its approvals, and for each control its checks, runs, daily status and results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import rfc8785
from django.db.models import Q

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import Order
from proofwatch.binder.verdicts import Spool
from proofwatch.controls.base import WORST_FIRST, Control
from proofwatch.store.models import CheckRun, ControlApproval, ControlList, ControlStatusHistory

VERSIONS = ("number", "version", "sha256", "imported_at", "imported_by", "file", "controls")
APPROVALS = ("number", "version", "sha256", "approved_at", "approved_by", "note")
COUNTS = ("passed", "failed", "inconclusive", "not_applicable", "accepted")
RUNS = (
    "observed_at", "check", "check_version", "connection", *COUNTS, "places_not_read", "reason", "params",
    "results", "sweep", "sweep_manifest",
)  # fmt: skip
DAILY = (
    "day", "coverage", "due", "read", "read_in_part", "missed", "inconclusive_runs", "failing_runs", "status",
    "worst_status", "changes", "reason", "population", "failed", "why",
)  # fmt: skip
RESULTS = (
    "check", "status", "account", "region", "resource", "reason", "check_version", "observed_at",
    "connection", "sweep",
)  # fmt: skip


def write(order: Order, archive: Archive) -> None:
    """Write `controls/`."""
    _lists(order, archive)
    archive.add_list(order, "controls", "controls", within=False)
    by_control: dict[str, list[dict[str, Any]]] = {}
    for item in order.facts["ledger"]:
        by_control.setdefault(str(item["control"]), []).append(item)
    spool = Spool(order)
    for number, control in enumerate(order.controls):
        order.progress("controls", number, len(order.controls))
        _control(order, archive, control, by_control.get(control.id, []), spool)
    order.progress("controls", len(order.controls), len(order.controls))


def _lists(order: Order, archive: Archive) -> None:
    """Every version that was known in the period, as it was imported, and who approved it."""
    wanted = Q(imported_at__lt=order.until) | Q(pk=order.listed.pk if order.listed else None)
    known = list(ControlList.objects.filter(wanted).order_by("number"))
    for row in known:
        archive.add(f"controls/list-{row.number}.json", bytes(rfc8785.dumps(row.body)))
    archive.add_rows(
        order, "controls/versions", VERSIONS,
        (
            (row.number, row.version, row.sha256, row.imported_at, row.imported_by, f"list-{row.number}.json",
             len(row.body["controls"]))
            for row in known
        ),
        title="Versions of the control list",
        question="Every version that was imported until the end of the period; the SHA-256 is that of its "
        "file.",
    )  # fmt: skip
    approvals = ControlApproval.objects.filter(at__lt=order.until).select_related("control_list")
    archive.add_rows(
        order, "controls/approvals", APPROVALS,
        (
            (row.control_list.number, row.control_list.version, row.control_list.sha256, row.at, row.by,
            row.note)
            for row in approvals.order_by("pk")
        ),
        title="Approvals of the control list", question="Who approved which version, and when.",
    )  # fmt: skip


def _control(
    order: Order, archive: Archive, control: Control, ledger: list[dict[str, Any]], spool: Spool
) -> None:
    folder = f"controls/{control.id}"
    archive.add_json(f"{folder}/control.json", _about(order, control))
    if not control.checks:
        return
    last: dict[str, dict[tuple[str, str], tuple[int, ...]]] = {}
    archive.add_rows(
        order,
        f"{folder}/runs",
        RUNS,
        _runs(order, control, last),
        title=f"Runs of the checks of {control.id}",
        question="Every run of every check of this control in the period, with its counts and the object "
        "that "
        "holds its verdicts.",
    )
    archive.add_rows(
        order,
        f"{folder}/daily",
        DAILY,
        _daily(order, control, ledger, last),
        title=f"{control.id} day by day",
        question="For every day of the period: what was due and read, how the control stood at its end and "
        "at "
        "its worst, and how many resources were judged last.",
    )
    archive.add_rows(
        order,
        f"{folder}/results",
        RESULTS,
        (tuple(item[name] for name in RESULTS) for item in spool.rows(control.checks)),
        title=f"Results of {control.id}",
        question="The verdicts of its checks as of the end of the period: all that do not pass, and of those "
        "that pass as many as are stated.",
        passing_left_out=spool.left_out(control.checks),
        where_they_are="objects/, under the digest in runs.csv; `proofwatch reperform` reads them",
    )


def _about(order: Order, control: Control) -> dict[str, Any]:
    checks = {}
    for name in control.checks:
        check = order.tools.checks.get(name)
        checks[name] = {
            "text": f"configuration/checks/{name}.yaml" if check else None,
            "version": check.version if check else None,
            "title": check.title if check else None,
            "severity": check.severity if check else None,
            "pass_criteria": {"applies": check.applies, "passes": check.passes} if check else None,
            "parameters": dict(check.params) if check else None,
        }
    criteria = {name: order.tools.criteria.get(name, "") for name in control.criteria}
    return {**asdict(control), "criteria": criteria, "checks": checks}


def _runs(
    order: Order, control: Control, last: dict[str, dict[tuple[str, str], tuple[int, ...]]]
) -> Iterator[tuple[Any, ...]]:
    """Yield the runs in order of time; keep in `last` the counts of each check's last run of each day."""
    rows = CheckRun.objects.filter(
        check_id__in=control.checks, observed_at__gte=order.since, observed_at__lt=order.until
    ).order_by("observed_at", "check_id", "pk")
    found = rows.values_list(
        "observed_at", "check_id", "check_version", "connection__name", *COUNTS, "unread", "reason", "params",
        "results", "sweep_id", "sweep__manifest",
    )  # fmt: skip
    for row in found.iterator(chunk_size=2000):
        at, check, version, connection, *counts = row[: 4 + len(COUNTS)]
        unread, reason, params, results, sweep, manifest = row[4 + len(COUNTS) :]
        last.setdefault(at.date().isoformat(), {})[(check, connection)] = tuple(counts)
        yield (
            at, check, version, connection, *counts, len(unread), reason, params, results, str(sweep),
            manifest
        )  # fmt: skip


def _daily(
    order: Order,
    control: Control,
    ledger: list[dict[str, Any]],
    last: Mapping[str, Mapping[tuple[str, str], tuple[int, ...]]],
) -> Iterator[tuple[Any, ...]]:
    changes = list(
        ControlStatusHistory.objects.filter(control_id=control.id, at__lt=order.until).order_by("at", "pk")
    )
    place, status, reason = 0, "not monitored", ""
    for item in ledger:
        day = str(item["day"])
        seen, number = [status], 0
        while place < len(changes) and changes[place].at.date().isoformat() <= day:
            status, reason = changes[place].status, changes[place].reason
            if changes[place].at.date().isoformat() == day:
                seen.append(status)
                number += 1
            else:
                seen = [status]
            place += 1
        counts = last.get(day, {}).values()
        judged = sum(found[0] + found[1] + found[2] + found[4] for found in counts)
        yield (
            day, item["coverage"], item["due"], item["read"], item["read_in_part"], item["missed"],
            item["inconclusive_runs"], item["failing_runs"], status, _worst(seen), number, reason, judged,
            sum(found[1] for found in counts), item["why"],
        )  # fmt: skip


def _worst(seen: list[str]) -> str:
    order: list[str] = list(WORST_FIRST)
    return min(seen, key=lambda word: order.index(word) if word in order else len(order))
