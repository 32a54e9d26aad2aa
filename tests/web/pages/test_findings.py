"""One finding and one sweep in the pages, each with what it rests on."""

import uuid

import pytest

from proofwatch.store import opinions
from proofwatch.store.models import CoverageGap, Finding, ShardRead, Sweep, TableState
from proofwatch.store.opinions import Stated
from proofwatch.store.services import reads, sweeps
from proofwatch.web.context import installation
from tests.alerts.world import CHECK, FAIL, PASS, A, B
from tests.web.pages.company import few_queries, founded, plain, said


@pytest.fixture
def world(site, tmp_path):
    made = founded(site, tmp_path / "world")
    made.sweep({A: FAIL, B: PASS})
    return made


def test_a_finding_names_its_check_its_alert_and_its_control(site, world):
    row, client = Finding.objects.get(), site.as_("aud")
    with few_queries():
        page = said(client.get(f"/findings/{row.pk}"))
    words = plain(page)
    assert "vol-a" in words and "not encrypted" in words and "opened" in words
    for href in (f"/checks/{CHECK}", "/alerts/AL-1", "/controls/ENC", f"/sweeps/{world.run.pk}"):
        assert f'href="{href}"' in page, href
    assert "Ask for a risk acceptance" not in page
    assert "Ask for a risk acceptance" in said(site.as_("rob").get(f"/findings/{row.pk}"))


def test_a_finding_that_ended_says_what_proved_it(site, world):
    for _ in range(2):
        world.sweep({A: PASS, B: PASS})
    words = plain(said(site.as_("aud").get(f"/findings/{Finding.objects.get().pk}")))
    assert "verified restored" in words and "proved by this sweep" in words


def test_a_second_opinion_that_is_stale_is_neither_agreement_nor_difference(site, world, monkeypatch):
    row, asked = Finding.objects.get(), []

    def about(objects, cache, check, resource, place):
        asked.append((check, resource, place))
        told = ("AWS Config of aws", "aws", check, "ENCRYPTED_VOLUMES", "encrypted-volumes", resource)
        at = row.last_observed_at
        stale = Stated(*told, "fail", None, at, at, at, "stale: its recorder does not work")
        return [stale, Stated(*told, "fail", "pass", at, at, at, "")]

    monkeypatch.setattr(opinions, "about", about)
    words = plain(said(site.as_("aud").get(f"/findings/{row.pk}")))
    assert asked == [(CHECK, row.resource, (row.account_id, row.region))]
    assert (
        "no verdict AWS Config of aws asserts nothing that counts (stale: its recorder does not work)"
        in words
    )
    assert "differs AWS Config of aws asserts pass for" in words and "agrees" not in words


def test_findings_are_listed_by_state(site, world):
    client = site.as_("aud")
    page = said(client.get("/findings?state=open"))
    assert "vol-a" in page and "<b>1</b> of 1" in page
    assert "Nothing matches" in said(client.get("/findings?state=gone"))
    assert client.get(f"/findings/{uuid.uuid4()}").status_code == 404
    assert client.get("/findings/nothing").status_code == 404


def test_a_sweep_says_what_was_read_and_what_was_not(site, world):
    run = world.run
    ShardRead.objects.bulk_create(
        ShardRead(
            sweep=run, account_id=f"{number:012}", region="eu-west-1", table="aws_ec2_volume",
            state="failed" if number % 2 else "complete", reason="access denied" if number % 2 else "",
            permission="ec2:DescribeVolumes" if number % 2 else "",
        )
        for number in range(120)
    )  # fmt: skip
    CoverageGap.objects.create(sweep=run, account_id="9" * 12, region="us-east-1", reason="not in scope")
    TableState.objects.create(
        connection=world.owner, sweep=run, table="aws_ec2_volume", manifest="a" * 64, digest="b" * 64, rows=7
    )
    client = site.as_("aud")
    with few_queries():
        page = said(client.get(f"/sweeps/{run.pk}"))
    words = plain(page)
    assert "60 of 120 readings (one table in one place) are complete; 60 failed" in words
    assert "30 of 60 shown; the manifest has all of them" in words and "ec2:DescribeVolumes" in words
    assert "50 of 120 places shown" in words and "not in scope" in words and "1 of 1 tables shown" in words
    assert f'href="/evidence/objects/{"a" * 64}"' in page and page.count("<h1") == 1


def test_a_large_sweep_says_the_same_of_its_object(site, world, tmp_path):
    run = world.run
    found = [
        sweeps.Read(
            f"{number:012}", "eu-west-1", "aws_ec2_volume", reason="access denied" if number % 2 else "",
            permission="ec2:DescribeVolumes" if number % 2 else "", lacking=number % 3 == 0,
            lacking_why="tags: refused" if number % 3 == 0 else "",
        )
        for number in range(120)
    ]  # fmt: skip
    digest = reads.write(found, installation().objects, tmp_path)
    Sweep.objects.filter(pk=run.pk).update(
        reads_object=digest, reads_count=120, reads_failed=60, reads_lacking=40
    )
    ShardRead.objects.bulk_create(
        ShardRead(
            sweep=run, account_id=item.account_id, region=item.region, table=item.table, state=item.state,
            reason=item.reason, permission=item.permission, lacking=item.lacking,
            lacking_why=item.lacking_why,
        )
        for item in found[:40] if item.reason or item.lacking
    )  # fmt: skip
    words = plain(said(site.as_("aud").get(f"/sweeps/{run.pk}")))
    assert "60 of 120 readings (one table in one place) are complete; 60 failed" in words
    assert "20 of 60 shown; the manifest has all of them" in words and "ec2:DescribeVolumes" in words
    assert "50 of 120 places shown" in words and "14 of 40 shown" in words
    words = plain(said(site.as_("aud").get(f"/connections/{world.owner.name}")))
    assert "not read 60 of 120 places" in words and "covered 60 of 120 places" in words


def test_an_older_sweep_leads_to_the_one_that_stands(site, world):
    old = world.run
    world.sweep({A: PASS, B: PASS})
    client = site.as_("aud")
    assert f'href="/sweeps/{world.run.pk}">newer sweep' in said(client.get(f"/sweeps/{old.pk}"))
    assert client.get("/sweeps/nothing").status_code in (400, 404)
    assert client.get(f"/sweeps/{uuid.uuid4()}").status_code == 404
