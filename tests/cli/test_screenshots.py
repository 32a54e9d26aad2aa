"""`proofwatch screenshots` on an installation that was just made."""

import json
import os
import shutil
import subprocess
import sys

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def verb(home, *words, code=0, **more):
    env = {**os.environ, "PROOFWATCH_HOME": str(home), "PROOFWATCH_ACTOR": "setup", **more}
    command = [sys.executable, "-m", "proofwatch.cli", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def home(warm_home):
    verb(warm_home, "init")
    return warm_home


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: install Debian's package")
def test_pictures_are_taken_listed_and_verified(home):
    assert "No picture was taken yet" in verb(home, "screenshots", "list").stdout
    words = ("screenshots", "take", "--page", "controls", "--page", "control-list", "--json")
    taken = json.loads(verb(home, *words, PROOFWATCH_URL="https://proofwatch.example.com").stdout)
    assert [(item["screenshot"], item["page"], item["problem"]) for item in taken] == [
        ("SC-1", "controls", ""), ("SC-2", "control-list", ""),
    ]  # fmt: skip
    # Nothing is connected: the home page leads to the guide, and the picture says where it is of.
    assert taken[0]["url"] == "https://proofwatch.example.com/get-started"
    listed = json.loads(verb(home, "screenshots", "list", "--json").stdout)
    assert [item["screenshot"] for item in listed] == ["SC-2", "SC-1"]
    assert all(item["by"] == "setup" and item["cause"] == "asked" for item in listed)
    verified = json.loads(verb(home, "evidence", "verify", "--json").stdout)
    assert verified["wrong"] == []


def test_an_unknown_page_is_named_and_what_fails_ends_with_three(home):
    done = verb(home, "screenshots", "take", "--page", "nope", code=2)
    assert "there is no page 'nope'" in done.stderr and "control-list" in done.stderr
    done = verb(home, "screenshots", "take", "--page", "audit", code=3, PROOFWATCH_BROWSER="/nothing")
    assert "names /nothing, which is no program" in " ".join(done.stderr.split())
    kinds = verb(home, "evidence", "list", "--json", "--kind", "screenshot.failed").stdout
    assert json.loads(kinds)[0]["data"]["page"] == "audit"
