"""The verdicts as of the end of the period, read once and kept aside by check, as many controls share one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

from proofwatch.binder.base import Order, text_of
from proofwatch.checks.outcome import Evaluation
from proofwatch.checks.read import Where, results
from proofwatch.evidence.evaluations import load_evaluation
from proofwatch.reports.results import newest_sweeps
from proofwatch.store.models import CheckRun, Sweep
from proofwatch.store.services import connections

PASSING = 1000
"""Passing results of one check and connection that are listed; all are counted, and all are in `objects/`."""
OTHERS = ("fail", "inconclusive", "not_applicable")


class Spool:
    """One file of results for each check, in the binder's folder for temporary files."""

    def __init__(self, order: Order) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=order.work, prefix="verdicts-"))
        self._left: dict[str, int] = {}
        wanted = {check for control in order.controls for check in control.checks}
        every = connections.every(order.since)
        for number, row in enumerate(every):
            order.progress("results", number, len(every))
            for sweep, due in newest_sweeps(row, order.until):
                checks = [check for check in due if check in wanted]
                if sweep.evaluation and checks:
                    found = load_evaluation(sweep.evaluation, order.tools.objects, order.tools.cache)
                    self._keep(found, row.name, sweep, checks)
        order.progress("results", len(every), len(every))

    def rows(self, checks: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Yield the results of some checks."""
        for check in checks:
            path = self._folder / check
            if path.exists():
                with path.open(encoding="utf-8") as file:
                    yield from map(json.loads, file)

    def left_out(self, checks: Iterable[str]) -> dict[str, int]:
        """Return check → passing results that are not listed, for those that have any."""
        return {check: self._left[check] for check in checks if self._left.get(check)}

    def _keep(self, found: Evaluation, connection: str, sweep: Sweep, checks: list[str]) -> None:
        """Read what is needed in as few passes as can be: opening an engine costs more than most tables."""
        runs = CheckRun.objects.filter(sweep=sweep, check_id__in=checks)
        passed: dict[str, int] = dict(runs.values_list("check_id", "passed"))
        many = [check for check in checks if passed.get(check, 0) > PASSING]
        few = [check for check in checks if check not in many]
        rows = results(found, Where(few)) if few else iter(())
        others = results(found, Where(many, OTHERS)) if many else iter(())
        some = (islice(results(found, Where([check], ("pass",))), PASSING) for check in many)
        with ExitStack() as stack:
            files: dict[str, Any] = {}
            for row in chain(rows, others, chain.from_iterable(some)):
                if row.check not in files:
                    path = self._folder / row.check
                    files[row.check] = stack.enter_context(path.open("a", encoding="utf-8"))
                self._write(files[row.check], row, connection, sweep)
        for check in many:
            self._left[check] = self._left.get(check, 0) + passed[check] - PASSING

    @staticmethod
    def _write(file: Any, row: Any, connection: str, sweep: Sweep) -> None:
        body = {
            "check": row.check, "status": row.status, "account": row.account_id, "region": row.region,
            "resource": row.resource, "reason": row.reason, "check_version": row.check_version,
            "observed_at": text_of(sweep.observed_at), "connection": connection, "sweep": str(sweep.pk),
        }  # fmt: skip
        file.write(json.dumps(body, ensure_ascii=False) + "\n")
