"""The binder that the product writes, before the verifiers that lie in it."""

import json
import os
import shutil
import zipfile

import pytest

from proofwatch.cli.binder import write_due
from proofwatch.store.services import audits
from tests.reports.verifying import CHROMIUM, Browser, by_python, same
from tests.web.pages.test_audit import listed  # noqa: F401 – a fixture


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_binder_of_the_product_passes_the_verifiers_that_lie_in_it(listed, tmp_path, monkeypatch):  # noqa: F811
    day = listed.now.date()
    audits.save("soc2", day.replace(day=1), day, actor="olga", now=listed.now, reason="engaged")
    listed.app.sign()
    client = listed.as_("aud")
    assert client.post("/audit/binders", {"do": "binder", "audit": "soc2"}).status_code == 302
    assert write_due(listed.app) >= 1
    path = tmp_path / "binder.zip"
    path.write_bytes(b"".join(client.get("/audit/binders/EX-1/file")))
    if keep := os.environ.get("PROOFWATCH_BINDER"):
        shutil.copy(path, keep)
    with zipfile.ZipFile(path) as file:
        about = json.loads(file.read("binder.json"))
        (tmp_path / "verify.py").write_bytes(file.read("verify.py"))
        (tmp_path / "verify.html").write_bytes(file.read("verify.html"))
    found = by_python(path, script=tmp_path / "verify.py")
    assert found.wrong == []
    assert any(str(about["log"]["size"]) in line for line in found.proven)
    if CHROMIUM:
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread
        browser = Browser(tmp_path / "verify.html")
        same(found, browser.verify(path))
        browser.close()
