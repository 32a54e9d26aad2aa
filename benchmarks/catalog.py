"""Opening the catalogue: validated anew, read back, and after a change to one check of a user's own.

Run: python -m benchmarks.catalog
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from proofwatch.app import CATALOG, App


def timed(app: App) -> tuple[float, int]:
    """Return the seconds that a first look at the catalogue takes, and how many checks it has."""
    began = time.perf_counter()
    checks = app.catalog.checks
    return time.perf_counter() - began, len(checks)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pw-catalog-") as home:
        os.environ["PROOFWATCH_HOME"] = home
        own = Path(home) / "checks" / "own"
        own.mkdir(parents=True)
        shipped = sorted((CATALOG / "checks").rglob("*.yaml"))[0].read_text("utf-8")
        for what in ("validated anew", "read back", "one check of one's own added", "the same changed"):
            if "own" in what:
                (own / "x.yaml").write_text(shipped, "utf-8")
            if "changed" in what:
                (own / "x.yaml").write_text(f"# changed\n{shipped}", "utf-8")
            seconds, checks = timed(App())
            print(f"{what}: {seconds:.2f} s, {checks} checks")


if __name__ == "__main__":
    main()
