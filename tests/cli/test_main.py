import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from proofwatch.cli.main import VERBS, main
from proofwatch.cli.output import safe

PROOFWATCH = str(Path(sys.executable).with_name("proofwatch"))


def run(*arguments, **environment):
    import os

    return subprocess.run(
        [PROOFWATCH, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )


def test_help_lists_every_verb():
    found = run("--help")
    assert found.returncode == 0
    assert all(f"\n  {verb} " in found.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_imports_and_explains_itself(verb):
    import click

    command = main.get_command(click.Context(main), verb)
    assert command is not None
    assert command.name == verb
    assert command.get_help(click.Context(command, info_name=verb))


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from proofwatch.cli.main import main; main(['--help'], standalone_mode=False);"
        "heavy = {'django', 'duckdb', 'botocore', 'boto3', 'rich', 'pydantic'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("status", "--fail-on", "nonsense"), "Invalid value for '--fail-on'"),
        (("results", "--limit", "0"), "Invalid value for '--limit'"),
        (("status",), "Run `proofwatch init` first"),
        (("sweep",), "Run `proofwatch init` first"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_clear_error(tmp_path, arguments, said):
    found = run(*arguments, PROOFWATCH_HOME=str(tmp_path / "none"))
    assert found.returncode == 2
    assert said in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "none").exists()


def test_names_cannot_drive_the_terminal():
    assert safe("a\x1b[31mred\x07\u202eevil\nline") == "a\\u001b[31mred\\u0007\\u202eevil\\u000aline"
    assert safe("Zürich – 東京") == "Zürich – 東京"


def leaves(command, name):
    context = click.Context(command)
    if isinstance(command, click.Group):
        for verb in command.list_commands(context):
            yield from leaves(command.get_command(context, verb), f"{name} {verb}")
    else:
        yield name, command


def test_every_verb_can_print_json():
    without = [
        name
        for name, command in leaves(main, "proofwatch")
        if not any("--json" in option.opts for option in command.params)
    ]
    assert without == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PROOFWATCH_HOME": "/proc/nowhere/home"}, "/proc/nowhere"),
        ({"PROOFWATCH_HOME": "/etc/hostname/home"}, "/etc/hostname"),
        ({"DATABASE_URL": "postgres://u:geheim@[bad/x"}, "it is no well-formed URL"),
        ({"DATABASE_URL": "postgres://u:geheim@127.0.0.1:1/x"}, "cannot be used"),
        ({"DATABASE_URL": "sqlite:////etc/hostname"}, "cannot be used"),
    ],
)
def test_a_state_that_cannot_be_made_is_one_clear_error(tmp_path, variables, said):
    environ = {**os.environ, "PROOFWATCH_HOME": str(tmp_path / "home"), **variables}
    done = subprocess.run(
        [sys.executable, "-m", "proofwatch.cli", "init"], env=environ, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stderr
    assert said in done.stderr
    assert "→" in done.stderr


def test_what_is_made_is_for_its_owner_only(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    environ = {**os.environ, "PROOFWATCH_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "proofwatch.cli", "init"], env=environ, check=True)
    made = [path for path in home.rglob("*") if path != home]
    assert made
    assert [path for path in made if path.stat().st_mode & 0o077] == []
