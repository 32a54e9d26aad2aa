"""The links under a list: CSV and PDF, what they answer, and what the log says afterwards."""

import hashlib
import io
import re
import zipfile

import pytest

from proofwatch.listings.registry import LISTINGS
from proofwatch.reports import pdf
from tests.reports.pdfs import numbered, text_of
from tests.store.samples import entries
from tests.web.test_counts import fill


def test_the_page_links_to_both(site):
    fill(3, site.now)
    page = site.as_("lea").get("/findings?state=open&severity=high").content.decode()
    links = [link.replace("&amp;", "&") for link in re.findall(r'class="export" href="([^"]+)"', page)]
    assert links == [
        "/export/findings?state=open&severity=high", "/export/findings?state=open&severity=high&format=pdf",
    ]  # fmt: skip
    for link in links:
        assert site.as_("lea").get(link).status_code == 200
    bare = site.as_("lea").get("/findings").content.decode()
    assert 'href="/export/findings?format=pdf"' in bare


def test_a_pdf_says_who_asked_for_what_and_is_in_the_log(site):
    fill(5, site.now)
    answer = site.as_("aud").get("/export/findings?state=open&format=pdf")
    assert answer["Content-Type"] == "application/pdf" and answer["Content-Disposition"].endswith('.pdf"')
    text = text_of(answer.content)
    assert "aud, auditor" in text and "filter: state = open" in text and "format=pdf" in text
    assert numbered([answer.content]) == [1, 2, 3, 4, 5]
    data = entries("export.made")[-1]["data"]
    digest = hashlib.sha256(answer.content).hexdigest()
    assert data == {
        "subject": "findings", "rows": 5, "format": "pdf", "sha256": digest, "filter": {"state": "open"},
    }  # fmt: skip


def test_more_rows_than_one_file_holds_come_as_a_zip(site, monkeypatch):
    monkeypatch.setattr(pdf, "MOST_ROWS", 2)
    fill(5, site.now)
    answer = site.as_("lea").get("/export/findings?format=pdf")
    assert answer["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.namelist() == [f"findings-{number}-of-3.pdf" for number in (1, 2, 3)]
    made = [archive.read(name) for name in archive.namelist()]
    assert numbered(made) == [1, 2, 3, 4, 5]
    data = entries("export.made")[-1]["data"]
    assert data["rows"] == 5 and data["format"] == "pdf" and "sha256" not in data
    assert list(data["files"].values()) == [hashlib.sha256(item).hexdigest() for item in made]


def test_an_unknown_format_is_refused(site):
    answer = site.as_("lea").get("/export/findings?format=docx")
    assert answer.status_code == 400 and b"csv, pdf" in answer.content


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_every_list_can_be_printed(site, name):
    assert all(item.name != "format" for item in LISTINGS[name].filters), "the format is no filter"
    answer = site.as_("olga").get(f"/export/{name}?format=pdf")
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF-1.7")
    assert LISTINGS[name].title in text_of(answer.content)
