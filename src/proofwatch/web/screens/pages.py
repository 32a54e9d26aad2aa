"""Which pages are kept as pictures. A further one is a further line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofwatch.web.screens import ScreenError


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        name: what people call it; it stands in the list of pictures.
        path: its address below ours, with its query.
        listing: the list that stands for it where there is no browser; "" for none.
        whole: follow the list to its end, one picture for each of its pages.
        configures: take it, too, when what is checked was changed.
    """

    name: str
    path: str
    listing: str = ""
    whole: bool = False
    configures: bool = False


PAGES: tuple[Page, ...] = (
    Page("controls", "/", "controls", whole=True),
    Page("checks", "/checks", "checks", whole=True, configures=True),
    Page("control-list", "/settings/controls", configures=True),
    Page("rules", "/rules/all", "rules", whole=True, configures=True),
    Page("connections", "/connections", "connections", whole=True),
    Page("alerts", "/alerts/all", "alerts"),
    Page("reviews", "/alerts/reviews", "reviews"),
    Page("tasks", "/tasks/all", "tasks"),
    Page("audit", "/audit"),
    Page("evidence", "/evidence", "entries"),
)
"""Each shows 50 rows at once, as for everybody: a picture stays legible, and below what a browser can draw.
What only grows (alerts, reviews, tasks, the log) is shown from its newest on, with the count of the whole."""
MOST_PARTS = 20
"""Pictures of one page that is followed to its end."""
MOST_PATH = 500


def chosen(names: Sequence[str], cause: str) -> list[Page]:
    """Return the pages that somebody names, or those that a cause is about.

    Args:
        names: names of `PAGES`, or addresses of ours such as `/controls/AC-02`; none for all.
        cause: schedule, change or asked.

    Raises:
        ScreenError: there is no such page.
    """
    if not names:
        return [page for page in PAGES if page.configures or cause != "change"]
    known = {page.name: page for page in PAGES}
    return [known.get(name) or _address(name, list(known)) for name in names]


def _address(text: str, known: Sequence[str]) -> Page:
    plain = text.isprintable() and not text.startswith("//") and "\\" not in text and len(text) <= MOST_PATH
    if not (text.startswith("/") and plain):
        remedy = f"known: {', '.join(known)}; or an address of ours, as /controls/AC-02"
        raise ScreenError("choosing pages", f"there is no page {text[:60]!r}", remedy)
    return Page(text, text)
