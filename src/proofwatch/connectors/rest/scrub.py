"""What an answer holds that evidence must not: secrets; and what changes although nothing changed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

LEFT_OUT = "(left out)"
_SECRET = re.compile(
    r"(\w*secret|secret_?(value|text|key)|\w*password|passwd|passphrase|private_?key|private_?key_?data|credential|"
    r"(access|refresh|id|clone|bearer|api|auth|session|installation)_?token|token|api_?key|shared_?key|"
    r"connection_?string|recovery_?answer|signing_?key)",
    re.IGNORECASE,
)


_LONGEST_KEPT = 100
_PLAIN = frozenset({str, int, float, bool, type(None)})


def without_secrets(value: Any, drop: Collection[str] = ()) -> Any:
    """Return a value as JSON knows it, with text under a name that means a secret replaced.

    Args:
        value: of an answer.
        drop: names of members that are left out, at the first level.
    """
    # This walks every member of every row: the kinds that JSON has are told by their type, the others by
    # the slower question.
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101 - the first is the quick one
        found = {}
        for key, item in value.items():
            if key in drop:
                continue
            name = key if type(key) is str else str(key)
            if type(item) in _PLAIN or isinstance(item, str):
                found[name] = LEFT_OUT if isinstance(item, str) and item and _means_secret(name) else item
            else:
                found[name] = without_secrets(item)
        return found
    if isinstance(value, list | tuple):
        return [item if type(item) in _PLAIN else without_secrets(item) for item in value]
    return value


def _means_secret(name: str) -> bool:
    # A source may answer names without end; the few that come again and again are short.
    return _known(name) if len(name) <= _LONGEST_KEPT else bool(_SECRET.fullmatch(name))


@lru_cache(maxsize=4096)
def _known(name: str) -> bool:
    return bool(_SECRET.fullmatch(name))
