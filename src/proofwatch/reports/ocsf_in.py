"""OCSF from other products: Compliance Findings (2003) and Detection Findings (2004, as Prowler writes them).

A verdict is pass or fail only where its source says so in words or numbers that we know and that do not
contradict each other. Everything else (MANUAL, MUTED, WARNING, a word that nobody documented) stays
inconclusive, with what was said beside it. A mute does not change a verdict: a muted FAIL is a fail.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proofwatch.evidence.entry import named_objects
from proofwatch.reports.json_records import Record, RecordError, read_records
from proofwatch.snapshots.base import Objects
from proofwatch.store.base import StoreError
from proofwatch.store.models import Import
from proofwatch.store.services import imports
from proofwatch.store.services.actors import administering
from proofwatch.store.services.imports import Asserted, Kept

FORMAT = "ocsf"
CLASSES = (2003, 2004)
PASSING, FAILING = 1, 3
"""compliance.status_id of OCSF."""
WORDS = {"PASS": "pass", "PASSED": "pass", "FAIL": "fail", "FAILED": "fail"}
SUPPRESSED = 3
"""status_id of a finding that somebody muted."""
SEVERITIES = {
    0: "unknown", 1: "informational", 2: "low", 3: "medium", 4: "high", 5: "critical", 6: "fatal",
}  # fmt: skip
SECONDS_BELOW = 100_000_000_000
"""OCSF counts milliseconds, Prowler seconds: in milliseconds this is 1973, in seconds the year 5138."""
MOST_RECORDS = 5_000_000
NAME, TITLE, LONG = 200, 500, 4000
SEVERAL = "several"
SMALL = 16 << 20
"""Bytes up to which the verifier looks into an object for the digests of others."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one import did: `again` if the same file had been taken in before, and nothing was done."""

    row: Import
    counts: Mapping[str, int]
    again: bool = False


def import_file(path: Path, objects: Objects, *, product: str, actor: str, now: datetime) -> Taken:
    """Take in a file: read it through once, keep it, then keep its verdicts in one transaction.

    The same file again is success and changes nothing.

    Args:
        path: JSON array or JSON lines, compressed with gzip or not.
        objects: where the file is kept.
        product: whose verdicts they are; "" for what each record says itself.
        actor: who takes it in.
        now: the time.

    Raises:
        RecordError: a record is broken; the message names its line, and nothing was taken in.
        StoreError: the file came as another product's before, or the actor may not do this.
    """
    administering(actor, f"taking in {path.name}")
    file, product = _digest(path), _shown(product, NAME + 1)
    before = imports.known(file)
    if before is not None:
        if product and product != before.product:
            problem = f"it was taken in as import {before.number}, asserted by {before.product}"
            raise StoreError(f"taking in {path.name}", problem, "a verdict is asserted by one product")
        return Taken(before, {}, again=True)
    counts: Counter[str] = Counter()
    products: set[str] = set()
    foreign = path.stat().st_size <= SMALL
    pack = False
    for record in read_records(path):
        found = asserted(record, product)
        counts[found.status] += 1
        if len(products) < 2:
            products.add(found.product)
        pack = pack or (foreign and _names_objects(record))
    kept = _keep(path, objects, file, pack)
    label = product or (products.pop() if len(products) == 1 else SEVERAL if products else "none")
    rows = (asserted(record, product) for record in read_records(path))
    made = imports.take_in(
        rows, kept, format=FORMAT, product=label, counts=counts, actor=actor, now=now
    )  # fmt: skip
    return Taken(made, {word: counts[word] for word in imports.STATUSES})


def _digest(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise RecordError(
            f"reading {path.name}", "it is no file", "a pipe cannot be read twice: save it first"
        )
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RecordError(f"reading {path.name}", error.strerror or str(error)) from None


def _keep(path: Path, objects: Objects, file: str, pack: bool) -> Kept:
    """Keep the file as it is, or packed.

    The verifier looks into JSON objects for the digests of further ones. A stranger's record that looks as
    if it named one would let every later verification miss an object that never was; packed, it is bytes.
    """
    if not pack:
        digest = objects.put_file(path)
        if digest != file:
            raise StoreError(f"taking in {path.name}", "it changed while it was read", "take it in again")
        return Kept(digest, path.stat().st_size, file, _shown(path.name, NAME))
    with tempfile.TemporaryDirectory(prefix="proofwatch-") as folder:
        packed = Path(folder) / "packed"
        with (
            path.open("rb") as source,
            packed.open("wb") as target,
            gzip.GzipFile(fileobj=target, mode="wb", filename="", mtime=0) as archive,
        ):
            shutil.copyfileobj(source, archive)
        return Kept(
            objects.put_file(packed), packed.stat().st_size, file, _shown(path.name, NAME), packed=True
        )


def _names_objects(record: Record) -> bool:
    try:
        return any(named_objects(record.value, "object"))
    except RecursionError:
        return True


def read_ocsf(path: Path, product: str = "") -> Iterator[Asserted]:
    """Yield the verdicts of a file. See `import_file` for what it raises."""
    return (asserted(record, product) for record in read_records(path))


def asserted(record: Record, product: str = "") -> Asserted:
    """Return the verdict that one record asserts.

    Args:
        record: of class 2003 or 2004.
        product: whose verdict it is; "" for what it says itself.

    Raises:
        RecordError: it is of another class, or lacks what a verdict needs.
    """
    if record.place >= MOST_RECORDS:
        raise _broken(record, f"the file has more than {MOST_RECORDS} records")
    body = record.value
    kind = body.get("class_uid")
    if isinstance(kind, bool) or kind not in CLASSES:
        raise _broken(record, f"class_uid is {json.dumps(kind)[:40]}; only 2003 and 2004 are verdicts")
    said = product or _get(body, "metadata", "product", "name") or _get(body, "metadata", "product", "uid")
    if not said:
        raise _broken(record, "it does not say which product asserts it", "name it with --product")
    compliance = _object(body.get("compliance"))
    resource = _first(body.get("resources")) or _object(body.get("resource"))
    status, raw_status = _status(body, compliance)
    return Asserted(
        product=_fitting(record, "product", said),
        check_id=_fitting(record, "check", _check(record, compliance)),
        title=_shown(_get(body, "finding_info", "title") or _get(body, "message"), TITLE),
        resource=_resource(body, resource),
        account_id=_fitting(record, "account", _get(body, "cloud", "account", "uid")),
        region=_fitting(record, "region", _get(body, "cloud", "region") or _get(resource, "region")),
        status=status,
        raw_status=_shown(raw_status, TITLE),
        severity=_severity(body),
        asserted_at=_asserted_at(record),
        raw=_raw(record),
    )


def _status(body: Mapping[str, Any], compliance: Mapping[str, Any]) -> tuple[str, str]:
    """Return the verdict and the source's own words for it."""
    number = compliance.get("status_id")
    words = [_get(compliance, "status_code"), _get(compliance, "status")]
    votes = {WORDS[word.upper()] for word in words if word.upper() in WORDS}
    if not isinstance(number, bool) and number in (PASSING, FAILING):
        votes.add("pass" if number == PASSING else "fail")
    raw = next((word for word in words if word), "" if number is None else f"status_id {json.dumps(number)}")
    if not votes:
        code = _get(body, "status_code")
        votes = {WORDS[code.upper()]} if code.upper() in WORDS else set()
        raw = raw or code or _get(body, "status")
    elif len(votes) > 1:
        raw = ", ".join([*dict.fromkeys(word for word in words if word), f"status_id {json.dumps(number)}"])
    muted = body.get("status_id")
    if not isinstance(muted, bool) and muted == SUPPRESSED:
        raw = f"{raw} (Suppressed)".strip()
    return (votes.pop() if len(votes) == 1 else "inconclusive"), raw


def _check(record: Record, compliance: Mapping[str, Any]) -> str:
    """Return the rule's own id: Prowler's is the event code, Security Hub's the control."""
    body = record.value
    rule = _first(compliance.get("checks"))
    found = (
        _get(body, "metadata", "event_code") or _get(rule, "uid") or _get(rule, "name")
        or _get(compliance, "control") or _get(body, "finding_info", "analytic", "uid")
        or _get(body, "finding_info", "title")
    )  # fmt: skip
    if not found:
        raise _broken(
            record, "it names no check: metadata.event_code, compliance.checks or finding_info.title"
        )
    return found


def _resource(body: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    found = _get(first, "uid") or _get(first, "name")
    listed = body.get("resources")
    more = len(listed) - 1 if isinstance(listed, list) and len(listed) > 1 else 0
    return _shown(found, LONG) + (f" and {more} more" if more else "")


def _severity(body: Mapping[str, Any]) -> str:
    number = body.get("severity_id")
    if isinstance(number, int) and not isinstance(number, bool) and number in SEVERITIES:
        return SEVERITIES[number]
    return _shown(_get(body, "severity").lower(), NAME) or "unknown"


def _asserted_at(record: Record) -> datetime | None:
    """Return when the source judged: `time`, else the same as text where that has a zone."""
    found = record.value.get("time")
    if found is None or found == 0:
        text = _get(record.value, "time_dt")
        try:
            moment = datetime.fromisoformat(text) if text else None
        except ValueError:
            raise _broken(record, f"time_dt is no time: {text[:40]!r}") from None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _broken(record, f"time is no number: {json.dumps(found)[:40]}")
    try:
        return datetime.fromtimestamp(found if abs(found) < SECONDS_BELOW else found / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise _broken(record, f"time is out of range: {json.dumps(found)[:40]}") from None


_AWKWARD = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def _raw(record: Record) -> str:
    """Return the record's text; wrapped as text where a database could not hold it as JSON.

    PostgreSQL refuses the character U+0000 and half surrogates in JSON.
    """
    text = record.text
    if not _AWKWARD.search(text):
        return text
    plain = json.dumps(record.value, ensure_ascii=False)
    if "\\u0000" not in plain and plain.isascii():
        return text
    try:
        plain.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps({"text": text})
    return json.dumps({"text": text}) if "\\u0000" in plain else text


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(value: Any) -> Mapping[str, Any]:
    return _object(value[0]) if isinstance(value, list) and value else {}


def _get(value: Any, *names: str) -> str:
    """Return a text or number at a path as text, "" where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _fitting(record: Record, what: str, text: str) -> str:
    """Return an identifier as it is shown; cutting one would make it another."""
    shown = _shown(text, NAME + 1)
    if len(shown) > NAME:
        raise _broken(record, f"its {what} is longer than {NAME} characters")
    return shown


def _shown(text: str, most: int) -> str:
    """Return one bounded line; what does not print is shown escaped. `raw` has it as it was."""
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
            for char in text[: most + 1]
        )
    return text if len(text) <= most else text[: most - 1] + "…"


def _broken(record: Record, why: str, remedy: str = "nothing was taken in") -> RecordError:
    return RecordError("reading OCSF", f"line {record.line}: record {record.place + 1}: {why}", remedy)
