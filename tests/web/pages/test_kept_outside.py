"""The page of keys, retention and backup says who keeps checkpoints outside."""

from proofwatch.outside import book
from proofwatch.store.models import KeptCheckpoint
from tests.web.pages.company import plain, said


def test_who_keeps_checkpoints_and_what_they_said_last(site):
    page = plain(said(site.as_("aud").get("/settings/kept")))
    assert "Nobody keeps checkpoints yet: proofwatch outside add --help" in page
    for name in ("bucket", "repo", "tsa"):
        settings = {"remote": "/mnt/elsewhere.git", "folder": f"/var/lib/{name}"}
        book.save(name, "git", settings, actor="lea", now=site.now)
    book.switch("tsa", False, actor="lea", now=site.now, reason="moving")
    common = {"kind": "git", "root": "0" * 64, "at": site.now}
    KeptCheckpoint.objects.create(
        keeper="repo", size=12, state="accepted", reference="<b>c0ffee</b>", **common
    )
    KeptCheckpoint.objects.create(keeper="bucket", size=11, state="failed", error="no room", **common)
    page = said(site.as_("aud").get("/settings/kept"))
    words = plain(page)
    assert "Nobody keeps" not in words and "<b>c0ffee" not in page
    assert "accepted: <b>c0ffee</b>" in words.replace("&lt;", "<").replace("&gt;", ">")
    assert "not accepted: no room" in words
    assert "tsa git paused never" in words
