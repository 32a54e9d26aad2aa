"""The form of a check file: its fields, and what is said about one that does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from proofwatch.checks.base import SEVERITIES, Severity
from proofwatch.checks.expressions import nearest
from proofwatch.checks.yamlfile import Lines
from proofwatch.snapshots.typed import kind as kind_of


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _expression(value: Any) -> Any:
    """Take `true` and `false` as YAML reads them."""
    return str(value).lower() if isinstance(value, bool) else _strip(value)


Text = Annotated[str, BeforeValidator(_strip), Field(min_length=1)]
Sql = Annotated[str, BeforeValidator(_expression), Field(min_length=1)]


class CaseForm(BaseModel):
    """One worked example. `reason`, where given, is the whole sentence that must be shown."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Text
    given: dict[str, Any]
    expect: Literal["pass", "fail", "inconclusive", "not_applicable"]
    unread: list[Text] = []
    reason: str = ""


class CheckForm(BaseModel):
    """A check file, field by field."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Text
    table: Text
    criteria: Annotated[list[Text], Field(min_length=1)]
    severity: Severity
    why: Text
    params: dict[str, Any] = {}
    applies: Sql = "true"
    passes: Sql
    on_pass: Text
    on_fail: Text
    on_unknown: Text | None = None
    fix: Text
    same_as: dict[str, list[Text]] = {}
    cases: Annotated[list[CaseForm], Field(min_length=1)]


PARAM_TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "texts": "VARCHAR[]",
    "integers": "BIGINT[]",
}
"""Type of a parameter as a file names it → DuckDB type."""


def param_value(kind: str, value: Any) -> Any:
    """Return the value as its type wants it.

    Raises:
        ValueError: it does not fit; says what was expected and found, never the value.
    """
    if kind in ("texts", "integers"):
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"expected a list of {kind}, got {kind_of(value)}")
        return [param_value(kind.removesuffix("s"), item) for item in value]
    if kind == "number" and type(value) is int:
        return float(value)
    wanted: type = {"integer": int, "number": float, "text": str, "boolean": bool}[kind]
    if type(value) is not wanted:
        raise ValueError(f"expected {kind}, got {'nothing' if value is None else kind_of(value)}")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("expected an integer of 64 bits, got a larger one")
    return value


def param_kind(value: Any) -> str:
    """Return the type that a default implies. Raises ValueError if it implies none."""
    for kind in ("boolean", "integer", "number", "text", "texts", "integers"):
        try:
            param_value(kind, value)
        except ValueError:
            continue
        return kind
    raise ValueError("a default must be text, a number, true, false or a list of texts or integers")


def form_problems(error: ValidationError, lines: Lines) -> Iterator[tuple[int, str, str]]:
    """Yield (line, field, what is wrong) for everything that does not fit the form."""
    for item in error.errors():
        place = tuple(item["loc"])
        yield line_of(lines, place), field_name(place), _sentence(item["type"], place, item)


def line_of(lines: Lines, place: Sequence[str | int]) -> int:
    """Return the line of the place, or of the nearest thing around it."""
    for end in range(len(place), -1, -1):
        if tuple(place[:end]) in lines:
            return lines[tuple(place[:end])]
    return 1


def field_name(place: Sequence[str | int]) -> str:
    """Return e.g. `cases[2].given.state`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.lstrip(".")


def _sentence(kind: str, place: tuple[str | int, ...], item: Any) -> str:
    given = item["input"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        known = CaseForm.model_fields if place[0] == "cases" else CheckForm.model_fields
        return f"unknown field{nearest(str(place[-1]), known)}"
    if kind == "literal_error":
        expected = (
            SEVERITIES if place[-1] == "severity" else ("pass", "fail", "inconclusive", "not_applicable")
        )
        return f"must be one of {', '.join(expected)}, not '{given}'{nearest(str(given), expected)}"
    if kind in ("string_too_short", "too_short"):
        return "must not be empty"
    wanted = {"string_type": "text", "dict_type": "names with values", "list_type": "a list"}.get(kind)
    if kind == "model_type":
        wanted = "names with values"
    found = "nothing" if given is None else kind_of(given)
    return f"expected {wanted}, got {found}" if wanted else str(item["msg"])
