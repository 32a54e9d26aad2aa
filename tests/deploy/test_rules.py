"""The alert rules for Prometheus: by its own checker where that is installed, and against what we measure."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from proofwatch.web import measured, metrics

RULES = Path(__file__).parent.parent.parent / "deploy" / "prometheus" / "proofwatch.rules.yaml"
UNIT = Path(__file__).parent / "rules_test.yaml"
no_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not here: apt-get install prometheus"
)


@no_promtool
def test_prometheus_understands_the_rules_and_they_speak_when_they_should(tmp_path: Path) -> None:
    for path in (RULES, UNIT):
        shutil.copy(path, tmp_path)
    for words in (["check", "rules", RULES.name], ["test", "rules", UNIT.name]):
        done = subprocess.run(
            ["promtool", *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_measurement_that_a_rule_names_is_made() -> None:
    made = {f"proofwatch_{name}" for name in _given(Path(measured.__file__))}
    made |= set(re.findall(r'"(proofwatch_\w+)"', Path(metrics.__file__).read_text("utf-8")))
    made |= set(re.findall(r'"(proofwatch_\w+)"', Path(measured.__file__).read_text("utf-8")))
    rules = yaml.safe_load(RULES.read_text("utf-8"))["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"proofwatch_\w+", rule["expr"])}
    assert len(rules) == len({rule["alert"] for rule in rules}) > 10
    for name in named:
        assert {name, re.sub("_(bucket|count|sum|total)$", "", name)} & made, f"{name} is not measured"


def _given(path: Path) -> list[str]:
    return re.findall(r'_(?:gauge|counter)\(\s*"(\w+)"', path.read_text("utf-8")) + [
        name for name in ("jobs_running", "jobs_dead") if f'("{name}",' in path.read_text("utf-8")
    ]
