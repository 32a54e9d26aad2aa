"""What an answer holds that evidence must not: secrets; and what changes although nothing changed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

LEFT_OUT = "(left out)"
_SECRET = re.compile(
    r"(\w*secret|secret_?(value|text|key)|\w*password|passwd|passphrase|private_?key|private_?key_?data|credential|"
    r"(access|refresh|id|clone|bearer|api|auth|session|installation)_?token|token|api_?key|shared_?key|"
    r"connection_?string|recovery_?answer|signing_?key)",
    re.IGNORECASE,
)


def without_secrets(value: Any, drop: Collection[str] = (), depth: int = 0) -> Any:
    """Return a value as JSON knows it, with text under a name that means a secret replaced.

    Args:
        value: of an answer.
        drop: names of members that are left out, at the first level.
        depth: how deep it stands.
    """
    if isinstance(value, Mapping):
        return {
            str(key): LEFT_OUT
            if isinstance(item, str) and item and _SECRET.fullmatch(str(key))
            else without_secrets(item, (), depth + 1)
            for key, item in value.items()
            if key not in drop
        }
    if isinstance(value, list | tuple):
        return [without_secrets(item, (), depth + 1) for item in value]
    return value
