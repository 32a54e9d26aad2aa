"""What a person chooses when connecting AWS, and what is refused, in words."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from proofwatch.connectors.base import ConnectorError

DOING = "reading the settings of an AWS connection"
_ROLE_ARN = re.compile(r"^arn:(aws[a-z-]*):iam::(\d{12}):role/[\w+=,.@/-]+$")
_ROLE_NAME = re.compile(r"^[\w+=,.@/-]{1,128}$")
_ACCOUNT = re.compile(r"^\d{12}$")


class Exclusion(BaseModel):
    """One account or region that is left out on purpose; it stays visible as a gap with its reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="Twelve-digit account id, or region name")
    reason: str = Field(min_length=3, description="Why it is left out; an auditor reads this")


class AwsSettings(BaseModel):
    """Settings of one AWS connection. Picklable; holds references to secrets, never keys.

    Credentials come from `profile`, or from the environment as every AWS tool finds them
    (`AWS_ACCESS_KEY_ID`, container or instance role, sign-in session). `role_arn` is assumed on top.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str = Field(default="", description="Named profile of the AWS configuration files")
    role_arn: str = Field(default="", description="Role to assume first, arn:aws:iam::…:role/…")
    external_id: str = Field(
        default="", repr=False, description="External id of the role: text, env:NAME or file:/path"
    )
    regions: list[str] | Literal["all"] = Field(default="all", description="Region names, or 'all' enabled")
    accounts: list[str] | Literal["organization"] = Field(
        default_factory=list, description="Account ids, 'organization', or empty for the identity's own"
    )
    member_role: str = Field(
        default="ProofwatchReadOnly", description="Name of the role assumed in every other account"
    )
    exclude_accounts: list[Exclusion] = Field(default_factory=list)
    exclude_regions: list[Exclusion] = Field(default_factory=list)
    config_inventory: bool = Field(
        default=False, description="Read what the aggregators of AWS Config know of every resource, too"
    )
    endpoint_url: str = Field(default="", description="Other endpoint for every service (tests, proxies)")
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 8
    requests_per_second: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=20,
        description="To one service in one account and region, all workers together, after a burst of five "
        "seconds; as EC2's own limit for reading",
    )
    connect_timeout: Annotated[float, Field(gt=0, le=60, description="Seconds")] = 5.0
    read_timeout: Annotated[float, Field(gt=0, le=300, description="Seconds")] = 30.0

    @field_validator("regions", "accounts", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        """Take `a, b` for `[a, b]`, so that an option of the command line needs no brackets."""
        if isinstance(value, str) and value not in ("all", "organization"):
            return [word.strip() for word in value.split(",") if word.strip()]
        return value

    @field_validator("role_arn")
    @classmethod
    def _role_arn(cls, value: str) -> str:
        if value and not _ROLE_ARN.match(value):
            raise ValueError(
                f"{value!r} is not a role ARN; it looks like arn:aws:iam::123456789012:role/Name"
            )
        return value

    @field_validator("member_role")
    @classmethod
    def _member_role(cls, value: str) -> str:
        if not _ROLE_NAME.match(value):
            raise ValueError(f"{value!r} is not a role name; give the name alone, without arn: or account")
        return value

    @field_validator("external_id")
    @classmethod
    def _external_id(cls, value: str) -> str:
        if value.startswith("env:") and not value[4:]:
            raise ValueError("env: needs the name of a variable, as in env:AWS_EXTERNAL_ID")
        if value.startswith("file:") and not value[5:].startswith("/"):
            raise ValueError("file: needs an absolute path, as in file:/run/secrets/external-id")
        return value

    @field_validator("regions")
    @classmethod
    def _regions(cls, value: list[str] | str) -> list[str] | str:
        if isinstance(value, str):
            return value
        if not value:
            raise ValueError("name at least one region, or 'all'")
        for name in value:
            check_region(name)
        return list(dict.fromkeys(value))

    @field_validator("accounts")
    @classmethod
    def _accounts(cls, value: list[str] | str) -> list[str] | str:
        if isinstance(value, str):
            return value
        for account in value:
            check_account(account)
        return list(dict.fromkeys(value))

    @field_validator("exclude_accounts")
    @classmethod
    def _exclude_accounts(cls, value: list[Exclusion]) -> list[Exclusion]:
        for exclusion in value:
            check_account(exclusion.id)
        return value

    @field_validator("exclude_regions")
    @classmethod
    def _exclude_regions(cls, value: list[Exclusion]) -> list[Exclusion]:
        for exclusion in value:
            check_region(exclusion.id)
        return value

    @field_validator("endpoint_url")
    @classmethod
    def _endpoint_url(cls, value: str) -> str:
        if value and not re.match(r"^https?://[^\s/]+", value):
            raise ValueError(f"{value!r} is not an http:// or https:// address")
        return value.rstrip("/")

    def resolved_external_id(self) -> str:
        """Return the external id itself. Raises ConnectorError when its reference leads nowhere."""
        kind, _, rest = self.external_id.partition(":")
        if kind == "env" and rest:
            if rest not in os.environ:
                raise ConnectorError(
                    DOING, f"external_id names the variable {rest}, which is not set", f"Set {rest}."
                )
            return os.environ[rest]
        if kind == "file" and rest:
            try:
                return Path(rest).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", "") or "it is not text"
                raise ConnectorError(
                    DOING,
                    f"external_id names the file {rest}: {reason}",
                    "Mend the path or the file's rights.",
                ) from None
        return self.external_id


def read_settings(given: Mapping[str, Any]) -> AwsSettings:
    """Validate `given`. Raises ConnectorError naming each wrong field and the nearest right name."""
    try:
        return AwsSettings.model_validate(dict(given))
    except ValidationError as error:
        problems = [
            _sentence(item)
            for item in error.errors(include_url=False, include_input=False)
            if item["type"] != "literal_error"
        ]
        remedy = "Mend the field, or see `proofwatch connect aws --help`."
        raise ConnectorError(DOING, "; ".join(dict.fromkeys(problems)), remedy) from None


def check_region(name: str) -> None:
    """Raise ValueError unless botocore knows the region, naming the nearest one that it knows."""
    known = region_partitions()
    if name in known:
        return
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"there is no AWS region {name!r}{hint} (a region newer than botocore needs its update)")


def check_account(account: str) -> None:
    """Raise ValueError unless `account` is twelve digits (kept as text: leading zeros count)."""
    if not _ACCOUNT.match(account):
        raise ValueError(f"{account!r} is not an AWS account id, which has exactly twelve digits")


@lru_cache(maxsize=1)
def region_partitions() -> dict[str, str]:
    """Return region → partition (`aws`, `aws-cn`, `aws-us-gov` …), from botocore's own list."""
    text = files("botocore").joinpath("data", "partitions.json").read_text(encoding="utf-8")
    return {
        region: partition["id"]
        for partition in json.loads(text)["partitions"]
        for region in partition["regions"]
        if not region.endswith("-global")
    }


def _sentence(item: Any) -> str:
    place = [str(part) for part in item["loc"]]
    path = ".".join(part for part in place if not part.startswith(("list[", "literal[")))
    if item["type"] == "extra_forbidden":
        near = get_close_matches(place[-1], AwsSettings.model_fields, n=1, cutoff=0.5)
        return f"{path}: no such setting" + (f"; did you mean {near[0]}?" if near else "")
    return f"{path}: {item['msg'].removeprefix('Value error, ')}"
