"""`export pdf`, over a home that was swept once."""

import csv
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.companies import proofwatch
from tests.reports.pdfs import numbered, text_of


@pytest.fixture
def ask(company, undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "home")

    def call(*arguments, code=0):
        done = proofwatch(company, tmp_path / "home", *arguments, check=False)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return call


def test_a_pdf_holds_the_rows_of_the_csv(ask, tmp_path):
    out = str(tmp_path / "out")
    ask("export", "csv", "results", "--out", out)
    (said,) = json.loads(ask("export", "pdf", "results", "--out", out, "--json").stdout)
    path = Path(said["pdf"][0])
    assert path.name == "results.pdf"
    assert said["sha256"] == {"results.pdf": hashlib.sha256(path.read_bytes()).hexdigest()}
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert said["rows"] == len(rows) and numbered([path]) == list(range(1, len(rows) + 1))
    text = text_of(path)
    assert "proofwatch export pdf results" in text and "✗\u00a0fail" in text and "✓\u00a0pass" in text


def test_a_pdf_is_made_with_filters_and_noted(ask, tmp_path):
    done = ask("export", "pdf", "findings", "--filter", "severity=high", "--out", str(tmp_path / "out"))
    assert "findings.pdf" in done.stdout
    assert "filter: severity = high" in text_of(tmp_path / "out" / "findings.pdf")
    ask("export", "csv", "entries", "--filter", "kind=export.made", "--out", str(tmp_path / "out"))
    line = json.loads((tmp_path / "out" / "entries.jsonl").read_text("utf-8").splitlines()[-1])
    assert line["kind"] == "export.made"


def test_an_unknown_list_is_refused(ask):
    assert "no list 'nothing'" in ask("export", "pdf", "nothing", code=2).stderr
