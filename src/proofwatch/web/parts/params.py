"""The parameters of a check as fields of a form, each in the type that its default has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proofwatch.checks.base import Check
from proofwatch.checks.form import param_kind
from proofwatch.checks.validate import effective_params
from proofwatch.web.parts.given import GivenError

if TYPE_CHECKING:
    from django.http import HttpRequest

PREFIX = "param-"
MOST = 500


def fields_of(check: Check, now: Mapping[str, Any], typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the fields: name, kind, what stands in it, and what the check itself says."""
    return [
        {
            "name": name,
            "key": PREFIX + name,
            "kind": param_kind(default),
            "value": typed.get(PREFIX + name, _shown(now.get(name, default))),
            "usual": _shown(default),
        }
        for name, default in check.params.items()
    ]


def given_params(request: HttpRequest, check: Check) -> dict[str, Any]:
    """Return the parameters that differ from the check's own.

    Raises:
        GivenError: a value cannot be read as its parameter's type.
        CheckError: it does not fit.
    """
    found = {}
    for name, default in check.params.items():
        said = request.POST.get(PREFIX + name, "").replace("\0", "").strip()
        if said:
            found[name] = _read(check.id, name, param_kind(default), said)
    made = effective_params(check, found)
    return {name: made[name] for name in found if made[name] != check.params[name]}


def _read(check: str, name: str, kind: str, said: str) -> Any:
    try:
        if kind in ("texts", "integers"):
            words = [word.strip() for word in said.replace("\n", ",").split(",") if word.strip()]
            return [_one(kind.removesuffix("s"), word) for word in words[:MOST]]
        return _one(kind, said)
    except ValueError:
        problem = f"{name}: {said[:60]!r} is no {kind}"
        raise GivenError(f"setting the parameters of {check}", problem, f"write one as {kind}") from None


def _one(kind: str, said: str) -> Any:
    if kind == "boolean":
        return {"true": True, "yes": True, "false": False, "no": False}.get(said.lower(), said)
    if kind == "integer":
        return int(said[:30])
    return float(said[:60]) if kind == "number" else said


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
