"""A connection that nobody names gets a name that it may have."""

from __future__ import annotations

import re

import pytest
from click import Context

from proofwatch.cli.setup import _command
from proofwatch.connectors.base import CONNECTION_NAME, usual_name
from proofwatch.connectors.registry import CONNECTORS


@pytest.mark.parametrize("kind", sorted(CONNECTORS))
def test_every_kind_has_a_usual_name_that_is_allowed(kind: str) -> None:
    assert re.fullmatch(CONNECTION_NAME, usual_name(kind))


def test_the_command_line_says_so() -> None:
    command = _command("google_workspace")
    assert "Default: google-workspace." in command.get_help(Context(command))
