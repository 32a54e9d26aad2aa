"""What the tests of both verifiers share: one whole binder, one browser."""

import pytest

from tests.reports.binders import StampAuthority, make_binder
from tests.reports.verifying import CHROMIUM, Browser, by_python, same


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return StampAuthority(tmp_path_factory.mktemp("authority") / "tsa")


@pytest.fixture(scope="session")
def whole(tmp_path_factory, authority):
    """A binder in which nothing is wrong; take a copy before changing it."""
    return make_binder(tmp_path_factory.mktemp("binder"), authority.stamp)


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("there is no chromium: install Debian's package")
    made = Browser()
    yield made
    made.close()


@pytest.fixture
def verified(browser, tmp_path):
    """Verify a binder, or a ZIP as it is, by both verifiers; they must agree."""

    def verify(binder, kept=None, vkey="", policy=""):
        path = binder.write(tmp_path / "binder.zip") if hasattr(binder, "write") else binder
        words = []
        if kept is not None:
            (tmp_path / "kept.txt").write_text(kept)
            words += ["--checkpoint", str(tmp_path / "kept.txt")]
        if policy:
            (tmp_path / "policy").write_text(policy)
            words += ["--policy", str(tmp_path / "policy")]
        words += ["--vkey", vkey] if vkey else []
        other = browser.verify(path, tmp_path / "kept.txt" if kept is not None else None, policy or vkey)
        return same(by_python(path, *words), other)

    return verify
