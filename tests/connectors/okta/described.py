"""Okta's own description, and our fake as that description has it.

The description is wrong in three ways that its own service shows (recorded answers): it forbids null where
the service answers null, its pattern of durations allows none, and where one of several shapes is chosen by
a name it says so in a way that no answer meets, because two of the shapes are alike.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proofwatch.demo.fakes.base import Asked, Said
from proofwatch.demo.fakes.okta import FakeOkta
from tests import servers

WRONG = {"^P(?:$)": "^P(?!$)", "(T(?:\\d)": "(T(?=\\d)"}


def description(folder: Path) -> Path:
    """Write the description, with those two things mended, into a folder."""
    path = servers.shared() / "reference" / "specs" / "okta-management-2026.06.3.reduced.json"
    mended = _mended(json.loads(path.read_text("utf-8")))
    (folder / "okta.json").write_text(json.dumps(mended), "utf-8")
    return folder / "okta.json"


def _mended(part: Any) -> Any:
    if isinstance(part, list):
        return [_mended(item) for item in part]
    if isinstance(part, str):
        for wrong, right in WRONG.items():
            part = part.replace(wrong, right)
        return part
    if not isinstance(part, dict):
        return part
    mended = {key: _mended(value) for key, value in part.items()}
    if "oneOf" in mended and "discriminator" in mended:
        mended["anyOf"] = mended.pop("oneOf")
        del mended["discriminator"]
    return mended


class Described(FakeOkta):
    """Our fake without the nulls that the service has and its description forbids."""

    def answer(self, asked: Asked) -> Said:
        said = super().answer(asked)
        return Said(_without_nulls(said.body), said.status, said.headers)


def _without_nulls(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_nulls(item) for item in part]
    if isinstance(part, dict):
        return {key: _without_nulls(value) for key, value in part.items() if value is not None}
    return part
