"""The form of `proofwatch.yaml`: what is monitored, as a file that can be reviewed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from proofwatch.config import ConfigError
from proofwatch.connectors.base import CONNECTION_NAME


class ConnectionEntry(BaseModel):
    """One connection in `proofwatch.yaml`."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=CONNECTION_NAME, description="Name, used on the command line.")
    connector: str = Field(description="Kind of source system: see `proofwatch connectors`.")
    interval_minutes: int = Field(
        default=15, ge=1, le=10080, description="Minutes from one sweep to the next."
    )
    settings: dict[str, Any] = Field(default={}, description="The connector's own settings.")


class CheckEntry(BaseModel):
    """What is set for one check in `proofwatch.yaml`."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(default=True, description="Whether the check runs.")
    reason: str = Field(default="", description="Why it is disabled or its parameters differ. Required then.")
    params: dict[str, Any] = Field(
        default={}, description="Parameters that differ from the check's defaults."
    )

    @field_validator("reason")
    @classmethod
    def _strip(cls, value: str) -> str:
        return value.strip()


class ConfigFile(BaseModel):
    """`proofwatch.yaml`: what is monitored, as a file that can be reviewed."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = Field(default=1, description="Version of this form.")
    connections: list[ConnectionEntry] = Field(default=[], description="Source systems, by name.")
    checks: dict[str, CheckEntry] = Field(
        default={}, description="Check id → what differs from its defaults."
    )
    controls: str = Field(
        default="builtin", description="`builtin`, or the path of a control list beside this file."
    )


def read_config_file(path: Path) -> ConfigFile:
    """Read `proofwatch.yaml`. Raises ConfigError naming every wrong field."""
    doing = f"reading {path}"
    try:
        body = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            doing, error.strerror or str(error), "Name a file that exists and can be read."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(doing, f"is not YAML: {' '.join(str(error).split())}") from None
    try:
        parsed = ConfigFile.model_validate(body if body is not None else {})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'the file'}: {item['msg']}"
            for item in error.errors()
        )
        raise ConfigError(doing, problems, "`proofwatch config schema` prints the form.") from None
    names = [entry.name for entry in parsed.connections]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(doing, f"connections: {', '.join(twice)} stands twice", "Give each its own name.")
    silent = sorted(
        name
        for name, entry in parsed.checks.items()
        if (not entry.enabled or entry.params) and not entry.reason
    )
    if silent:
        raise ConfigError(
            doing,
            f"checks: no reason is given for {', '.join(silent)}",
            "Say in `reason` why it is disabled or set differently; an auditor will ask.",
        )
    return parsed
