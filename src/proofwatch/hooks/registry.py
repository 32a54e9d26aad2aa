"""Every kind of sender, one line each, imported on first use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from proofwatch.hooks.base import HookError, Source
from proofwatch.outbound.http import Client

SOURCES: dict[str, str] = {
    "azure": "proofwatch.hooks.azure:Azure",
    "eventbridge": "proofwatch.hooks.eventbridge:EventBridge",
    "generic": "proofwatch.hooks.generic:Generic",
    "github": "proofwatch.hooks.github:GitHub",
    "google": "proofwatch.hooks.google:Google",
    "okta": "proofwatch.hooks.okta:Okta",
    "sns": "proofwatch.hooks.sns:Sns",
}


def source_class(kind: str) -> type[Source]:
    """Return the class behind `kind`. Raises HookError naming the known kinds."""
    try:
        module, _, name = SOURCES[kind].partition(":")
    except KeyError:
        known = ", ".join(sorted(SOURCES))
        raise HookError(
            "choosing a kind of web hook", f"there is no kind {kind!r}", f"Use one of: {known}."
        ) from None
    found: type[Source] = getattr(import_module(module), name)
    return found


def open_source(kind: str, given: Mapping[str, Any], client: Client) -> Source:
    """Return a source under the settings that a person gave. Nothing is read or sent.

    Raises:
        HookError: the kind is not known or a setting is wrong; each is named, no value is repeated.
    """
    found = source_class(kind)
    try:
        settings = found.Settings.model_validate(dict(given))
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        fields = ", ".join(found.Settings.model_fields)
        raise HookError(
            f"reading the settings of a {kind} web hook", "; ".join(wrong), f"There are: {fields}."
        ) from None
    return found(settings, client)
