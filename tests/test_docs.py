"""The documentation is held against the product, and the README's commands are run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from proofwatch.app import App
from proofwatch.cli.docs import pages
from proofwatch.config import VARIABLES
from proofwatch.connectors.registry import CONNECTORS

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def generated():
    return dict(pages(App()))


def test_the_generated_pages_are_those_committed(generated):
    committed = {
        str(path.relative_to(ROOT / "docs")): path.read_text("utf-8")
        for path in (ROOT / "docs" / "reference").rglob("*")
        if path.is_file()
    }
    assert sorted(committed) == sorted(generated), "run `make docs`"
    stale = [name for name, text in generated.items() if committed[name] != text]
    assert stale == [], "run `make docs`"


def test_every_check_table_verb_and_setting_has_its_place(generated):
    app = App()
    for check in app.catalog.checks:
        assert f"reference/checks/{check}.md" in generated
    for table in [*app.tables, *app.catalog.views]:
        assert f"reference/tables/{table}.md" in generated
    assert all(f"`{name}`" in generated["reference/settings.md"] for name in VARIABLES)


@pytest.mark.parametrize(
    "page",
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "adr").glob("*.md"),
        *(ROOT / "docs" / "connectors").glob("*.md"),
    ],
    ids=str,
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def commands(title):
    """Return the `$` lines of the first console block below a heading of the README."""
    text = (ROOT / "README.md").read_text("utf-8").split(f"## {title}\n", 1)[1]
    block = text.split("```console\n", 1)[1].split("```", 1)[0]
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def test_the_readme_names_make_targets_that_exist():
    for line in commands("Two commands"):
        done = subprocess.run(
            ["make", "-n", *shlex.split(line)[1:]], cwd=ROOT, capture_output=True, check=False
        )
        assert done.returncode == 0, line


def test_the_readmes_commands_work(tmp_path, company):
    """Every command of "Your own account", in order, against the simulated company."""
    from proofwatch.demo.company import environment

    env = {**os.environ, **environment(company), "PROOFWATCH_HOME": str(tmp_path / "home")}
    env["PATH"] = f"{BIN}{os.pathsep}{env['PATH']}"
    expected = {"status": {1}, "sweep": {0, 3}, "audits": {0, 1}}
    lines = commands("Your own account")
    assert len(lines) > 8
    for line in lines[2:]:
        words = shlex.split(line)
        assert words[0] == "proofwatch"
        done = subprocess.run(
            words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode in expected.get(words[1], {0}), f"{line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    assert (tmp_path / "evidence" / "results.csv").exists()


def test_the_guide_shows_just_the_pictures_that_the_suite_takes():
    shown = set(re.findall(r"\(screens/([a-z0-9-]+)\.png\)", (ROOT / "docs" / "guide.md").read_text("utf-8")))
    walk = (ROOT / "tests" / "web" / "browser" / "test_process.py").read_text("utf-8")
    taken = set(re.findall(r'shot\(page, "([a-z0-9-]+)"\)', walk))
    stored = {path.stem for path in (ROOT / "docs" / "screens").glob("*.png")}
    assert shown == taken == stored and len(shown) == 8


def test_every_connector_has_its_page():
    index = (ROOT / "docs" / "connectors" / "README.md").read_text("utf-8")
    for kind in CONNECTORS:
        assert f"`{kind}`" in index
        assert kind == "aws" or (ROOT / "docs" / "connectors" / f"{kind}.md").is_file(), kind
