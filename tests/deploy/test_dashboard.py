"""The dashboard for Grafana: its queries by Prometheus' own checker, and against what `/metrics` gives."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from proofwatch.web import metrics
from tests.deploy.test_rules import no_promtool

BOARD = Path(__file__).parent.parent.parent / "deploy" / "grafana" / "proofwatch.json"


def board() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(BOARD.read_text("utf-8"))
    return found


def queries() -> list[str]:
    return [target["expr"] for panel in board()["panels"] for target in panel.get("targets", ())]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_measurement_that_the_dashboard_shows_is_given(database_url: str, tmp_path: Path) -> None:
    told = metrics.text(datetime.now(UTC), str(tmp_path)).decode()
    given = set(re.findall(r"^# TYPE (\w+) (?:gauge|counter)$", told, re.MULTILINE))
    given |= {f"{name}_bucket" for name in re.findall(r"^# TYPE (\w+) histogram$", told, re.MULTILINE)}
    shown = {name for query in queries() for name in re.findall(r"\b(?:proofwatch|process)_\w+", query)}
    assert len(shown) >= 15
    assert shown <= given, f"not measured: {sorted(shown - given)}"


def test_every_panel_says_what_it_shows_and_none_lies_on_another() -> None:
    panels, places = board()["panels"], set()
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        own = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not own & places and at["x"] + at["w"] <= 24, panel["title"]
        places |= own
        assert panel["type"] == "row" or (panel["description"] and panel["targets"]), panel["title"]


@no_promtool
def test_prometheus_understands_the_queries(tmp_path: Path) -> None:
    rules = [{"record": f"shown:{number}", "expr": query} for number, query in enumerate(queries())]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
