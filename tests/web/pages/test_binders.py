"""What an auditor takes away from the pages: binders with their progress, samples, ledger, checkpoints."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime

import pytest

from proofwatch.cli.binder import write_due
from proofwatch.evidence.binder import verify_binder
from proofwatch.evidence.bundle import Bundle
from proofwatch.runtime import jobs
from proofwatch.store.models import Export, Job, LogEntry
from proofwatch.store.services import audits, exports
from tests.web.pages.company import plain, said
from tests.web.pages.test_audit import listed  # noqa: F401 – a fixture


@pytest.fixture
def audited(listed):  # noqa: F811
    day = listed.now.date()
    audits.save("soc2", day.replace(day=1), day, actor="olga", now=listed.now, reason="engaged")
    listed.app.sign()
    return listed


def unzipped(response):
    assert response.status_code == 200, response.content[:300]
    return zipfile.ZipFile(io.BytesIO(b"".join(response) if response.streaming else response.content))


def test_an_auditor_asks_for_a_binder_sees_how_far_it_is_and_downloads_what_verifies(audited, tmp_path):
    site, client = audited, audited.as_("aud")
    assert "None was made yet" in plain(said(client.get("/audit/binders?audit=soc2")))
    form = {"do": "binder", "audit": "soc2"}
    assert client.post("/audit/binders", form).status_code == 302
    waiting = said(client.get("/audit/binders?audit=soc2"))
    assert "EX-1" in plain(waiting) and "waiting" in plain(waiting) and 'hx-trigger="every 3s"' in waiting
    again = client.post("/audit/binders", form)
    assert again.status_code == 400 and "one of this audit is being written" in plain(said(again, 400))
    row = Export.objects.get()
    jobs.enqueue(jobs.BINDERS, row.name, datetime.now(UTC))
    exports.begin(row)
    exports.tell(Export.objects.get(), "objects", 30, 120)
    assert "objects 30 of 120" in plain(said(client.get("/audit/binders?audit=soc2")))
    assert write_due(site.app) >= 1
    done = said(client.get("/audit/binders?audit=soc2"))
    assert "Download EX-1" in plain(done) and "every 3s" not in done
    path = tmp_path / "binder.zip"
    path.write_bytes(b"".join(client.get("/audit/binders/EX-1/file")))
    row = Export.objects.get(number=1)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256 and row.by == "aud"
    with Bundle(path) as bundle:
        report = verify_binder(bundle)
        about = json.loads(bundle.read("binder.json"))
    assert report.wrong == [] and (about["generated_by"], about["role"]) == ("aud", "auditor")
    kinds = set(LogEntry.objects.values_list("kind", flat=True))
    assert {"export.asked", "export.made"} <= kinds


def test_a_file_that_is_not_there_or_not_done_is_not_handed_out(audited):
    client = audited.as_("aud")
    client.post("/audit/binders", {"do": "binder", "audit": "soc2"})
    for name in ("EX-1", "EX-2", "EX-999999999999", "../keys", "x"):
        assert client.get(f"/audit/binders/{name}/file").status_code == 404
    assert write_due(audited.app) >= 1
    folder = audited.app.settings.exports
    (folder / Export.objects.get(number=1).file).write_bytes(b"cut")
    assert client.get("/audit/binders/EX-1/file").status_code == 404, "it is not what was written"


def test_what_waits_again_after_its_job_was_given_up_is_written(audited):
    audited.as_("aud").post("/audit/binders", {"do": "binder", "audit": "soc2"})
    jobs.enqueue(jobs.BINDERS, "EX-1", datetime.now(UTC))
    Job.objects.filter(key="EX-1").update(state="dead", attempts=jobs.MAX_ATTEMPTS)
    assert write_due(audited.app) >= 1
    assert Export.objects.get(number=1).state == "done"


def test_a_sample_and_the_ledger_are_taken_away_with_what_they_are(audited):
    client = audited.as_("aud")
    form = {"do": "sample", "audit": "soc2", "control": "AC-01", "of": "days", "number": "3", "seed": ""}
    archive = unzipped(client.post("/audit/binders", form))
    population = archive.read("sample-AC-01-days.population.jsonl")
    meta = json.loads(archive.read("sample-AC-01-days.meta.json"))
    assert meta["seed"] == meta["population_sha256"] == hashlib.sha256(population).hexdigest()
    assert meta["population"] == population.count(b"\n") and meta["generated_by"] == "aud"
    whole = unzipped(client.get("/audit/ledger?audit=soc2"))
    rows = list(csv.DictReader(io.StringIO(whole.read("coverage.csv").decode())))
    days = (audited.now.date() - audited.now.date().replace(day=1)).days + 1
    assert sum(row["control"] == "AC-01" for row in rows) == days == meta["population"]
    assert LogEntry.objects.filter(kind="sample.drawn").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("control", "AC-1", "AC-01"),
        ("of", "secrets", "is nothing to draw from"),
        ("number", "0", "is no number from 1"),
        ("number", "9" * 40, "is no number from 1"),
        ("seed", "x" * 300, "longer than 200"),
    ],
)
def test_what_cannot_be_drawn_is_said_beside_the_form(audited, field, value, words):
    form = {"do": "sample", "audit": "soc2", "control": "AC-01", "of": "days", "number": "3", "seed": ""}
    answer = audited.as_("aud").post("/audit/binders", {**form, field: value})
    assert words in plain(said(answer, 400))


def test_checkpoints_are_downloaded_as_they_were_signed(audited):
    client = audited.as_("aud")
    page = plain(said(client.get("/audit/binders?audit=soc2")))
    assert "nobody yet" in page
    from proofwatch.store.models import Checkpoint

    row = Checkpoint.objects.order_by("size").last()
    assert client.get(f"/audit/checkpoints/{row.size}").content.decode() == row.note
    assert client.get("/audit/checkpoints/99999999").status_code == 404


def test_the_bundle_of_the_month_that_ended_is_made_once_by_itself(audited):
    now = datetime.now(UTC)
    first = LogEntry.objects.order_by("index").first().at
    month = exports.month_due(now)
    if first.date() > (now.date().replace(day=1)):
        assert month is None
    later = now.replace(year=now.year + 1)
    due = exports.month_due(later)
    assert due is not None and due.last < later.date() and due.first.day == 1
    row = exports.ask(due, kind=exports.BUNDLE, by="scheduler", role="program", now=now)
    assert exports.ask(due, kind=exports.BUNDLE, by="scheduler", role="program", now=now).pk == row.pk
    assert exports.month_due(later) is None
