"""The newest verdicts as OCSF 1.8.0: one Compliance Finding (class 2003) per line, for SIEMs and GRC tools.

`compliance.status_id` says Pass or Fail only where the check did; what could not be told is Unknown, what a
check is not about is Other, and our own word stands in `status_code` in each case. A failure whose risk was
accepted stays a Fail; `unmapped.acceptance` names who took it over. See docs/formats.md for every field.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from proofwatch import __version__
from proofwatch.checks.base import Check, Result
from proofwatch.checks.read import Where, results
from proofwatch.controls.base import Control
from proofwatch.evidence.evaluations import load_evaluation
from proofwatch.reports.filed import Filed, write_file
from proofwatch.reports.provenance import Origin, provenance
from proofwatch.reports.runs import Batch, newest_runs
from proofwatch.snapshots.base import Objects
from proofwatch.store.django import guarded
from proofwatch.store.models import Finding
from proofwatch.store.models.findings import FindingState
from proofwatch.store.services import controls
from proofwatch.store.transitions import finding_id

VERSION = "1.8.0"
CATEGORY, CLASS, CREATE = 2, 2003, 1
EVENTS = uuid.UUID("0c3a7e1e-6f0d-5b0e-9d3c-6a2f5f1b7c11")
"""Namespace of `metadata.uid`."""

STATUSES = {"pass": (1, "Pass"), "fail": (3, "Fail"), "inconclusive": (0, "Unknown")}
"""Our status → compliance.status_id and its caption; every other one is 99 with our word."""
SEVERITIES = {"low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High"), "critical": (5, "Critical")}
INFORMATIONAL = (1, "Informational")
"""Of what does not fail: a SIEM that alerts by severity must not alert on a pass."""
PROVIDERS = {"aws": ("AWS", 10, "AWS Account")}
"""Kind of a connection → cloud.provider, cloud.account.type_id and its caption."""
FRAMEWORKS = {"soc2": "SOC 2"}
RESOURCE_UID, ACCOUNT_UID = (10, "Resource UID"), (35, "Account Object: uid")
PART = 500
"""Verdicts whose findings are looked up at once."""


@dataclass(frozen=True, slots=True)
class Context:
    """What all verdicts of one check in one sweep share."""

    batch: Batch
    check: Check
    params: Mapping[str, Any]
    controls: Sequence[Control]
    framework: str
    now: datetime


def write_ocsf(path: Path, objects: Objects, cache: Path, origin: Origin) -> Filed:
    """Write every verdict of the newest sweeps, one JSON object a line.

    Args:
        path: the file.
        objects: where the verdicts are.
        cache: folder of rebuilt tables.
        origin: who makes it, when, how.

    Raises:
        ReportError: the file cannot be written.
        StoreError, EvidenceError, SnapshotError: the verdicts cannot be read.
    """

    def fill(out: TextIO) -> int:
        number = 0
        for item in events(objects, cache, origin.now):
            out.write(json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n")
            number += 1
        return number

    question = "Every verdict of the newest sweep of each connection, as OCSF Compliance Findings."
    about = provenance(origin, "ocsf", title="OCSF Compliance Findings", question=question)
    return write_file(path, fill, {**about, "format": f"OCSF {VERSION}, class {CLASS}, JSON lines"})


def events(objects: Objects, cache: Path, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield one event for each verdict, in the order of connections and sweeps.

    Args:
        objects: where the verdicts are.
        cache: folder of rebuilt tables.
        now: when this is made.
    """
    listed = controls.current()
    known = controls.controls_of(listed) if listed else ()
    framework = FRAMEWORKS.get(listed.body["framework"], listed.body["framework"]) if listed else ""
    for batch in newest_runs():
        if not batch.sweep.evaluation:
            continue
        found = load_evaluation(batch.sweep.evaluation, objects, cache)
        names = {run.check_id for run in batch.runs} & set(found.checks)
        contexts = {
            name: Context(
                batch,
                found.checks[name].check,
                found.checks[name].params,
                [item for item in known if name in item.checks],
                framework,
                now,
            )
            for name in names
        }
        rows = results(found, Where(names)) if names else iter(())
        while part := list(islice(rows, PART)):
            findings = _findings(batch, part)
            for row in part:
                yield event(row, contexts[row.check], findings.get(_finding(batch, row)))


def _finding(batch: Batch, row: Result) -> uuid.UUID:
    owner: uuid.UUID = batch.connection.pk
    return finding_id(owner, row.check, row.account_id, row.region, row.resource or "")


def _findings(batch: Batch, rows: Iterable[Result]) -> dict[uuid.UUID, Finding]:
    """Return the open findings of those that fail."""
    keys = [_finding(batch, row) for row in rows if row.status == "fail"]
    if not keys:
        return {}
    with guarded("looking for the findings of failing checks"):
        rows_ = Finding.objects.filter(pk__in=keys, state=FindingState.OPEN)
        return {row.pk: row for row in rows_.only("pk", "opened_at", "first_failed_at", "acceptance")}


def event(row: Result, about: Context, finding: Finding | None = None) -> dict[str, Any]:
    """Return one verdict as a Compliance Finding.

    Args:
        row: the verdict.
        about: its check and sweep.
        finding: what is known of the failure, if it is one.
    """
    batch, check = about.batch, about.check
    uid = _finding(batch, row)
    severity_id, severity = SEVERITIES[check.severity] if row.status == "fail" else INFORMATIONAL
    at = batch.sweep.observed_at
    body: dict[str, Any] = {
        "activity_id": CREATE,
        "activity_name": "Create",
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + CREATE,
        "type_name": "Compliance Finding: Create",
        "time": _ms(at),
        "severity_id": severity_id,
        "severity": severity,
        "message": row.reason,
        "status_code": row.status,
        "status_detail": row.reason,
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud"],
            "product": {
                "name": "Proofwatch", "uid": "proofwatch", "vendor_name": "Proofwatch",
                "version": __version__,
            },
            "event_code": check.id,
            "uid": str(uuid.uuid5(EVENTS, f"{uid}\0{batch.sweep.pk}")),
            "correlation_uid": str(batch.sweep.pk),
            "logged_time": _ms(about.now),
        },
        "finding_info": _finding_info(check, uid, at, finding),
        "compliance": _compliance(row, about),
        "cloud": _cloud(row, batch),
        "remediation": {"desc": check.fix},
        "unmapped": _unmapped(row, about, finding),
    }  # fmt: skip
    if row.status == "fail":
        accepted = finding is not None and finding.acceptance
        body |= (
            {"status_id": 99, "status": "Risk accepted"} if accepted else {"status_id": 1, "status": "New"}
        )
    observables = [_observable("cloud.account.uid", ACCOUNT_UID, row.account_id)] if row.account_id else []
    if row.resource:
        resource = {"uid": row.resource, "type": check.table}
        body["resources"] = [{**resource, "region": row.region} if row.region else resource]
        observables.append(_observable("resources[].uid", RESOURCE_UID, row.resource))
    if observables:
        body["observables"] = observables
    return body


def _finding_info(check: Check, uid: uuid.UUID, at: datetime, finding: Finding | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uid": str(uid),
        "title": check.title,
        "desc": check.why,
        "types": ["Compliance"],
        "data_sources": [check.table],
        "last_seen_time": _ms(at),
    }
    if finding is not None:
        found["first_seen_time"] = _ms(finding.first_failed_at)
        found["created_time"] = _ms(finding.opened_at)
    return found


def _compliance(row: Result, about: Context) -> dict[str, Any]:
    check = about.check
    status_id, status = STATUSES.get(row.status, (99, row.status))
    severity_id, severity = SEVERITIES[check.severity]
    standards = [about.framework] if about.framework else []
    found: dict[str, Any] = {
        "status_id": status_id,
        "status": status,
        "status_code": row.status,
        "status_details": [row.reason],
        "standards": standards,
        "requirements": list(check.criteria),
        "checks": [
            {
                "uid": check.id,
                "name": check.title,
                "desc": check.why,
                "version": check.version,
                "status_id": status_id,
                "status": status,
                "severity_id": severity_id,
                "severity": severity,
                "standards": standards,
            }
        ],
    }
    if about.controls:
        found["control"] = ", ".join(item.id for item in about.controls)
    if about.params:
        found["control_parameters"] = [
            {"name": name, "value": value if isinstance(value, str) else json.dumps(value, default=str)}
            for name, value in sorted(about.params.items())
        ]
    return found


def _cloud(row: Result, batch: Batch) -> dict[str, Any]:
    kind = batch.connection.kind
    provider, type_id, caption = PROVIDERS.get(kind, (kind, 99, kind))
    found: dict[str, Any] = {"provider": provider}
    if row.account_id:
        found["account"] = {"uid": row.account_id, "type_id": type_id, "type": caption}
    if row.region:
        found["region"] = row.region
    return found


def _unmapped(row: Result, about: Context, finding: Finding | None) -> dict[str, Any]:
    """Return what makes the verdict re-performable and has no place in OCSF."""
    batch = about.batch
    found: dict[str, Any] = {
        "connection": batch.connection.name,
        "sweep": str(batch.sweep.pk),
        "check_version": row.check_version,
        "evaluation_sha256": batch.sweep.evaluation,
        "manifest_sha256": batch.sweep.manifest,
        "controls": [{"id": item.id, "criteria": list(item.criteria)} for item in about.controls],
        "same_as": {name: list(ids) for name, ids in about.check.same_as.items()},
    }
    if finding is not None and finding.acceptance:
        found["acceptance"] = finding.acceptance
    return found


def _observable(name: str, kind: tuple[int, str], value: str) -> dict[str, Any]:
    return {"name": name, "type_id": kind[0], "type": kind[1], "value": value}


def _ms(at: datetime) -> int:
    """Return milliseconds since 1970, as OCSF counts."""
    return int(at.timestamp() * 1000)
