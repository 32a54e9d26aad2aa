"""What a bucket says of itself: whether it locks what is put into it, and what became of one object."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from proofwatch.errors import ProofwatchError

SECONDS = 10
YEAR = 365
"""Days of a year, as S3 counts years of retention."""
MOST_ASKED = 20
"""Objects whose versions are looked up, at most: where all are missing, the reason is another one."""
MOST_VERSIONS = 20
REFUSED = ("PreconditionFailed", "ConditionalRequestConflict")
"""How S3 says that the object is there, or is being put by somebody else."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
NO_LOCK = ("ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration")


class BucketError(ProofwatchError):
    """A bucket cannot be asked."""


@dataclass(frozen=True, slots=True)
class Lock:
    """How a bucket guards what is put into it; None is what it does not tell.

    Attributes:
        versioned: whether it keeps what is overwritten or deleted.
        locked: whether Object Lock is on.
        mode: COMPLIANCE, GOVERNANCE, or "" where nothing is locked unless asked for.
        days: for which every new object is locked.
        problem: why something is not told; "" if nothing.
    """

    versioned: bool | None = None
    locked: bool | None = None
    mode: str = ""
    days: int = 0
    problem: str = ""

    def shortfall(self, needed: int) -> str:
        """Return why this does not hold an object for so many days; "" if it does."""
        if self.problem:
            return f"it cannot be told: {self.problem}"
        if not self.locked:
            return "Object Lock is off: whoever may delete in the bucket can delete evidence"
        if not self.mode:
            return "Object Lock is on without a default retention: new objects are not locked"
        if self.mode != "COMPLIANCE":
            return f"its mode is {self.mode}: whoever may bypass governance can delete evidence"
        if self.days < needed:
            return f"new objects are locked for {self.days} days, and {needed} are needed"
        return ""


@dataclass(frozen=True, slots=True)
class Doubled:
    """How often the objects of a bucket are there.

    Attributes:
        objects: how many objects were looked at.
        doubled: digest → number of its versions, of each that has more than one.
    """

    objects: int
    doubled: Mapping[str, int]


def open_bucket(where: str, endpoint: str) -> Bucket | None:
    """Return what asks the bucket of an object store; None if the store is a folder."""
    return Bucket(where, endpoint) if where.startswith("s3://") else None


class Bucket:
    """A bucket, asked only on first use, with the credentials that AWS's own tools would take."""

    def __init__(self, where: str, endpoint: str) -> None:
        self.name, _, prefix = where.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/".lstrip("/")
        self._endpoint = endpoint
        self._asked = 0
        self._client: Any = None

    def lock(self) -> Lock:
        """Ask for versioning, Object Lock and default retention."""
        try:
            versioned = self._ask("get_bucket_versioning").get("Status") == "Enabled"
            try:
                found = self._ask("get_object_lock_configuration").get("ObjectLockConfiguration", {})
            except BucketError as error:
                if error.problem.partition(":")[0] not in NO_LOCK:
                    raise
                found = {}
        except BucketError as error:
            return Lock(problem=error.problem)
        rule = found.get("Rule", {}).get("DefaultRetention", {})
        days = int(rule.get("Days") or 0) or int(rule.get("Years") or 0) * YEAR
        locked = found.get("ObjectLockEnabled") == "Enabled"
        return Lock(versioned, locked, str(rule.get("Mode") or ""), days)

    def history(self, digest: str) -> str:
        """Say what versions there are of an object that is missing or changed; "" if that cannot be told."""
        self._asked += 1
        if self._asked > MOST_ASKED:
            return ""
        key = f"{self._prefix}{digest[:2]}/{digest[2:]}"
        try:
            found = self._ask("list_object_versions", Prefix=key, MaxKeys=MOST_VERSIONS)
        except BucketError:
            return ""
        versions = [item for item in found.get("Versions", []) if item["Key"] == key]
        markers = [item for item in found.get("DeleteMarkers", []) if item["Key"] == key]
        hidden = next((item for item in markers if item.get("IsLatest")), None)
        if hidden:
            return (
                f"a delete marker (version {hidden['VersionId']}) was put on it at {_at(hidden)}, and "
                f"{_versions(versions)} under it: remove the marker, and the object is back"
            )
        if len(versions) > 1:
            newest = next((item for item in versions if item.get("IsLatest")), versions[0])
            older = [item for item in versions if item is not newest]
            return (
                f"it was overwritten at {_at(newest)} (version {newest['VersionId']}), "
                f"and {_versions(older)} under that"
            )
        return ""

    def keeps_first(self, digest: str, data: bytes) -> bool | None:
        """Tell whether the bucket refuses to take an object that it has; None if that cannot be told.

        Args:
            digest: of an object that is there.
            data: its bytes. A bucket that takes them again has two versions of the same.
        """
        key = f"{self._prefix}{digest[:2]}/{digest[2:]}"
        try:
            self._ask("put_object", Key=key, Body=data, IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        except BucketError as error:
            return True if error.problem.partition(":")[0] in REFUSED else None
        return False

    def doubled(self) -> Doubled:
        """Count the versions of every object.

        Raises:
            BucketError: the bucket does not list them.
        """
        found: Counter[str] = Counter()
        after: dict[str, str] = {}
        while True:
            page = self._ask("list_object_versions", Prefix=self._prefix, **after)
            found.update(
                digest
                for item in page.get("Versions", [])
                if _DIGEST.fullmatch(digest := item["Key"].removeprefix(self._prefix).replace("/", ""))
            )
            if not page.get("IsTruncated"):
                return Doubled(len(found), {digest: count for digest, count in found.items() if count > 1})
            after = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    def _ask(self, operation: str, **given: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            call: Callable[..., Any] = getattr(self._open(), operation)
            return call(Bucket=self.name, **given)
        except ClientError as error:
            said = error.response.get("Error", {})
            problem = f"{said.get('Code', 'error')}: {said.get('Message', '')}"
        except (BotoCoreError, ValueError) as error:
            problem = str(error)
        raise BucketError(f"asking the bucket {self.name}", " ".join(problem.split())[:300])

    def _open(self) -> Any:
        if self._client is None:
            import boto3
            from botocore.config import Config

            session = boto3.Session()
            self._client = session.client(
                "s3",
                endpoint_url=self._endpoint or None,
                region_name=session.region_name or "us-east-1",
                config=Config(
                    connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 2}
                ),
            )
        return self._client


def _at(item: dict[str, Any]) -> str:
    return f"{item['LastModified'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _versions(items: list[dict[str, Any]]) -> str:
    if not items:
        return "no older version is"
    first = items[0]
    text = "1 older version is" if len(items) == 1 else f"{len(items)} older versions are"
    return f"{text} (the newest {first['VersionId']}, {first['Size']} bytes, of {_at(first)})"
