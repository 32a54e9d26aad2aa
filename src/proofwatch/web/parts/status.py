"""Statuses as word, icon and colour, so that each reads in greyscale and aloud."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from proofwatch.reports.looks import LOOKS, OTHER, Look, look

__all__ = ["ICONS", "LOOKS", "OTHER", "Look", "badge", "icon", "look"]

ICONS = {
    "cross": "M4 4l8 8M12 4l-8 8",
    "tick": "M3 8.5l3.5 3.5L13 4.5",
    "question": "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.8M8 12.6v.4",
    "void": "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M4 12L12 4",
    "clock": "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2 1.3",
    "wave": "M2.5 9.5c2-4 3.5-4 5.5-1.5s3.5 2.5 5.5-1.5",
    "dash": "M4 8h8",
    "dot": "M8 6.500a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3",
    "tool": "M9.5 3.500a3 3 0 0 0 3.8 3.800L7.5 13a1.8 1.8 0 0 1-2.5-2.500z",
    "eye": "M2 8s2.2-4 6-4 6 4 6 4-2.2 4-6 4-6-4-6-4M8 6.500a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3",
    "up": "M8 13V3.500M4 7l4-4 4 4",
    "pause": "M6 4v8M10 4v8",
}
"""Name → strokes on a field of 16 × 16."""


def icon(name: str) -> SafeString:
    """Return an icon; the word beside it says what it means."""
    return format_html(
        '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>', ICONS[name]
    )


def badge(word: str) -> SafeString:
    """Return a status as word, icon and colour."""
    if not word:
        return mark_safe("")
    found = look(word)
    return format_html('<span class="status {}">{}{}</span>', found.tone, icon(found.icon), word)
