import subprocess
import sys
from pathlib import Path

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
