"""Moments as people and auditors read them: in UTC to the second, the distance only as help."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def utc(moment: datetime | date | None) -> str:
    """Return `2026-11-23 09:00:00Z`, or the day of a date, or a dash."""
    if moment is None:
        return "–"
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def span(length: timedelta | float | None) -> str:
    """Return a length in its two largest units: `3 d 4 h`; "–" for none."""
    if length is None:
        return "–"
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    parts: list[str] = []
    for size, name in UNITS:
        if seconds >= size or (not parts and size == 1):
            parts.append(f"{seconds // size} {name}")
            seconds %= size
        if len(parts) == 2:
            break
    return " ".join(parts)


def ago(moment: datetime | None, now: datetime) -> str:
    """Return the distance of a moment: `4 min ago`, `in 3 d`."""
    if moment is None:
        return ""
    if moment <= now:
        return f"{span(now - moment)} ago"
    return f"in {span(moment - now)}"


def stamp(moment: datetime | date | None, now: datetime | None = None) -> SafeString:
    """Return a moment as an element that machines can read, too."""
    if moment is None:
        return mark_safe('<span class="none">–</span>')
    text = utc(moment)
    if not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', text, text)
    help_ = f' title="{ago(moment, now)}"' if now else ""
    machine = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    day, clock = text.split(" ")
    return format_html(
        '<time datetime="{}"{}><span>{}</span> <span>{}</span></time>',
        machine, mark_safe(help_), day, clock,  # noqa: S308 – digits
    )  # fmt: skip
