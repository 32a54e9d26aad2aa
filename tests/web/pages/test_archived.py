"""Pages over months that left say so, and how to bring the rows."""

import pytest

from proofwatch.store.models import Finding, HistoryPartition
from tests.alerts.world import CHECK, FAIL, PASS, A, B
from tests.web.pages.company import few_queries, founded, plain, said


@pytest.fixture
def world(site, tmp_path):
    made = founded(site, tmp_path / "world")
    made.sweep({A: FAIL, B: PASS})
    return made


def test_pages_say_which_months_are_in_the_archive_and_how_to_bring_them(site, world):
    row, client = Finding.objects.get(), site.as_("aud")
    pages = {
        "finding_event": f"/findings/{row.pk}", "shard_read": f"/sweeps/{world.run.pk}",
        "check_run": f"/checks/{CHECK}",
    }  # fmt: skip
    month = f"{row.first_failed_at:%Y-%m}"
    line = f"{month} is in the archive and not counted here: proofwatch history bring {month} brings the rows"
    for page in pages.values():
        assert "in the archive" not in plain(said(client.get(page)))
    for table, page in pages.items():
        HistoryPartition.objects.create(
            table=table, month=month, part=1, rows=1, size=1, first_id=1, last_id=1, entry=0, state="away",
            archived_at=site.now,
        )  # fmt: skip
        with few_queries():
            assert line in plain(said(client.get(page))), page
    HistoryPartition.objects.update(state="brought")
    for page in pages.values():
        assert "in the archive" not in plain(said(client.get(page)))
