"""What is on the screen, in the files and in the API is the same rows: none lost, none twice."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta

import pytest

from proofwatch.store.models import Finding
from proofwatch.store.transitions import finding_id
from tests.reports.pdfs import numbered, text_of
from tests.store.samples import begun, connection

PAGE = 50
EVIL = "=cmd|' /C calc'!A0<script>"


def fill(number, now):
    """Store so many findings, some alike in all that lists are sorted by, and every seventh ended."""
    owner = connection()
    sweep = begun(owner)
    severities = ("critical", "high", "medium", "low")
    Finding.objects.bulk_create(
        (
            Finding(
                pk=finding_id(owner.pk, "aws.x", "1", "eu", f"{EVIL}{item}"),
                connection=owner, check_id=f"aws.x{item % 3}", account_id="1", region="eu",
                resource=f"{EVIL}{item}", state="restored" if item % 7 == 6 else "open",
                severity=severities[item % 4], reason="is wrong", check_version="1",
                first_failed_at=now, last_failed_at=now, last_observed_at=now,
                opened_at=now - timedelta(minutes=item % 5), opened_sweep=sweep,
            )
            for item in range(number)
        ),
        batch_size=2000,
    )  # fmt: skip


def screen(client, query):
    """Walk through the pages by their links; return how many rows were shown and what each page counted."""
    shown, counted, address = 0, set(), f"/findings?{query}"
    while address:
        page = client.get(address).content.decode()
        number, matching, population = re.search(r"<b>(\d+)</b> shown · <b>(\d+)</b> of (\d+)", page).groups()
        assert page.count("<tr>") - bool(int(number)) == int(number) and "<script>" not in page
        shown += int(number)
        counted.add((int(matching), int(population)))
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = found and "/findings" + found[1].replace("&amp;", "&")
    (counts,) = counted
    return shown, *counts


def files(client, query):
    """Return the ids in the CSV and in the JSON lines, and what is said beside them."""
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/export/findings?{query}").content))
    rows = list(csv.DictReader(io.StringIO(archive.read("findings.csv").decode())))
    lines = [json.loads(line) for line in archive.read("findings.jsonl").decode().splitlines()]
    assert all(row["resource"].startswith("'=") for row in rows), "a formula would run"
    assert all(line["resource"].startswith("=") for line in lines), "the raw file is raw"
    meta = json.loads(archive.read("findings.meta.json"))
    return [row["id"] for row in rows], [line["id"] for line in lines], meta


def pdfs(client, query):
    """Return the numbers of the rows in the PDFs, how their ids begin, and how many files there are."""
    said = client.get(f"/export/findings?format=pdf&{query}")
    made = [said.content]
    if said["Content-Type"] == "application/zip":
        archive = zipfile.ZipFile(io.BytesIO(said.content))
        made = [archive.read(name) for name in archive.namelist()]
    ids = [
        found for file in made for found in re.findall(r"^[\d\u202f]+ ([0-9a-f-]{12})…", text_of(file), re.M)
    ]
    return numbered(made), ids, len(made)


def api(client, query, size):
    """Walk through the API; return all ids and its counts."""
    ids, after, counts = [], "", set()
    while True:
        said = json.loads(client.get(f"/api/v1/findings?{query}&size={size}&after={after}").content)
        ids += [row["id"] for row in said["rows"]]
        counts.add((said["matching"], said["population"]))
        after = said["after"]
        if not after:
            (both,) = counts
            return ids, *both


@pytest.mark.parametrize("number", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2000])
@pytest.mark.parametrize("query", ["", "state=open", "severity=high&sort=-opened_at"])
def test_screen_files_and_api_say_the_same(site, number, query):
    fill(number, site.now)
    client = site.as_("lea")
    shown, matching, population = screen(client, query)
    in_csv, in_lines, meta = files(client, query)
    ids, said_matching, said_population = api(client, query, 200)
    assert shown == matching == said_matching == len(in_csv) == meta["rows"] == meta["matching"]
    assert population == said_population == meta["population"] == number
    assert in_csv == in_lines == ids and len(set(ids)) == len(ids)
    in_pdf, pdf_ids, _ = pdfs(client, query)
    assert in_pdf == list(range(1, matching + 1)) and pdf_ids == [item[:12] for item in ids]


def test_twenty_thousand_rows(site):
    fill(20_000, site.now)
    client = site.as_("lea")
    in_csv, in_lines, meta = files(client, "")
    ids, matching, _ = api(client, "", 200)
    assert in_csv == in_lines == ids and len(set(ids)) == matching == meta["rows"] == 20_000
    page = client.get("/findings").content.decode()
    assert f"<b>{PAGE}</b> shown · <b>20000</b> of 20000" in page
    in_pdf, pdf_ids, number = pdfs(client, "")
    assert number == 4, "5,000 rows each"
    assert in_pdf == list(range(1, 20_001)) and pdf_ids == [item[:12] for item in ids]
