"""A bucket: each checkpoint is one object, created and never overwritten; Object Lock keeps it from us, too.

Object Lock keeps a version from being deleted; it does not keep a newer version, or a mark that the object is
deleted, from being put before it. So whoever compares looks at every version.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from proofwatch.alerts.channels.wire import short
from proofwatch.outbound.guard import Forbidden, resolve
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref, SecretError, reveal
from proofwatch.outside.base import Answer, Given, KeeperSettings, OutsideError
from proofwatch.outside.copies import MOST_BYTES, Copy, Shown, newest

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

DOING = "keeping a checkpoint in S3"
FOLDER = "checkpoints/"
SECONDS = 20
TIMES = {"connect_timeout": "10s", "read_timeout": "20s", "timeout": "40s"}
NO_LOCK = ("ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration")


class Settings(KeeperSettings):
    """Settings of a bucket."""

    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="Name of the bucket.")
    prefix: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9_=-][A-Za-z0-9._=-]*(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*/?)?$",
        max_length=200,
        description="Folder in it, for this log alone; empty for none.",
    )
    region: str = Field(
        default="us-east-1", pattern=r"^[a-z0-9-]{1,40}$", description="Region of the bucket."
    )
    endpoint: str = Field(
        default="",
        pattern=r"^(https?://[A-Za-z0-9.\[\]:-]{1,253}/?)?$",
        description="Address of an S3 that is not AWS's.",
    )
    profile: str = Field(
        default="", pattern=r"^[A-Za-z0-9_.@-]{0,100}$", description="Profile of AWS's own configuration."
    )
    access_key: Ref | None = Field(
        default=None, description="Access key, by reference. Default: whatever AWS's own tools would use."
    )
    secret_key: Ref | None = Field(default=None, description="Its secret, by reference.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("access_key and secret_key go together")
        return self

    @property
    def folder(self) -> str:
        """Return what the keys of the checkpoints begin with."""
        return f"{self.prefix.strip('/')}/{FOLDER}".lstrip("/")


class S3:
    """Keeps each checkpoint as `checkpoints/<size>.txt` in one bucket."""

    kind: ClassVar[str] = "s3"
    about: ClassVar[str] = "A bucket with Object Lock, best in an account that we cannot administer."
    interval_minutes: ClassVar[int] = 60
    settings: ClassVar[type[KeeperSettings]] = Settings

    def keep(self, settings: Any, given: Given, client: Client) -> Answer:
        """Create the object; the same bytes again is success.

        Raises:
            OutsideError: other bytes are there under that key (permanent), or the bucket did not take it.
        """
        access = _Access(settings, client)
        key, data = f"{settings.folder}{given.size}.txt", given.note.encode("utf-8")
        created = access.create(key, data)
        found = access.head(key)
        version = str(found.get("VersionId") or "")
        reference = f"s3://{settings.bucket}/{key}" + (f"?versionId={version}" if version else "")
        until = found.get("ObjectLockRetainUntilDate")
        facts = {
            "created": created,
            "retained_until": until.astimezone(UTC).isoformat().replace("+00:00", "Z") if until else "",
            "retention": str(found.get("ObjectLockMode") or ""),
            **access.lock(),
        }
        return Answer(reference[:500], facts=facts)

    def show(self, settings: Any, client: Client) -> Shown:
        """Return every version of the largest checkpoints, and what was deleted or overwritten."""
        access = _Access(settings, client)
        versions, deleted = access.versions(settings.folder)
        names, more = newest([key.removeprefix(settings.folder) for key in versions])
        copies, remarks = [], []
        for name in names:
            key = settings.folder + name
            if len(versions[key]) > 1:
                remarks.append(f"s3://{settings.bucket}/{key} has {len(versions[key])} versions")
            for version in versions[key]:
                where = f"s3://{settings.bucket}/{key}" + (f" version {version}" if version else "")
                copies.append(Copy(where, access.read(key, version)))
        remarks += [
            f"s3://{settings.bucket}/{key} was deleted; its versions are still there" for key in deleted
        ]
        return Shown(tuple(copies), tuple(remarks), more)


class _Access:
    """The bucket, with credentials read once. What can be wrong with it is an OutsideError."""

    def __init__(self, settings: Settings, client: Client) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        self.settings = settings
        _guard(settings.endpoint, client)
        given = _revealed(settings)
        try:
            session = boto3.Session(
                profile_name=settings.profile or None, region_name=settings.region, **given
            )
            found = session.get_credentials()
            frozen = found.get_frozen_credentials() if found else None
            times = Config(connect_timeout=10, read_timeout=SECONDS, retries={"total_max_attempts": 2})
            self._s3 = session.client("s3", endpoint_url=settings.endpoint or None, config=times)
        except (BotoCoreError, ValueError) as error:
            raise OutsideError(DOING, short(str(error), given.values())) from None
        if frozen is None:
            raise OutsideError(
                DOING, "there are no credentials", "Set access_key and secret_key, or profile."
            )
        self._credentials = frozen
        self._hidden = [self._credentials.secret_key or "", self._credentials.token or ""]

    def create(self, key: str, data: bytes) -> bool:
        """Create an object; False if just these bytes are there already."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            obstore.put(self._store(), key, data, mode="create", use_multipart=False)
        except (AlreadyExistsError, FileExistsError):
            if self.read(key) == data:
                return False
            problem = f"s3://{self.settings.bucket}/{key} holds other bytes"
            remedy = "Another log writes there, or this one was rewritten: run `proofwatch outside check`."
            raise OutsideError(DOING, problem, remedy) from None
        except (BaseError, OSError) as error:
            raise self._failed(error) from None
        return True

    def read(self, key: str, version: str = "") -> bytes:
        """Return the bytes of an object, or of one version of it."""
        more = {"VersionId": version} if version else {}
        with self._talking():
            body = self._s3.get_object(Bucket=self.settings.bucket, Key=key, **more)["Body"]
            return bytes(body.read(MOST_BYTES))

    def head(self, key: str) -> dict[str, Any]:
        """Return what the bucket says of an object; nothing where we may not ask."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return dict(self._s3.head_object(Bucket=self.settings.bucket, Key=key))
        except (BotoCoreError, ClientError):
            return {}  # The object was taken all the same; how long it is retained stays unsaid.

    def lock(self) -> dict[str, Any]:
        """Return whether the bucket has Object Lock, and the retention that it gives by itself."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._s3.get_object_lock_configuration(Bucket=self.settings.bucket)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in NO_LOCK:
                return {"object_lock": False, "default_retention": ""}
            return {"object_lock": None, "default_retention": "", "lock_unread": code[:60]}
        except BotoCoreError as error:
            return {"object_lock": None, "default_retention": "", "lock_unread": type(error).__name__}
        found = answer.get("ObjectLockConfiguration", {})
        rule = found.get("Rule", {}).get("DefaultRetention", {})
        spans = [f"{rule[unit]} {unit.lower()}" for unit in ("Days", "Years") if rule.get(unit)]
        said = " ".join([str(rule.get("Mode", "")), *spans]).strip()
        return {"object_lock": found.get("ObjectLockEnabled") == "Enabled", "default_retention": said}

    def versions(self, prefix: str) -> tuple[dict[str, list[str]], list[str]]:
        """Return key → its versions, and the keys that are marked as deleted.

        A version that was put before versioning was switched on is called `null`, and has to be asked for by
        that name: without one, the newest is read.
        """
        found: dict[str, list[str]] = {}
        deleted: dict[str, None] = {}
        with self._talking():
            pages = self._s3.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self.settings.bucket, Prefix=prefix):
                for item in page.get("Versions", []):
                    version = str(item.get("VersionId") or "")
                    found.setdefault(item["Key"], []).append(version)
                deleted.update(dict.fromkeys(item["Key"] for item in page.get("DeleteMarkers", [])))
        return found, list(deleted)

    def _store(self) -> Any:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        given, key = self.settings, self._credentials
        config = {
            "checksum_algorithm": "SHA256",
            "conditional_put": "etag",
            "region": given.region,
            "access_key_id": key.access_key,
            "secret_access_key": key.secret_key,
            **({"session_token": key.token} if key.token else {}),
            **({"endpoint": given.endpoint.rstrip("/")} if given.endpoint else {}),
        }
        options = {**TIMES, "allow_http": given.endpoint.startswith("http://")}
        try:
            return S3Store(
                given.bucket,
                config=cast("S3Config", config),
                client_options=cast("ClientConfig", options),
                retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=SECONDS)},
            )
        except (BaseError, ValueError, TypeError) as error:
            raise self._failed(error) from None

    @contextmanager
    def _talking(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError, OSError) as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> OutsideError:
        words = short(str(error).split("Debug source:")[0], self._hidden) or type(error).__name__
        problem = f"s3://{self.settings.bucket}: {words}"
        return OutsideError(DOING, problem, "Check the bucket and our rights in it.", permanent=False)


def _revealed(settings: Settings) -> dict[str, Any]:
    if settings.access_key is None or settings.secret_key is None:
        return {}
    try:
        return {
            "aws_access_key_id": reveal(settings.access_key, DOING),
            "aws_secret_access_key": reveal(settings.secret_key, DOING),
        }
    except SecretError as error:
        raise OutsideError(DOING, error.problem, error.remedy) from None


def _guard(endpoint: str, client: Client) -> None:
    """Refuse an address of ours that nobody allowed, and one without encryption."""
    if not endpoint:
        return
    parts = urlsplit(endpoint)
    try:
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        resolve(host, port, client.allowed, DOING)
    except Forbidden as error:
        raise OutsideError(DOING, error.problem, error.remedy) from None
    except (OSError, ValueError):
        raise OutsideError(DOING, f"{endpoint} cannot be found", permanent=False) from None
    if parts.scheme == "http" and not (client.insecure or client.allowed.covers(host, port)):
        remedy = "Use https, or let an administrator allow the host: PROOFWATCH_ALLOW_HOSTS."
        raise OutsideError(DOING, f"{endpoint} is not encrypted", remedy)
