"""Settings as a person gave them, and what is refused, in words."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from proofwatch.connectors.base import ConnectorError
from proofwatch.outbound.session import origin


class Exclusion(BaseModel):
    """One account that is left out on purpose; it stays visible as a gap with its reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="What is left out, as the provider names it")
    reason: str = Field(min_length=3, description="Why it is left out; an auditor reads this")


def _address(value: str) -> str:
    try:
        origin(value)
    except ValueError as error:
        raise ValueError(f"{value!r}: {error}") from None
    return value.rstrip("/")


def _pairs(value: list[str]) -> list[str]:
    for text in value:
        check, sign, rule = text.partition("=")
        if not sign or not rule.strip() or check.count(".") < 2:
            raise ValueError(f"{text[:80]!r} is no CHECK=TEST, as in aws.iam.user-mfa=aws-iam-mfa")
    return list(dict.fromkeys(value))


def _words(value: Any) -> Any:
    """Take `a, b` for `[a, b]`, so that an option of the command line needs no brackets."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _file(value: str) -> str:
    if value and not Path(value).is_absolute():
        raise ValueError("give an absolute path, as in /etc/ssl/own-ca.pem")
    return value


Names = Annotated[list[str], BeforeValidator(_words)]
"""A list of names, also as one text with commas."""
Pairs = Annotated[list[str], BeforeValidator(_words), AfterValidator(_pairs)]
"""A list of CHECK=TEST: which test of the source judges the same as a check of ours."""
Address = Annotated[str, AfterValidator(_address)]
"""https, or http to this machine itself, without a slash at its end."""
CaFile = Annotated[str, AfterValidator(_file)]
"""File of further certificate authorities, as PEM; "" for none."""


def parse(cls: type[BaseModel], given: Mapping[str, Any], kind: str, title: str) -> BaseModel:
    """Validate `given`. Raises ConnectorError naming each wrong field and the nearest right name."""
    try:
        return cls.model_validate(dict(given))
    except ValidationError as error:
        problems = [_sentence(item, cls) for item in error.errors(include_url=False, include_input=False)]
        raise ConnectorError(
            f"reading the settings of a connection to {title}",
            "; ".join(dict.fromkeys(problems)),
            f"Mend the field, or see `proofwatch connect {kind} --help`.",
        ) from None


def _sentence(item: Any, cls: type[BaseModel]) -> str:
    place = [str(part) for part in item["loc"]]
    path = ".".join(place)
    if item["type"] == "extra_forbidden":
        near = get_close_matches(place[-1], cls.model_fields, n=1, cutoff=0.5)
        return f"{path}: no such setting" + (f"; did you mean {near[0]}?" if near else "")
    text = item["msg"].removeprefix("Value error, ")
    return f"{path}: {text}" if path else text
