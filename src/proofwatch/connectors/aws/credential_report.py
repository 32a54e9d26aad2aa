"""IAM's credential report: asked for, waited for within bounds, and read from its CSV."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator

from proofwatch.connectors.aws.caller import Caller, Raw
from proofwatch.connectors.base import Unread

NO_VALUE = frozenset({"N/A", "not_supported", "no_information"})
"""AWS's words for: does not apply, does not exist for this user, and never since tracking began."""

LONGEST_WAIT = 60.0
"""Seconds until a report that AWS does not finish counts as unread."""

COLUMNS = {
    "user": "VARCHAR",
    "arn": "VARCHAR",
    "user_creation_time": "TIMESTAMPTZ",
    "password_enabled": "BOOLEAN",
    "password_last_used": "TIMESTAMPTZ",
    "password_last_changed": "TIMESTAMPTZ",
    "password_next_rotation": "TIMESTAMPTZ",
    "mfa_active": "BOOLEAN",
    "access_key_1_active": "BOOLEAN",
    "access_key_1_last_rotated": "TIMESTAMPTZ",
    "access_key_1_last_used_date": "TIMESTAMPTZ",
    "access_key_1_last_used_region": "VARCHAR",
    "access_key_1_last_used_service": "VARCHAR",
    "access_key_2_active": "BOOLEAN",
    "access_key_2_last_rotated": "TIMESTAMPTZ",
    "access_key_2_last_used_date": "TIMESTAMPTZ",
    "access_key_2_last_used_region": "VARCHAR",
    "access_key_2_last_used_service": "VARCHAR",
    "cert_1_active": "BOOLEAN",
    "cert_1_last_rotated": "TIMESTAMPTZ",
    "cert_2_active": "BOOLEAN",
    "cert_2_last_rotated": "TIMESTAMPTZ",
    "no_value": "MAP(VARCHAR, VARCHAR)",
    "report_generated_at": "TIMESTAMPTZ",
}
"""The report's own columns; `no_value` keeps AWS's word for each that is NULL because it says so."""

_READ = tuple(name for name in COLUMNS if name not in ("no_value", "report_generated_at"))


def read_report(caller: Caller) -> Iterator[Raw]:
    """Yield one row for each user and one for root.

    Raises:
        Unread: the report is not finished in time, or is not the CSV that AWS documents.
    """
    _generate(caller)
    answer = caller.call("iam", "GetCredentialReport", {})
    reader = csv.DictReader(io.StringIO(answer["Content"].decode("utf-8")))
    missing = {"user", "arn", "mfa_active"} - set(reader.fieldnames or ())
    if missing:
        raise Unread(
            caller.doing("iam:GetCredentialReport"), f"the report lacks {', '.join(sorted(missing))}"
        )
    for line in reader:
        yield _row(caller, line) | {"report_generated_at": answer["GeneratedTime"]}


def _generate(caller: Caller) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    pause = 0.5
    while caller.call("iam", "GenerateCredentialReport", {}).get("State") != "COMPLETE":
        if time.monotonic() + pause > deadline:
            problem = f"AWS did not finish the report within {LONGEST_WAIT:.0f} s"
            raise Unread(
                caller.doing("iam:GenerateCredentialReport"), problem, "Try again later.", permanent=False
            )
        time.sleep(pause)
        pause = min(pause * 2, 8.0)


def _row(caller: Caller, line: dict[str, str | None]) -> Raw:
    if any(line.get(name) is None for name in ("user", "arn")):
        raise Unread(
            caller.doing("iam:GetCredentialReport"), "a line of the report is cut off", permanent=False
        )
    row: Raw = {}
    unread: dict[str, str] = {}
    words: dict[str, str] = {}
    for name in _READ:
        value = line.get(name)
        if value is None:
            unread[name] = "the report has no such column"
        elif value in NO_VALUE:
            words[name] = value
        else:
            # Root's user name and some regions are spelt in AWS's own way; they are kept as they are.
            row[name] = value
    return row | {"no_value": words} | ({"_unread": unread} if unread else {})
