"""The lists of steps 4 to 6: the same columns and values as the verb that exports them."""

import pytest

from proofwatch.alerts import review
from proofwatch.alerts.times import times, times_of
from proofwatch.listings.base import Asked, ListingError
from proofwatch.listings.registry import LISTINGS
from proofwatch.remediation import acceptances, tasks
from proofwatch.store.models import Alert, Delivery
from tests.alerts.world import FAIL, PASS, A, B
from tests.remediation.test_tasks import RULE, Company
from tests.store.samples import MINUTE


@pytest.fixture
def world(database_url, tmp_path):
    made = Company(tmp_path, RULE)
    made.sweep({A: PASS, B: PASS})
    made.sweep({A: FAIL, B: PASS})
    review.review(["AL-1"], "repair", "encrypt it", by="ana", now=made.now + 5 * MINUTE, channel="cli")
    tasks.by_policy(made.now + 5 * MINUTE)
    acceptances.request({"alert": "AL-1"}, "isolated", made.now + 99 * MINUTE, by="ana", now=made.now)
    return made


def test_the_four_times_of_many_are_those_of_one(world):
    for _ in range(2):
        world.sweep({A: PASS, B: PASS})
    rows = list(Alert.objects.all())
    assert times_of(rows) == {row.pk: times(row) for row in rows}
    assert times_of(rows)[rows[0].pk]["detect"] == 900
    assert times_of(rows)[rows[0].pk]["review"] == 300


def test_an_alert_is_told_when_the_first_provider_accepts(world):
    row = Alert.objects.get()
    made = {"alert": row, "channel": "ops", "thread": "t", "happened": "opened", "message": {}}
    at = row.first_failed_at + 2 * MINUTE
    other = Delivery.objects.create(
        **{**made, "alert": None}, key="1", created_at=at, due_at=at, sent_at=at, state="accepted"
    )
    Delivery.objects.create(**made, key="2", created_at=at, due_at=at, into=other, state="not sent")
    Delivery.objects.create(**made, key="3", created_at=at, due_at=at, sent_at=at + MINUTE, state="accepted")
    assert times_of([row])[row.pk]["alert"] == times(row)["alert"] == 120


def test_worst_first_and_then_as_they_were_told(world):
    def more(number, severity):
        Alert.objects.create(
            number=number, key=f"{number:064}", rule_id="now", rule_version=1, severity=severity,
            state="open", headline="x", pending_since=world.now, first_failed_at=world.now,
            last_failed_at=world.now, observed_at=world.now,
        )  # fmt: skip

    for number, severity in ((5, "low"), (4, "critical"), (3, "critical"), (2, "high")):
        more(number, severity)
    listing = LISTINGS["alerts"]
    assert [row["alert"] for row in listing.every(Asked())] == ["AL-3", "AL-4", "AL-1", "AL-2", "AL-5"]
    names, after = [], ""
    while True:
        page = listing.page(Asked(size=2, after=after))
        names += [row["alert"] for row in page.rows]
        after = page.after
        if not after:
            break
    assert names == ["AL-3", "AL-4", "AL-1", "AL-2", "AL-5"]
    assert listing.page(Asked(sort="-alert")).rows[0]["alert"] == "AL-5"
    with pytest.raises(ListingError, match="is no view"):
        listing.page(Asked(filters={"view": "best"}))
    with pytest.raises(ListingError, match="names no alert"):
        LISTINGS["deliveries"].page(Asked(filters={"alert": "x"}))
