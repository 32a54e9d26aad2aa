"""What the tests of the store begin with: a connection, a sweep that has begun, objects in a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from proofwatch.checks.base import Counts, Status
from proofwatch.store.log import DjangoLog
from proofwatch.store.models import Connection, Sweep
from proofwatch.store.outcome import CheckOutcome, Failure, Key, Outcome, Verdict
from proofwatch.store.services import connections, sweeps

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HERE = ("111111111111", "eu-west-1")
THERE = ("111111111111", "us-east-1")
CHECK = "aws.ec2.ebs-volume-encrypted"


class Folder:
    """Write-once objects in a folder, enough of `snapshots.base.Objects` for the store."""

    def __init__(self, path: Path) -> None:
        self.folder = path

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / digest).write_bytes(data)
        return digest

    def put_file(self, path: Path) -> str:
        return self.put(path.read_bytes())

    def get(self, digest: str) -> bytes:
        return (self.folder / digest).read_bytes()

    def path(self, digest: str) -> Path:
        return self.folder / digest


def entries(*kinds: str) -> list[dict[str, Any]]:
    """Return the log's entries, or those of some kinds, as they were written."""
    log = DjangoLog()
    found = [json.loads(entry) for entry in log.entries(0, log.size())]
    return [entry for entry in found if not kinds or entry["kind"] in kinds]


def connection(name: str = "prod", **values: Any) -> Connection:
    made = connections.create(name, "aws", {}, actor="owner", now=NOW, **values)
    return connections.record_test(made, actor="owner", now=NOW, state="connected")


def begun(owner: Connection, minutes: float = 0) -> Sweep:
    """Return a sweep that began collecting `minutes` after NOW."""
    at = NOW + minutes * MINUTE
    planned = sweeps.plan(owner, slot=at, trigger="manual", actor="owner", now=at)
    return sweeps.begin(planned, now=at)


def outcome(
    results: Mapping[str, Mapping[tuple[str, str, str], tuple[Status, str]]],
    *,
    places: Iterable[tuple[str, str]] = (HERE,),
    complete: bool = True,
    version: str = "v1",
    **values: Any,
) -> Outcome:
    """Return an outcome from check → resource → (status, reason), all in places read completely."""

    def verdicts(check: str, keys: Sequence[Key]) -> dict[Key, Verdict]:
        found = results[check]
        return {key: Verdict(*found[key]) for key in keys if key in found}

    def failures() -> Iterable[Failure]:
        for check, rows in results.items():
            for key, (status, reason) in rows.items():
                if status == "fail":
                    yield Failure(check, *key, reason)

    checks = tuple(
        CheckOutcome(
            check=check,
            version=version,
            severity="high",
            table="aws_ec2_volume",
            counts=_counts([status for status, _ in rows.values()]),
            places=frozenset(places),
            results="0" * 64,
        )
        for check, rows in results.items()
    )
    return Outcome(checks=checks, failures=failures, verdicts=verdicts, complete=complete, **values)


def _counts(statuses: list[Status]) -> Counts:
    return Counts(
        passed=statuses.count("pass"),
        failed=statuses.count("fail"),
        inconclusive=statuses.count("inconclusive"),
        not_applicable=statuses.count("not_applicable"),
        accepted=statuses.count("accepted"),
    )
