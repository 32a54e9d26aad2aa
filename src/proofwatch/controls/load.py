"""Read a control list from YAML and hold it against the catalogue."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import rfc8785
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proofwatch.controls.base import Control, ControlError, ControlList

MAX_BYTES = 2_000_000


class _ControlFile(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")
    title: str = Field(min_length=3, max_length=200)
    statement: str = Field(min_length=10, max_length=4000)
    owner_role: str = Field(min_length=2, max_length=100)
    criteria: list[str] = Field(min_length=1)
    checks: list[str] = []
    data_sources: list[str] = []
    frequency: Literal["continuous", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly"] = "hourly"
    manual: str = ""


class ControlListFile(BaseModel):
    """The form of a control list file."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    framework: str = Field(min_length=1)
    version: int | str
    title: str = ""
    controls: list[_ControlFile] = Field(min_length=1)


def builtin_controls() -> Path:
    """Return the path of the control list that Proofwatch ships."""
    return Path(str(files("proofwatch") / "catalog" / "controls" / "soc2.yaml"))


def load_controls(path: Path, *, checks: Collection[str], criteria: Collection[str]) -> ControlList:
    """Read and validate a control list. Raises ControlError naming every problem at once.

    Args:
        path: YAML file of the form `ControlListFile`.
        checks: ids of the checks that exist.
        criteria: ids of the criteria that exist.
    """
    doing = f"reading control list {path}"
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ControlError(doing, error.strerror or str(error), "Name an existing, readable file.") from None
    if len(raw) > MAX_BYTES:
        raise ControlError(doing, f"{len(raw)} bytes is more than {MAX_BYTES}", "Split the list.")
    try:
        body = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ControlError(doing, f"is not YAML: {' '.join(str(error).split())}") from None
    return controls_from(body, source=str(path), checks=checks, criteria=criteria)


def controls_from(
    body: Any, *, source: str, checks: Collection[str], criteria: Collection[str]
) -> ControlList:
    """Build a control list from parsed YAML or JSON. Raises ControlError naming every problem."""
    doing = f"reading control list {source}"
    try:
        parsed = ControlListFile.model_validate(body)
    except ValidationError as error:
        lines = "; ".join(_place(body, item) for item in error.errors())
        raise ControlError(doing, lines, "Correct these fields; docs/controls.md shows the form.") from None
    problems = list(_problems(parsed, checks, criteria))
    if problems:
        raise ControlError(doing, "; ".join(problems), "Correct these and import the list again.")
    controls = tuple(
        Control(
            id=item.id,
            title=item.title,
            statement=item.statement,
            owner_role=item.owner_role,
            criteria=tuple(item.criteria),
            checks=tuple(item.checks),
            data_sources=tuple(item.data_sources),
            frequency=item.frequency,
            manual=item.manual,
        )
        for item in parsed.controls
    )
    digest = hashlib.sha256(rfc8785.dumps(parsed.model_dump(mode="json"))).hexdigest()
    return ControlList(parsed.framework, str(parsed.version), parsed.title, controls, digest)


def as_body(controls: ControlList) -> dict[str, Any]:
    """Return the list in the form of the file, ready for canonical JSON or YAML."""
    version: int | str = int(controls.version) if controls.version.isdigit() else controls.version
    return {
        "framework": controls.framework,
        "version": version,
        "title": controls.title,
        "controls": [
            {
                "id": control.id,
                "title": control.title,
                "statement": control.statement,
                "owner_role": control.owner_role,
                "criteria": list(control.criteria),
                "checks": list(control.checks),
                "data_sources": list(control.data_sources),
                "frequency": control.frequency,
                "manual": control.manual,
            }
            for control in controls.controls
        ],
    }


def _place(body: Any, item: Any) -> str:
    """Name the control that an error of Pydantic's is about, not its position in the list."""
    where = list(item["loc"])
    name = ""
    if len(where) > 1 and where[0] == "controls" and isinstance(where[1], int):
        entry = body["controls"][where[1]]
        name = f"control {entry.get('id', f'number {where[1] + 1}')}, " if isinstance(entry, dict) else ""
        where = where[2:]
    field = ".".join(str(part) for part in where) or "the file"
    return f"{name}field {field}: {item['msg'][0].lower()}{item['msg'][1:]}"


def _problems(parsed: ControlListFile, checks: Collection[str], criteria: Collection[str]) -> list[str]:
    problems: list[str] = []
    seen: set[str] = set()
    for control in parsed.controls:
        if control.id in seen:
            problems.append(f"control {control.id} stands twice")
        seen.add(control.id)
        for kind, names, known in (
            ("criterion", control.criteria, criteria),
            ("check", control.checks, checks),
        ):
            problems += [
                f"control {control.id}: {_unknown(kind, name, known)}" for name in names if name not in known
            ]
            problems += [f"control {control.id}: {kind} {name} stands twice" for name in _twice(names)]
        if not control.checks and not control.manual:
            problems.append(
                f"control {control.id} has neither a check nor a manual part: nobody would ever look"
            )
    return problems


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"there is no {kind} {name}" + (f" (did you mean {near[0]}?)" if near else "")


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
