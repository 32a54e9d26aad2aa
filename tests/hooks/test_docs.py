"""docs/hooks.md is held against the sources: every kind, every setting, and the command for signing."""

import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proofwatch.hooks.base import Request
from proofwatch.hooks.github import EVENTS
from proofwatch.hooks.registry import SOURCES, open_source, source_class

from .senders import NOBODY, SECRET

TEXT = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text("utf-8")


def section(kind):
    return re.search(rf"^## [^\n]*\(`{kind}`\)\n(.*?)(?=^## |\Z)", TEXT, re.S | re.M)[1]


def blocks(kind):
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", section(kind), re.S)]


@pytest.mark.parametrize("kind", SOURCES)
def test_the_settings_shown_are_taken_and_each_is_explained(kind):
    shown = {
        name: value.replace("<project>", "acme") if isinstance(value, str) else value
        for name, value in blocks(kind)[0].items()
    }
    assert open_source(kind, shown, NOBODY).kind == kind
    for field in source_class(kind).Settings.model_fields:
        assert f"`{field}`" in section(kind) or field in shown
    assert f"| `{kind}` |" in TEXT


def test_the_events_asked_of_github_all_touch_a_table():
    assert [name for name in blocks("github")[1]["events"] if not EVENTS.get(name)] == []


def test_the_command_that_signs_makes_what_is_heard():
    """Run the page's own command with `curl` replaced by one that prints its arguments."""
    command = re.search(r"```bash\n(.*?)```", section("generic"), re.S)[1]
    done = subprocess.run(
        ["bash", "-c", 'curl() { printf "%s\\0" "$@"; }\n' + command],
        env={**os.environ, "SECRET": SECRET, "HOOK": "https://watch.example.com/hooks/x"},
        capture_output=True,
        check=True,
    )
    sent = done.stdout.decode().split("\0")
    headers = [tuple(sent[n + 1].split(": ", 1)) for n, word in enumerate(sent) if word == "-H"]
    request = Request.of(headers, sent[sent.index("-d") + 1].encode())
    source = open_source("generic", {"secret": "env:HOOK_SECRET"}, NOBODY)
    assert source.hear(request, datetime.now(UTC)).hints[0].tables == ("aws_s3_bucket",)
