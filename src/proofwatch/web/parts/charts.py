"""Charts as SVG from the server: the same on screen, in print and in screenshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from proofwatch.web.parts.status import look

HEIGHTS = {"bad": 18, "worry": 14, "wait": 11, "accept": 9, "good": 6, "quiet": 3}
"""Worse is higher, so a strip reads in greyscale."""
BAR, GAP, TALL = 3, 1, 20
LONG, THIN = 60, 2
"""A strip of more days than that has thin bars, and days alike that follow each other are one."""


def strip(days: Sequence[tuple[date, str]], label: str) -> SafeString:
    """Return one bar for each day, the worst status of the day by height and colour.

    Args:
        days: oldest first; "" for a day on which nothing was known.
        label: what it is of, for those who cannot see it.
    """
    if not days:
        return mark_safe('<span class="none">–</span>')
    step = BAR + GAP if len(days) <= LONG else THIN
    bars = []
    for place, number, status in _runs(days, step == THIN):
        tone = look(status).tone if status else "none"
        high = HEIGHTS.get(tone, 2)
        span = days[place][0].isoformat() + (f" to {days[place + number - 1][0]}" if number > 1 else "")
        wide = number * THIN if step == THIN else BAR
        bars.append(
            f'<rect class="{tone}" x="{place * step}" y="{TALL - high}" width="{wide}" height="{high}">'
            f"<title>{span} {escape(status or 'not known')}</title></rect>"
        )
    wide = len(days) * step - (GAP if step != THIN else 0)
    told = f"{label}: {_told(days)}"
    return format_html(
        '<svg class="strip" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>',
        told, wide, TALL, wide, TALL, mark_safe("".join(bars)),  # noqa: S308 – escaped above
    )  # fmt: skip


def _runs(days: Sequence[tuple[date, str]], joined: bool) -> Iterator[tuple[int, int, str]]:
    """Yield (first place, number of days, status): a bar for each day, or for each run of days alike."""
    place = 0
    while place < len(days):
        number, status = 1, days[place][1]
        while joined and place + number < len(days) and days[place + number][1] == status:
            number += 1
        yield place, number, status
        place += number


def _told(days: Sequence[tuple[date, str]]) -> str:
    counts: dict[str, int] = {}
    for _, status in days:
        counts[status or "not known"] = counts.get(status or "not known", 0) + 1
    said = ", ".join(f"{number} days {status}" for status, number in counts.items())
    return f"{days[0][0]} to {days[-1][0]}, {said}"


def sparkline(values: Sequence[float], label: str, wide: int = 160, high: int = 32) -> SafeString:
    """Return a line through the values, from 0 to the largest."""
    if len(values) < 2:
        return mark_safe('<span class="none">–</span>')
    top = max(values) or 1
    step = wide / (len(values) - 1)
    points = " ".join(
        f"{place * step:.1f},{high - 2 - value / top * (high - 4):.1f}" for place, value in enumerate(values)
    )
    told = f"{label}: from {values[0]:g} to {values[-1]:g}, at most {max(values):g}"
    return format_html(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">'
        '<polyline points="{}"/></svg>',
        told, wide, high, wide, high, points,
    )  # fmt: skip


def grid(
    rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], str], label: str
) -> SafeString:
    """Return a map of rows × columns with a status in each cell, as a table that can be read aloud."""
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in columns)
    lines = []
    for row in rows:
        parts = []
        for column in columns:
            status = cells.get((row, column), "")
            tone = look(status).tone if status else "none"
            sign = SIGNS.get(tone, "")
            word = escape(status or "not known")
            parts.append(f'<td class="cell {tone}" title="{word}"><span aria-hidden="true">{sign}</span>'
                         f'<span class="hidden">{word}</span></td>')  # fmt: skip
        lines.append(f'<tr><th scope="row">{escape(row)}</th>{"".join(parts)}</tr>')
    return format_html(
        '<div class="wide" tabindex="0" role="region" aria-label="{}"><table class="grid">'
        '<caption class="hidden">{}</caption>'
        "<thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table></div>",
        label, label, mark_safe(head), mark_safe("".join(lines)),  # noqa: S308 – escaped above
    )  # fmt: skip


SIGNS = {"good": "✓", "bad": "✗", "worry": "?", "wait": "…", "accept": "~", "quiet": "–"}
