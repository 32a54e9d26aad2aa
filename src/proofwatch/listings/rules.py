"""The list of alert rules: what each watches for, whether it is on, and who decided that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db.models import Count

from proofwatch.alerts import rulebook
from proofwatch.alerts.routing import Routes
from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Held
from proofwatch.store.models import Alert


def rows() -> Sequence[Row]:
    """Return a row for each rule."""
    routes = Routes(datetime.now(UTC))
    alive = Alert.objects.filter(current=True, state__in=rulebook.LIVE).order_by()
    live = dict(alive.values_list("rule_id").annotate(Count("pk")))
    found = []
    for row in rulebook.every():
        rule = rulebook.form(row)
        found.append(
            {
                "rule": row.id,
                "title": rule.title,
                "state": "enabled" if row.enabled else "disabled",
                "enabled": row.enabled,
                "when": str(rule.when),
                "controls": list(rule.controls),
                "channels": [channel.name for channel in routes.of(rule) if channel.enabled],
                "alerts": live.get(row.id, 0),
                "version": row.version,
                "by": row.by,
                "at": row.at,
                "reason": row.reason,
                "url": f"/rules/of/{row.id}",
            }
        )
    return found


def _state(chosen: Sequence[Row], text: str) -> Sequence[Row]:
    one_of("rules", "state", ("enabled", "disabled"), text)
    return [row for row in chosen if row["state"] == text]


LISTING = Listing(
    name="rules",
    title="Rules",
    question="When alerts begin, for which controls, and who is told.",
    columns=(
        Column("rule", "Rule", "name"),
        Column("title", "Title"),
        Column("state", "State", "status", filed=False),
        Column("enabled", "On", "flag", shown=False),
        Column("when", "When"),
        Column("controls", "Controls", "names"),
        Column("channels", "Told on", "names", "Channels that are on."),
        Column("alerts", "Under way", "number", "Its alerts that have not ended."),
        Column("version", "Version", "number"),
        Column("at", "Decided", "moment"),
        Column("by", "By"),
        Column("reason", "Reason", shown=False),
    ),
    source=Held(rows, "rule"),
    sorts=("rule", "title", "state", "when", "alerts", "at"),
    sort="rule",
    filters=(
        Filter(
            "q",
            "Search",
            lambda chosen, text: [
                row for row in chosen if text.lower() in f"{row['rule']} {row['title']} {row['when']}".lower()
            ],
        ),
        Filter("state", "State", _state, lambda: [("enabled", "enabled"), ("disabled", "disabled")]),
    ),
)
