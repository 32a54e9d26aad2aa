"""The state of the controls as OSCAL 1.2.1 assessment results, now or over the days of an audit.

Findings know two states only, *satisfied* and *not satisfied*; we know more. So:

- A control gets a finding only where its state can be told. One that passes (over an audit's days: that
  passed all the time) is *satisfied*; one that fails, also under an accepted risk (over the days: that ever
  did), is *not satisfied*.
- What is inconclusive, not read, pending or not monitored gets an observation without a finding. It is never
  satisfied, and no deviation is claimed either; its `status` property and its words say what is missing.

Every UUID is a UUIDv5 of what it names, and nothing else depends on the moment of writing but what
`Origin.now` says, so the same state exported with the same `now` is the same bytes. Resources that pass are
counts; of those that fail or could not be told, so many for each observation are subjects, in a fixed order,
and the evidence object that the observation names has all of them. Observations are written as they are
read: memory grows with the controls and the resources named, not with the number of results.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from proofwatch import __version__
from proofwatch.reports.filed import Filed, write_file
from proofwatch.reports.oscal_facts import (
    Held,
    Stand,
    accepted,
    documents,
    installation,
    listed_in,
    risks,
    span_of,
    stands,
)
from proofwatch.reports.oscal_observed import Observed, Subjects
from proofwatch.reports.oscal_text import TEXT, Ids, evidence, markup, moment, plain, prop, token
from proofwatch.reports.provenance import Origin, provenance
from proofwatch.reports.streamed import write_json
from proofwatch.snapshots.base import Objects
from proofwatch.store.models import Audit, ManualEvidence, RiskAcceptance

VERSION = "1.2.1"
SUBJECTS = 100
"""Resources named in one observation."""
MOST_HELD = 100
"""Statuses of a control over some days, named one by one."""
APPROVED, CLOSED = "deviation-approved", "closed"
OURS = "The organization whose controls these are"
QUESTION = "How each control stands, by what evidence, in OSCAL's words."


def write_oscal(
    path: Path, objects: Objects, cache: Path, origin: Origin, *, audit: Audit | None = None,
    subjects: int = SUBJECTS,
) -> Filed:  # fmt: skip
    """Write assessment results (JSON).

    Args:
        path: the file.
        objects: where the verdicts are.
        cache: folder of rebuilt tables.
        origin: who makes it, when, how; `now` is the document's own moment.
        audit: the days it is about, as far as they have gone by; None for how things stand now.
        subjects: at most so many resources are named in one observation.

    Returns:
        what was written; its `rows` are observations.

    Raises:
        ReportError: there is no control list, the period has not begun, or the file cannot be written.
        StoreError, EvidenceError, SnapshotError: the state cannot be read.
    """

    def fill(out: TextIO) -> int:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as aside:
            made = _Document(objects, cache, origin, audit, subjects, aside)
            write_json(out, {"assessment-results": made.body()})
            out.write("\n")
            return made.observed.number

    title = f"OSCAL assessment results: {audit.name if audit else 'as of now'}"
    chosen = {"audit": audit.name} if audit else None
    about = provenance(origin, "oscal", title=title, question=QUESTION, chosen=chosen)
    return write_file(path, fill, {**about, "format": f"OSCAL {VERSION} assessment-results, JSON"})


class _Document:
    """One document, made as it is written: the iterators in its body must be read in their order."""

    def __init__(
        self, objects: Objects, cache: Path, origin: Origin, audit: Audit | None, subjects: int, aside: TextIO
    ) -> None:
        self.origin, self.span = origin, span_of(audit, origin.now)
        self.listed = listed_in(self.span)
        self.ids = Ids(installation())
        self.stands: Sequence[Stand] = stands(self.span, self.listed)
        self.risks = risks(self.span)
        self.tool = self.ids.of("tool", __version__)
        self.aside = Subjects(aside, self.ids)
        self.observed = Observed(
            objects, cache, self.span, self.ids, self.tool, self.aside, subjects, self.risks,
            accepted(self.span),
        )  # fmt: skip

    def body(self) -> dict[str, Any]:
        """Return the document; lists that grow are iterators."""
        now = moment(self.origin.now)
        return {
            "uuid": self.ids.of("document", self.span.name, now),
            "metadata": self._metadata(now),
            "import-ap": {
                "href": f"#{self._plan()}",
                "remarks": "There is no OSCAL assessment plan: the plan is the control list.",
            },
            "local-definitions": {"objectives-and-methods": iter([self._objective(s) for s in self.stands])},
            "results": iter([self._result()]),
            "back-matter": {"resources": [self._control_list()]},
        }

    def _metadata(self, now: str) -> dict[str, Any]:
        audit = self.span.audit
        roles = [{"id": "prepared-by", "title": "Prepared by"}]
        responsible = [{"role-id": "prepared-by", "party-uuids": [self._party(self.origin.by)]}]
        parties = [self._party_body(name, "person") for name in self._people()]
        parties.append(self._party_body(self.origin.organization or OURS, "organization"))
        if audit and audit.auditor:
            roles.append({"id": "auditor", "title": "Auditor"})
            party = self._party(audit.auditor, "auditor")
            parties.append({**self._party_body(audit.auditor, "organization"), "uuid": party})
            responsible.append({"role-id": "auditor", "party-uuids": [party]})
        return {
            "title": f"Assessment results: {markup(audit.name if audit else 'as of now')}",
            "last-modified": now,
            "version": now,
            "oscal-version": VERSION,
            "props": [
                *prop("system", f"Proofwatch {__version__}"), *prop("mark", self.origin.mark),
                *prop("control-list", self.listed.version), *prop("framework", self.listed.body["framework"]),
            ],
            "roles": roles,
            "parties": parties,
            "responsible-parties": responsible,
            "remarks": "Factual export, not an opinion.",
        }  # fmt: skip

    def _people(self) -> list[str]:
        names = {self.origin.by}
        for risk in self.risks:
            names |= {risk.row.requested_by, risk.row.decided_by}
        return sorted(name for name in names if name)

    def _party(self, name: str, kind: str = "person") -> str:
        return self.ids.of("party", kind, name)

    def _party_body(self, name: str, kind: str) -> dict[str, Any]:
        return {"uuid": self._party(name, kind), "type": kind, "name": plain(name) or "unnamed"}

    def _plan(self) -> str:
        return self.ids.of("control list", self.listed.sha256)

    def _control_list(self) -> dict[str, Any]:
        return {
            "uuid": self._plan(),
            "title": f"Control list {markup(self.listed.version)}",
            "description": f"{markup(self.listed.body.get('title', ''))}: {len(self.stands)} controls.",
            "props": [*prop("sha-256", self.listed.sha256), *prop("version", self.listed.version)],
        }

    def _objective(self, stand: Stand) -> dict[str, Any]:
        control = stand.control
        part = {
            "id": _objective_id(control.id),
            "name": "objective",
            "title": markup(control.title),
            "props": [item for criterion in control.criteria for item in prop("criterion", criterion)],
            "prose": markup(control.statement, TEXT),
        }
        return {"control-id": token(control.id), "parts": [_without_empty(part)]}

    def _result(self) -> dict[str, Any]:
        start = self.span.first or min(
            (item.observed_at for item in self.stands if item.observed_at), default=self.span.until
        )
        return {
            "uuid": self.ids.of("result", self.span.name, moment(start), moment(self.span.until)),
            "title": markup(self.span.name if self.span.audit else "As of now"),
            "description": (
                "Controls that were or were not satisfied are findings. Those whose state cannot be told are "
                "observations without a finding."
            ),
            "start": moment(start),
            "end": moment(self.span.until),
            "props": prop("audit", self.span.audit.name) if self.span.audit else prop("as-of", "now"),
            "reviewed-controls": self._reviewed(),
            "observations": self._observations(),
            "risks": self._risks(),
            "findings": self._findings(),
            "local-definitions": {
                "assessment-assets": self._assets(),
                "inventory-items": self.aside.items(),
            },
        }

    def _reviewed(self) -> dict[str, Any]:
        known = [item.control for item in self.stands]
        criteria = [
            item
            for control in known
            for criterion in control.criteria
            for item in prop("criterion", criterion, token(control.id))
        ]
        return {
            "props": iter(criteria),
            "control-selections": [
                {"include-controls": [{"control-id": token(control.id)} for control in known]}
            ],
            "control-objective-selections": [
                {"include-objectives": [{"objective-id": _objective_id(control.id)} for control in known]}
            ],
        }

    def _assets(self) -> dict[str, Any]:
        tool = {
            "uuid": self.tool,
            "type": "software",
            "title": "Proofwatch",
            "description": "Reads the configuration of the systems and judges it by its checks.",
            "props": prop("version", __version__),
            "status": {"state": "operational"},
        }
        uses = {"uses-components": [{"component-uuid": self.tool}]}
        platform = {"uuid": self.ids.of("platform"), "title": "Proofwatch", **uses}
        return {"components": [tool], "assessment-platforms": [platform]}

    def _observations(self) -> Iterator[dict[str, Any]]:
        for stand in self.stands:
            yield self._standing(stand)
        known = {item.control.id for item in self.stands}
        for row in documents(self.span):
            if row.control_id in known:
                yield self._document(row)
        yield from self.observed.observations([item.control for item in self.stands])

    def _standing(self, stand: Stand) -> dict[str, Any]:
        control, last = stand.control, stand.held[-1]
        key = self.ids.uuid("standing", self.span.name, control.id)
        self.observed.note(control.id, key)
        return {
            "uuid": str(key),
            "title": f"{markup(control.id)}: {markup(last.status)}",
            "description": _told(stand.held) if self.span.first else markup(last.reason, TEXT),
            "props": [*prop("control", control.id), *prop("status", last.status), *_counted(stand)],
            "methods": ["TEST"] if control.checks else ["UNKNOWN"],
            "types": ["historic" if self.span.first else "control-objective"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": self.tool}]}],
            "collected": moment(stand.observed_at or self.span.until),
        }

    def _document(self, row: ManualEvidence) -> dict[str, Any]:
        key = self.ids.uuid("document", row.name, row.sha256)
        self.observed.note(row.control_id, key)
        return {
            "uuid": str(key),
            "title": f"{markup(row.name)}: {markup(row.title)}",
            "description": markup(row.about, TEXT),
            "props": [
                *prop("control", row.control_id), *prop("source", row.source), *prop("added-by", row.by),
                *prop("effective-from", row.effective_from), *prop("effective-to", row.effective_to),
            ],
            "methods": ["EXAMINE"],
            "types": ["control-objective"],
            "relevant-evidence": evidence(row.sha256, f"{markup(row.filename)}, as it was added."),
            "collected": moment(row.at),
            "remarks": "Added by a person; whether it satisfies the control is for the reader to judge.",
        }  # fmt: skip

    def _risks(self) -> Iterator[dict[str, Any]]:
        for risk in self.risks:
            yield self._risk(risk.row)

    def _risk(self, row: RiskAcceptance) -> dict[str, Any]:
        scope = ", ".join(f"{name} {value}" for name, value in sorted(row.scope.items()) if value)
        return {
            "uuid": self.ids.of("risk", row.name),
            "title": f"{row.name}: a risk that was accepted",
            "description": markup(row.reason, TEXT),
            "statement": f"Failures of {markup(scope, TEXT)} are accepted until {moment(row.expires_at)}.",
            "props": [*prop("acceptance", row.name), *prop("findings", row.count)],
            "status": APPROVED if row.state == "approved" else CLOSED,
            "origins": [{"actors": [{"type": "party", "actor-uuid": self._party(row.decided_by)}]}],
            "deadline": moment(row.expires_at),
            "risk-log": {"entries": list(self._risk_log(row))},
            "related-observations": _references(self.observed.of_risk.get(row.number, ())),
        }

    def _risk_log(self, row: RiskAcceptance) -> Iterator[dict[str, Any]]:
        steps = [
            ("requested", row.requested_at, row.requested_by, "deviation-requested", row.reason),
            ("approved", row.decided_at, row.decided_by, APPROVED, row.decision_note),
            ("ended", row.ended_at, "", CLOSED, row.ended_because),
        ]
        for word, at, by, status, why in steps:
            if at is not None:
                entry = {
                    "uuid": self.ids.of("risk", row.name, word),
                    "title": f"Acceptance {word}",
                    "description": markup(why, TEXT),
                    "start": moment(at),
                    "status-change": status,
                }
                yield entry | ({"logged-by": [{"party-uuid": self._party(by)}]} if by else {})

    def _findings(self) -> Iterator[dict[str, Any]]:
        for stand in self.stands:
            if stand.satisfied is not None:
                yield self._finding(stand)

    def _finding(self, stand: Stand) -> dict[str, Any]:
        control, last = stand.control, stand.held[-1]
        words = ("satisfied", "pass") if stand.satisfied else ("not-satisfied", "fail")
        told = _told(stand.held) if self.span.first else markup(last.reason, TEXT)
        about = sorted(self.observed.risks_of.get(control.id, ())) if not stand.satisfied else []
        return {
            "uuid": self.ids.of("finding", self.span.name, control.id),
            "title": f"{markup(control.id)}: {markup(control.title)}",
            "description": told,
            "props": [
                *prop("control", control.id), *prop("status", last.status), *_counted(stand),
                *(item for criterion in control.criteria for item in prop("criterion", criterion)),
            ],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": self.tool}]}],
            "target": {
                "type": "objective-id",
                "target-id": _objective_id(control.id),
                "title": markup(control.title),
                "status": {"state": words[0], "reason": words[1], "remarks": told},
            },
            "related-observations": _references(self.observed.of_control.get(control.id, ())),
            "related-risks": iter([{"risk-uuid": self.ids.of("risk", f"RA-{number}")} for number in about]),
        }  # fmt: skip


def _objective_id(control: str) -> str:
    return f"{token(control)}_obj"


def _references(keys: Sequence[bytes]) -> Iterator[dict[str, str]]:
    return ({"observation-uuid": str(uuid.UUID(bytes=key))} for key in keys)


def _counted(stand: Stand) -> list[dict[str, str]]:
    counts = stand.counts
    return [
        *prop("passed", counts.passed), *prop("failed", counts.failed), *prop("accepted", counts.accepted),
        *prop("inconclusive", counts.inconclusive), *prop("not-applicable", counts.not_applicable),
    ]  # fmt: skip


def _told(held: Sequence[Held]) -> str:
    """Return in words what a control was over some days."""
    said = [
        f"{markup(item.status)} from {moment(item.since)} to {moment(item.to)}: {markup(item.reason, 1000)}"
        for item in held[:MOST_HELD]
    ]
    more = len(held) - MOST_HELD
    return "; ".join([*said, f"and {more} more changes" if more > 0 else ""]).removesuffix("; ")


def _without_empty(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value != []}
