"""Tags and filters of our templates: statuses, moments, tables, addresses of files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from proofwatch.listings.base import Column, Row
from proofwatch.web.parts import charts, moments, status, tables

register = template.Library()
STATIC = Path(__file__).parent.parent / "static"
LONGEST_NAMES = 4

register.filter("status", status.badge)
register.filter("icon", status.icon)
register.filter("utc", moments.utc)
register.filter("span", moments.span)
register.simple_tag(charts.strip, name="strip")
register.simple_tag(charts.sparkline, name="sparkline")
register.simple_tag(charts.grid, name="grid")


@register.simple_tag(takes_context=True)
def at(context: Mapping[str, Any], moment: datetime | date | None) -> SafeString:
    """Return a moment, with its distance from now as help."""
    return moments.stamp(moment, context.get("now"))


@register.simple_tag(takes_context=True)
def ago(context: Mapping[str, Any], moment: datetime | None) -> str:
    """Return the distance of a moment from now."""
    return moments.ago(moment, context["now"])


@register.simple_tag
def asset(name: str) -> str:
    """Return the address of a file of ours; it changes with the file."""
    return f"/static/{name}?v={_version(name)}"


@lru_cache(maxsize=64)
def _version(name: str) -> str:
    return hashlib.sha256(Path(f"{STATIC}/{name}").read_bytes()).hexdigest()[:10]


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    """Return a value by its key, "" if there is none."""
    return mapping.get(key, "") if mapping else ""


@register.filter
def short(digest: str) -> str:
    """Return the beginning of a digest."""
    return str(digest or "")[:12]


@register.filter
def pretty(value: Any) -> str:
    """Return JSON over several lines."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str, sort_keys=True)


@register.inclusion_tag("parts/table.html", takes_context=True)
def listing(context: Mapping[str, Any], shown: tables.Table) -> dict[str, Any]:
    """Draw a table."""
    return {"table": shown, "now": context["now"], "request": context.get("request"), "kept": {}}


@register.simple_tag(takes_context=True)
def row_cells(context: Mapping[str, Any], row: Row, shown: tables.Table) -> SafeString:
    """Draw the cells of one row."""
    drawn = (
        (column.name, column.kind, column.title, _linked(cell(column, value, context["now"]), link))
        for column, value, link in tables.cells(row, shown)
    )
    return format_html_join("", '<td class="c-{} k-{}" data-title="{}">{}</td>', drawn)


def _linked(drawn: SafeString | str, link: str) -> SafeString | str:
    return format_html('<a href="{}">{}</a>', link, drawn) if link else drawn


def cell(column: Column, value: Any, now: datetime) -> SafeString | str:
    """Return a value as its kind is shown."""
    if value is None or value == "" or value == [] or value == ():
        return mark_safe('<span class="none">–</span>')
    if column.kind in ("status", "severity"):
        return status.badge(str(value))
    if column.kind == "strip":
        return charts.strip(value, column.title)
    if column.kind == "moment":
        return moments.stamp(value, now)
    if column.kind == "flag":
        return "yes" if value else "no"
    if column.kind == "number":
        return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else f"{value:g}"
    if column.kind == "digest":
        return format_html('<code title="{}">{}</code>', value, str(value)[:12])
    if column.kind == "code":
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return format_html("<code>{}</code>", text)
    if column.kind == "names":
        names = [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
        more = f" and {len(names) - LONGEST_NAMES} more" if len(names) > LONGEST_NAMES else ""
        return ", ".join(names[:LONGEST_NAMES]) + more
    if isinstance(value, SafeString):
        return value
    return str(value)
