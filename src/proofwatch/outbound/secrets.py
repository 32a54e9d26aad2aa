"""Secrets by reference: a setting says where a secret stands, never what it is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator

from proofwatch.errors import ProofwatchError

LONGEST = 64 * 1024


class SecretError(ProofwatchError):
    """A secret cannot be read. The message names the reference, never the secret."""


def _reference(value: str) -> str:
    kind, _, name = value.partition(":")
    if kind not in ("env", "file") or not name.strip():
        # What was written here may be the secret itself, so it is not repeated.
        raise ValueError("write env:NAME or file:/path: the secret itself is never kept in the settings")
    return value


Ref = Annotated[str, AfterValidator(_reference)]
"""A field that holds `env:NAME` or `file:/path`."""


def is_reference(annotation: Any, metadata: Iterable[Any] = ()) -> bool:
    """Tell whether a field of a settings class holds a reference, also where it may be left out.

    Args:
        annotation: of the field, as Pydantic knows it.
        metadata: of the field.
    """
    if any(getattr(item, "func", None) is _reference for item in metadata):
        return True
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return is_reference(arguments[0], arguments[1:])
    return any(is_reference(item) for item in arguments)


def reveal(reference: str, doing: str) -> str:
    """Return the secret that a reference stands for, without the line end of a file.

    Raises:
        SecretError: the variable is not set, or the file cannot be read, is empty or too long.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "")
        if not value:
            raise SecretError(doing, f"variable {name} is not set", "Set it where Proofwatch is started.")
        return value
    if kind != "file":
        raise SecretError(doing, "the secret is no reference", "Write env:NAME or file:/path.")
    try:
        with Path(name).expanduser().open("rb") as file:
            data = file.read(LONGEST + 1)
        text = data.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise SecretError(doing, f"{name}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise SecretError(doing, f"{name} is not UTF-8 text") from None
    if not text or len(data) > LONGEST:
        problem = "is empty" if not text else f"is longer than {LONGEST} bytes"
        raise SecretError(doing, f"{name} {problem}", "Put the secret, and nothing else, into it.")
    return text
