"""`disagreements`, and the connections that it rests on, typed as a user types them."""

import json
import os
import subprocess
import sys

import pytest

from proofwatch.demo import systems

SAME = "github.repository.review-required=github-branch-protection"


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """Return a function that runs a command in a home beside a running GitHub and a running Vanta."""
    folder = tmp_path_factory.mktemp("opinions")
    with systems.running(folder, ("github", "vanta")) as found:
        env = {**os.environ, "PROOFWATCH_HOME": str(folder / "home"), "PROOFWATCH_ACTOR": "root"}
        for name in ("DATABASE_URL", "PROOFWATCH_OBJECTS"):
            env.pop(name, None)

        def run(*arguments, code=0):
            command = [sys.executable, "-m", "proofwatch.cli", *arguments]
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == code, done.stderr + done.stdout
            return done.stderr if code == 2 else done.stdout

        run("init")
        run.settings = {item.kind: item.settings for item in found}
        yield run


def connect(typed, kind, code=0, **more):
    given = {**typed.settings[kind], **more}
    options = []
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            options += [option] if value else []
        else:
            options += [option, ",".join(value) if isinstance(value, list) else str(value)]
    said = typed("connect", kind, *options, "--json", code=code)
    return said if code else json.loads(said)


def test_nothing_was_compared_where_nobody_else_judges(typed):
    assert "Nothing was compared" in typed("disagreements")


def test_two_judges_of_one_thing_are_shown_side_by_side(typed):
    told = connect(typed, "github")
    assert told["state"] == "connected" and told["read_only"]["read_only"] is True
    typed("sweep", "github")
    connect(typed, "vanta", same=[SAME])
    typed("sweep", "vanta")
    found = json.loads(typed("disagreements", "--json", code=1))
    assert {(item["ours"], item["theirs"]) for item in found} == {("fail", "pass")}
    assert "acme-robotics/billing-api" in {item["item"] for item in found}
    text = typed("disagreements", "--all", code=1)
    assert "Default branches" in text and "things that both judged differ" in text


def test_a_pair_that_is_none_is_refused_before_anything_is_stored(typed):
    told = connect(typed, "vanta", same=["mfa"], code=2)
    assert told.startswith("Error:") and "is no CHECK=TEST" in told
