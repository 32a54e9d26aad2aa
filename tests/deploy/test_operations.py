"""docs/operations.md is held against what is: its drill is run, and its names are those that there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proofwatch.web import measured, metrics

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")


def test_the_restore_drill_works_as_it_is_written(tmp_path: Path) -> None:
    block = PAGE.split("## The restore drill", 1)[1].split("```console\n", 1)[1].split("```", 1)[0]
    lines = [line.removeprefix("$ ") for line in block.splitlines()]
    assert len(lines) == 7 and all(line.startswith("$ ") for line in block.splitlines())
    kept = {
        key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "PROOFWATCH_OBJECTS")
    }
    environment = kept | {
        "PROOFWATCH_HOME": str(tmp_path / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
    }
    for line in ("proofwatch init", *lines[:4], "test -f drill/proofwatch.sqlite3", *lines[4:]):
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environment,
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        # `status` ends with 3 where nothing is connected yet: it cannot tell.
        assert done.returncode in ((0, 3) if "status" in line else (0,)), (
            f"{line}\n{done.stdout}{done.stderr}"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "kept.txt"]


def test_the_page_names_every_measurement_that_is_made() -> None:
    made = set()
    for module in (measured, metrics):
        made |= set(
            re.findall(
                r'"(?:proofwatch_)?([a-z]+(?:_[a-z]+)+)",\s+"[A-Z]', Path(module.__file__).read_text("utf-8")
            )
        )
    made = {name.replace("proofwatch_build", "build_info") for name in made}
    assert len(made) > 15
    table = PAGE.split("## Measurements", 1)[1].split("```yaml", 1)[0]
    named = {name.removesuffix("_total") for name in re.findall(r"`([a-z_]+)(?:\{[^`]*)?`", table)}
    assert {name.removesuffix("_total") for name in made} <= named, made - named


@pytest.mark.parametrize("folder", sorted(path.name for path in (ROOT / "deploy" / "terraform").iterdir()))
def test_the_page_names_every_module(folder: str) -> None:
    assert f"| `{folder}` |" in PAGE
