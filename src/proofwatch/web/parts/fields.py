"""Forms made of settings classes: the fields that a connector, a channel or a tracker takes."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from proofwatch.config import VARIABLES
from proofwatch.outbound.secrets import is_reference
from proofwatch.web.parts.given import GivenError

if TYPE_CHECKING:
    from django.http import HttpRequest
    from pydantic.fields import FieldInfo

Kind = Literal["text", "number", "flag", "choice", "names", "pairs", "reference"]
PREFIX = "set-"
LONGEST = 4000
FIRST = 6
"""Fields that are shown at once; further ones that have a default are folded away."""
OURS = re.compile(
    r"PG[A-Z]+|AWS_(SECRET_ACCESS_KEY|ACCESS_KEY_ID|SESSION_TOKEN|WEB_IDENTITY_TOKEN.*|CONTAINER_.*)"
)
"""Variables that, with those of `config.VARIABLES`, are Proofwatch's own: no channel may be told them."""
CLOSED = ("/proc", "/sys", "/dev")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Attributes:
        name: of the setting.
        about: what it is.
        kind: how it is typed; names are separated by commas, pairs are lines `KEY=VALUE`.
        required: whether it must be given.
        value: what stands in it.
        usual: its default in words, "" for none.
        choices: of a choice.
        first: whether it is shown at once.
    """

    name: str
    about: str
    kind: Kind
    required: bool
    value: str
    usual: str
    choices: Sequence[str] = ()
    first: bool = True

    @property
    def key(self) -> str:
        """Return its name in the form."""
        return PREFIX + self.name


def fields(cls: type[BaseModel], settings: Mapping[str, Any], typed: Mapping[str, str]) -> list[Field]:
    """Return the fields of a settings class.

    Args:
        cls: the class.
        settings: values that are set already.
        typed: what was typed into the form before, by key. A reference is shown again only if it is one:
            what was typed instead may be the secret itself.
    """
    found = []
    for number, (name, info) in enumerate(cls.model_fields.items()):
        kind = _kind(info)
        value = typed.get(PREFIX + name, _shown(settings.get(name)) if not typed else "")
        if kind == "reference" and not value.startswith(("env:", "file:")):
            value = ""
        usual = "" if info.is_required() else _shown(info.get_default(call_default_factory=True))
        first = info.is_required() or (number < FIRST and bool(info.description)) or name in settings
        about = (info.description or name.replace("_", " ").capitalize()).rstrip(".")
        found.append(
            Field(name, about, kind, info.is_required(), value, usual, _choices(info), first or bool(value))
        )
    return found


def given(request: HttpRequest, cls: type[BaseModel], home: Path) -> dict[str, Any]:
    """Return the settings as they were typed, without those left empty; the class validates them.

    Args:
        request: holds the form.
        cls: the class.
        home: folder of the installation: its files are no one's secrets but ours.

    Raises:
        GivenError: a pair is no pair, or a reference names a secret of Proofwatch itself.
    """
    found: dict[str, Any] = {}
    for name, info in cls.model_fields.items():
        kind, said = _kind(info), request.POST.get(PREFIX + name, "").replace("\0", "").strip()
        if len(said) > LONGEST:
            raise GivenError("reading the settings", f"{name} is longer than {LONGEST} characters")
        if kind == "flag":
            found[name] = bool(said)
        elif said:
            if kind == "reference" or said.startswith(("env:", "file:")):
                check_reference(name, said, home)
            found[name] = _read(name, kind, info, said)
    return found


def check_reference(name: str, said: str, home: Path) -> None:
    """Refuse a reference to Proofwatch's own secrets: who may set a channel may not send those anywhere.

    Raises:
        GivenError: it names such a variable or file.
    """
    kind, _, where = said.partition(":")
    where = where.strip()
    ours = kind == "env" and (where in VARIABLES or OURS.fullmatch(where) is not None)
    if kind == "file":
        path = Path(where).expanduser().resolve()
        ours = path.is_relative_to(home.resolve()) or any(path.is_relative_to(folder) for folder in CLOSED)
    if ours:
        problem = f"{name} names a secret of Proofwatch itself"
        remedy = "give this one a variable or a file of its own; the command line may name any"
        raise GivenError("reading the settings", problem, remedy)


def _read(name: str, kind: Kind, info: FieldInfo, said: str) -> Any:
    if kind == "names":
        words = [word.strip() for word in re.split(r"[,\n]", said) if word.strip()]
        one_of_words = any(typing.get_origin(item) is Literal for item in typing.get_args(info.annotation))
        return said if one_of_words and not _many(info.annotation) and said in _choices(info) else words
    if kind != "pairs":
        return said
    pairs = []
    for line in filter(str.strip, said.splitlines()):
        key, sign, value = line.partition("=")
        if not sign or not key.strip() or not value.strip():
            raise GivenError("reading the settings", f"{name}: a line is no KEY=VALUE", "write one a line")
        pairs.append((key.strip(), value.strip()))
    model = _model(info.annotation)
    if model is None:
        return dict(pairs)
    first, second = list(model.model_fields)[:2]
    return [{first: key, second: value} for key, value in pairs]


def _kind(info: FieldInfo) -> Kind:
    annotation = info.annotation
    if is_reference(annotation, info.metadata):
        return "reference"
    parts = typing.get_args(annotation)
    if _model(annotation) is not None or typing.get_origin(annotation) is dict:
        return "pairs"
    if any(_many(item) for item in (annotation, *parts)):
        return "names"
    if any(typing.get_origin(item) is Literal for item in (annotation, *parts)):
        return "choice"
    if annotation is bool:
        return "flag"
    return "number" if {annotation, *parts} & {int, float} else "text"


def _many(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (list, tuple)


def _model(annotation: Any) -> type[BaseModel] | None:
    arguments = typing.get_args(annotation)
    inner = arguments[0] if typing.get_origin(annotation) is list and arguments else None
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _choices(info: FieldInfo) -> tuple[str, ...]:
    parts = (info.annotation, *typing.get_args(info.annotation))
    found = [typing.get_args(item) for item in parts if typing.get_origin(item) is Literal]
    return tuple(str(word) for words in found for word in words)


def _shown(value: Any) -> str:
    if value is None or value is False or value in ({}, [], ()):
        return ""
    if value is True:
        return "yes"
    if isinstance(value, Mapping):
        return "\n".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], Mapping):
            return "\n".join("=".join(str(part) for part in item.values()) for item in value)
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
