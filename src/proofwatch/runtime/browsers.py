"""Which browser takes pictures of pages, or why none can."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
REMEDY = "apt-get install chromium; pip install 'proofwatch[screens]'"


def find(said: str) -> str:
    """Return the program's path; "" if there is none.

    Args:
        said: what PROOFWATCH_BROWSER says; "" looks for one.
    """
    for name in (said,) if said else NAMES:
        if found := shutil.which(name):
            return found
    return ""


def problem(said: str) -> str:
    """Return why no picture can be taken, as a sentence; "" if one can."""
    if not find(said):
        return f"PROOFWATCH_BROWSER names {said}, which is no program" if said else "no browser is installed"
    if find_spec("playwright") is None:
        return "what drives the browser is not installed (the extra `screens`)"
    return ""
