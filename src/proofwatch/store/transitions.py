"""Which findings change, and how, when a sweep is compared with what is known.

Only changes are written. What still fails as before costs a look-up and no row, so that the
store grows with change and not with time.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import rfc8785
from django.db.models import QuerySet

from proofwatch.store.base import StoreError
from proofwatch.store.journal import Journal
from proofwatch.store.models import Finding, Sweep
from proofwatch.store.models.findings import EventKind, FindingState
from proofwatch.store.outcome import CheckOutcome, Failure, Key, Outcome, Verdict
from proofwatch.store.seen import Seen

PAGE = 2000
ASKED = 10 * PAGE
"""Findings whose verdicts are looked up together: each look reads the keys of a whole table."""
MUTABLE = (
    "state",
    "severity",
    "reason",
    "check_version",
    "rule",
    "last_failed_at",
    "last_observed_at",
    "opened_at",
    "opened_sweep",
    "restored_at",
    "restored_sweep",
    "regressions",
    "acceptance",
    "evidence_interrupted_since",
    "interruption",
)
KNOWN = ("pk", "state", "reason", "severity", "check_version", "rule", "evidence_interrupted_since")
Change = tuple[str, Finding, str]


def finding_id(connection: uuid.UUID, check: str, account_id: str, region: str, resource: str) -> uuid.UUID:
    """Return the id of a finding, which is a function of what it is about."""
    text = "\x00".join((connection.hex, check, account_id, region, resource))
    return uuid.UUID(bytes=hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16], version=5)


def rule_digest(version: str, params: Mapping[str, Any]) -> str:
    """Return what identifies the rule that a check applied: its version with its parameters."""
    return hashlib.sha256(rfc8785.dumps({"version": version, "params": dict(params)})).hexdigest()


class Reconciliation:
    """The comparison of one sweep with the findings of its connection, inside one transaction."""

    def __init__(
        self, sweep: Sweep, outcome: Outcome, last_run: Mapping[str, datetime], journal: Journal
    ) -> None:
        self._sweep = sweep
        self._outcome = outcome
        self._checks = {item.check: item for item in outcome.checks}
        self._rules = {item.check: rule_digest(item.version, item.params) for item in outcome.checks}
        self._last_run = last_run
        self._why: dict[int, dict[tuple[str, str], str]] = {}
        self._journal = journal

    def run(self) -> None:
        """Write every change: first of what fails now, then of what was open and does not."""
        failures = iter(self._outcome.failures())
        with Seen() as seen:
            while batch := list(islice(failures, PAGE)):
                found = {self._id(item): item._replace(reason=_clean(item.reason)) for item in batch}
                seen.add(found)
                self._save(self._failing(found))
            if self._open().count() == seen.count():
                return  # All that was seen is open, so nothing else is: a quiet sweep reads no row twice.
            unseen = (key for ids in self._open_pages() for key in seen.others(ids))
            while ids := list(islice(unseen, ASKED)):
                self._not_seen(ids)

    def _failing(self, found: Mapping[uuid.UUID, Failure]) -> Iterator[Change]:
        rows = Finding.objects.filter(id__among=list(found)).values_list(*KNOWN)
        known = {row[0]: row[1:] for row in rows}
        differing = [key for key, row in known.items() if row != self._as_before(found[key])]
        stored = Finding.objects.in_bulk(differing)
        for key, item in found.items():
            if key not in known:
                yield EventKind.OPENED, self._opened(key, item), item.reason
            elif key in stored:
                yield self._failing_again(stored[key], item)

    def _as_before(self, item: Failure) -> tuple[Any, ...]:
        check = self._check(item.check)
        return (FindingState.OPEN, item.reason, check.severity, check.version, self._rules[item.check], None)

    def _opened(self, key: uuid.UUID, item: Failure) -> Finding:
        check, at = self._check(item.check), self._sweep.observed_at
        return Finding(
            pk=key,
            connection_id=self._sweep.connection_id,
            check_id=item.check,
            account_id=item.account_id,
            region=item.region,
            resource=item.resource,
            severity=check.severity,
            reason=item.reason,
            check_version=check.version,
            rule=self._rules[item.check],
            first_failed_at=at,
            last_failed_at=at,
            last_observed_at=at,
            opened_at=at,
            opened_sweep_id=self._sweep.pk,
        )

    def _failing_again(self, finding: Finding, item: Failure) -> Change:
        check, at = self._check(item.check), self._sweep.observed_at
        if finding.state != FindingState.OPEN:
            kind = EventKind.REGRESSED
            finding.state, finding.opened_at, finding.opened_sweep_id = FindingState.OPEN, at, self._sweep.pk
            finding.restored_at, finding.restored_sweep_id = None, None
            finding.regressions += 1
            finding.acceptance = ""  # What was accepted was repaired; this failure is another one.
        elif finding.evidence_interrupted_since is not None:
            kind = EventKind.RESUMED
        else:
            kind = EventKind.CHANGED
        finding.evidence_interrupted_since, finding.interruption = None, ""
        finding.reason, finding.severity, finding.check_version = item.reason, check.severity, check.version
        finding.rule = self._rules[item.check]
        finding.last_failed_at = finding.last_observed_at = at
        return kind, finding, item.reason

    def _not_seen(self, ids: Sequence[uuid.UUID]) -> None:
        """Ask once for the verdicts on many findings that were not seen failing, and write page by page."""
        pages = [ids[start : start + PAGE] for start in range(0, len(ids), PAGE)]
        asked: dict[str, list[Key]] = {}
        for page in pages:
            for finding in Finding.objects.filter(id__among=page).only("check_id", *Key._fields):
                if self._unknown(finding) is None:
                    asked.setdefault(finding.check_id, []).append(_key(finding))
        told = {check: self._outcome.verdicts(check, keys) for check, keys in asked.items()}
        for page in pages:
            self._save(self._not_failing(Finding.objects.filter(id__among=page), told))

    def _not_failing(
        self, findings: Iterable[Finding], told: Mapping[str, Mapping[Key, Verdict]]
    ) -> Iterator[Change]:
        for finding in findings:
            reason = self._unknown(finding)
            if reason is None:
                yield from self._judged(finding, told[finding.check_id].get(_key(finding)))
            elif reason:
                yield from self._interrupted(finding, reason)

    def _unknown(self, finding: Finding) -> str | None:
        """Say why this sweep cannot tell how a finding stands; "" if it was not asked, None if it can."""
        if finding.check_id in self._outcome.disabled:
            return f"its check was not run: {self._outcome.disabled[finding.check_id]}"
        check = self._checks.get(finding.check_id)
        if check is None:
            return ""
        if (finding.account_id, finding.region) in check.places:
            return None
        reason = self._reasons(check).get((finding.account_id, finding.region))
        if reason is not None:
            return reason
        return check.reason or f"{finding.account_id} {finding.region} was not read in this sweep"

    def _reasons(self, check: CheckOutcome) -> Mapping[tuple[str, str], str]:
        """Return place → why it was not read."""
        # All checks of a table have the same tuple, and it lives as long as the outcome does.
        key = id(check.unread)
        if key not in self._why:
            self._why[key] = {(item.account_id, item.region): item.reason for item in check.unread}
        return self._why[key]

    def _judged(self, finding: Finding, verdict: Verdict | None) -> Iterator[Change]:
        if verdict is None or verdict.status in ("pass", "not_applicable"):
            yield self._closed(finding, *self._ending(finding, verdict))
        elif verdict.status == "inconclusive":
            yield from self._interrupted(finding, _clean(verdict.reason))
        elif verdict.status == "fail":
            problem = f"{finding.check_id} on {finding.resource} fails, and is not among the failures"
            raise StoreError(f"applying sweep {self._sweep.pk}", problem, "run the sweep again")
        elif finding.evidence_interrupted_since is not None:
            finding.evidence_interrupted_since, finding.interruption = None, ""
            finding.last_observed_at = self._sweep.observed_at
            yield EventKind.RESUMED, finding, _clean(verdict.reason)

    def _ending(self, finding: Finding, verdict: Verdict | None) -> tuple[str, str]:
        """Say how a finding ends. Only a pass under the very rule that it failed is a repair."""
        rule, check = self._rules[finding.check_id], self._check(finding.check_id)
        if rule != finding.rule and (finding.rule or check.version != finding.check_version):
            what = "version" if check.version != finding.check_version else "parameters"
            now = "is absent from its table" if verdict is None else _clean(verdict.reason)
            return FindingState.RULE_CHANGED, f"the check's {what} changed since it failed; now: {now}"
        if verdict is None:
            return FindingState.GONE, "absent from a complete inventory"
        if verdict.status == "pass":
            return FindingState.RESTORED, _clean(verdict.reason)
        return FindingState.NOT_APPLICABLE, _clean(verdict.reason)

    def _closed(self, finding: Finding, state: str, reason: str) -> Change:
        self._settle(finding)
        finding.state = state
        finding.restored_at = finding.last_observed_at = self._sweep.observed_at
        finding.restored_sweep_id = self._sweep.pk
        finding.evidence_interrupted_since, finding.interruption = None, ""
        return EventKind(state), finding, reason

    def _interrupted(self, finding: Finding, reason: str) -> Iterator[Change]:
        if finding.evidence_interrupted_since is None:
            self._settle(finding)
            finding.evidence_interrupted_since = self._sweep.observed_at
            finding.interruption = reason
            yield EventKind.INTERRUPTED, finding, reason

    def _settle(self, finding: Finding) -> None:
        """Write down when an open finding was last seen failing, which until now followed from its runs."""
        if finding.evidence_interrupted_since is None:
            seen = self._last_run.get(finding.check_id, finding.last_failed_at)
            finding.last_failed_at = finding.last_observed_at = max(seen, finding.last_failed_at)

    def _save(self, changes: Iterable[Change]) -> None:
        ready = list(changes)
        if not ready:
            return
        Finding.objects.bulk_create(
            [finding for _, finding, _ in ready],
            batch_size=PAGE,
            update_conflicts=True,
            unique_fields=("id",),
            update_fields=MUTABLE,
        )
        self._journal.add(ready)

    def _open(self) -> QuerySet[Finding]:
        return Finding.objects.filter(connection_id=self._sweep.connection_id, state=FindingState.OPEN)

    def _open_pages(self) -> Iterator[list[uuid.UUID]]:
        """Yield the ids of all open findings in pages; rows that were changed meanwhile do not come back."""
        rows = self._open()
        last: uuid.UUID | None = None
        while True:
            page = rows.filter(pk__gt=last) if last else rows
            ids = list(page.order_by("pk").values_list("pk", flat=True)[:PAGE])
            if not ids:
                return
            yield ids
            last = ids[-1]

    def _id(self, item: Failure) -> uuid.UUID:
        connection = self._sweep.connection_id
        return finding_id(connection, item.check, item.account_id, item.region, item.resource)

    def _check(self, name: str) -> CheckOutcome:
        found = self._checks.get(name)
        if found is None:
            problem = f"{name} has failures and is not among the checks of the sweep"
            raise StoreError(f"applying sweep {self._sweep.pk}", problem)
        return found


def _key(finding: Finding) -> Key:
    return Key(finding.account_id, finding.region, finding.resource)


def _clean(reason: str) -> str:
    """Replace NUL, which PostgreSQL refuses in text and which one resource's name could bring in."""
    return reason.replace("\x00", "\ufffd")
