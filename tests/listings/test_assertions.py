"""Verdicts of others as a list, a page and a file: labelled by who asserts them; nothing in them runs."""

import json

import pytest

from proofwatch.listings.base import Asked, ListingError
from proofwatch.listings.registry import LISTINGS
from proofwatch.reports.ocsf_in import import_file
from tests.reports import prowler
from tests.web.site import site

__all__ = ["site"]
EVIL = "<img src=x onerror=alert(1)>"


def taken(path, objects, *records, product=""):
    path.write_text(json.dumps(records), "utf-8")
    return import_file(path, objects, product=product, actor="olga", now=prowler_time()).row


def prowler_time():
    from datetime import UTC, datetime

    return datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def filled(site, tmp_path):
    objects = site.app.objects
    some = [prowler.finding("PASS"), prowler.finding("FAIL"), prowler.finding("MANUAL", "iam_manual")]
    taken(tmp_path / "one.json", objects, *some)
    taken(tmp_path / "two.json", objects, prowler.finding("FAIL", EVIL), product=f"Ours {EVIL}")
    return site


def test_the_list_is_filtered_sorted_and_says_who_asserts(filled):
    listing = LISTINGS["assertions"]
    rows = list(listing.every(Asked()))
    assert [row["import"] for row in rows] == [2, 1, 1, 1]
    assert [row["place"] for row in rows] == [0, 2, 1, 0]
    assert rows[1]["raw_status"] == "MANUAL" and rows[1]["status"] == "inconclusive"
    assert rows[1]["asserted_at"] < rows[1]["imported_at"]
    assert [row["status"] for row in listing.every(Asked({"product": "prowler", "status": "fail"}))] == [
        "fail"
    ]
    assert listing.page(Asked({"check": "iam_manual"})).matching == 1
    assert listing.page(Asked({"check": EVIL}, sort="check", size=1)).matching == 1
    with pytest.raises(ListingError, match="no status"):
        listing.page(Asked({"status": "passed"}))


@pytest.mark.parametrize("name", ["olga", "aud"])
def test_the_page_shows_them_apart_from_ours_and_runs_nothing(filled, name):
    client = filled.as_(name)
    page = client.get("/evidence/assertions").content.decode()
    assert "Asserted by others" in page and "Prowler" in page and "MANUAL" in page
    assert EVIL not in page and "&lt;img src=x" in page
    assert 'href="/evidence/assertions"' in client.get("/evidence").content.decode()
    assert "/evidence/assertions" in client.get("/evidence/documents").content.decode()
    assert client.get("/export/assertions").status_code == 200
    said = client.get("/api/v1/assertions?status=inconclusive").json()
    assert (said["matching"], said["population"]) == (1, 4)
    assert (said["rows"][0]["import"], said["rows"][0]["raw_status"]) == (1, "MANUAL")
    assert filled.nobody.get("/evidence/assertions").status_code == 302
