"""Both verifiers over the same ZIP: verify.py as auditors run it, verify.html in a real browser."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass

from playwright.sync_api import sync_playwright

from proofwatch.reports import verifiers

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
LISTS = """() => Object.fromEntries(["wrong", "proven", "unproven", "remarks"].map((key) =>
  [key, [...document.querySelectorAll(`[data-list=${key}] li`)].map((item) => item.textContent)]))"""


@dataclass
class Said:
    """What a verifier said."""

    code: int
    wrong: list[str]
    proven: list[str]
    unproven: list[str]
    remarks: list[str]

    def names(self, name):
        """Tell whether something is wrong with that file by name."""
        return any(line.startswith(f"{name}:") for line in self.wrong)


def by_python(path, *words, flags=("-I",), script=None, **options):
    """Run verify.py in a process that sees nothing of Proofwatch."""
    script = script or verifiers.path("verify.py")
    done = subprocess.run(
        [sys.executable, *flags, str(script), str(path), "--json", *words],
        capture_output=True,
        text=True,
        **options,
    )
    assert done.returncode in (0, 1, 3), done.stderr
    body = json.loads(done.stdout)
    assert body.pop("exit_code") == done.returncode
    body.pop("hidden")
    return Said(done.returncode, **body)


class Browser:
    """A page with verify.html, which must ask for nothing, log nothing and open no dialog."""

    def __init__(self, file=None):
        self._file = file or verifiers.path("verify.html")
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        self.odd = []
        self.page = self.open()

    def open(self, before=""):
        """Return a page with verify.html, after a script that changes what the browser can do."""
        page = self._browser.new_page(viewport={"width": 1100, "height": 900})
        if before:
            page.add_init_script(before)
        page.goto(self._file.as_uri())
        page.on("console", lambda said: self.odd.append(said.text))
        page.on("pageerror", lambda error: self.odd.append(str(error)))
        page.on("dialog", lambda dialog: self.odd.append(dialog.message) or dialog.dismiss())
        page.on("request", lambda request: self.odd.append(request.url))
        return page

    def verify(self, path, kept=None, keys="", page=None):
        """Choose a ZIP and press the button."""
        page = page or self.page
        page.evaluate("document.querySelector('details').open = true")
        page.set_input_files("#binder", str(path))
        page.set_input_files("#kept", [str(kept)] if kept else [])
        page.fill("#keys", keys)
        page.click("#start")
        page.wait_for_selector("#report[data-exit]", timeout=120_000)
        code = int(page.get_attribute("#report", "data-exit"))
        assert code in (0, 1, 3), page.inner_text("#report")
        assert self.odd == []
        return Said(code, **page.evaluate(LISTS))

    def close(self):
        self._browser.close()
        self._playwright.stop()


ONLY_OPENSSL = "openssl says that its signature does not fit"


def same(one, other):
    """Assert that the verdicts agree, and every line about what is wrong; return the first.

    Only what openssl says of the signature of a time-stamp is not known to the page.
    """
    assert sorted(line for line in one.wrong if ONLY_OPENSSL not in line) == sorted(other.wrong)
    assert one.code == other.code
    assert sorted(one.remarks) == sorted(other.remarks)
    assert {line for line in one.proven if ".tsr" not in line} == set(other.proven)
    return one
