"""The list of alerts that were told: how each stands, by when to repair it, and how long things took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet

from proofwatch.alerts import silences
from proofwatch.alerts.base import ACTIVE, State, utc_text
from proofwatch.alerts.times import NAMES, VERIFIED, times_of
from proofwatch.checks.base import SEVERITIES
from proofwatch.listings.base import Column, Filter, Listing, Row, one_of
from proofwatch.listings.sources import Stored, if_none
from proofwatch.listings.spans import span
from proofwatch.store.models import Alert, Connection
from proofwatch.store.models.alerts import AlertState

REPAIRING = (State.REMEDIATION, State.CLAIMED)
VIEWS: Mapping[str, Q] = {
    "needs review": Q(state__in=sorted(ACTIVE), reviewed_at__isnull=True),
    "in remediation": Q(state__in=REPAIRING),
    "watched": Q(state__in=sorted(ACTIVE - set(REPAIRING)), reviewed_at__isnull=False),
    "restored": Q(state__in=VERIFIED),
    "all": Q(),
}
"""What people ask for. A review is taken back when it gets worse, so it needs another one then."""


class _Timed(Mapping[str, Any]):
    """A row whose lengths of time are counted when somebody asks: the page does not show them."""

    def __init__(self, facts: Mapping[str, Any], took: Callable[[], Mapping[str, int | None]]) -> None:
        self.facts, self.took = facts, took

    def __getitem__(self, key: str) -> Any:
        if key.startswith("seconds_to_"):
            return self.took()[key.removeprefix("seconds_to_")]
        return self.facts[key]

    def __iter__(self) -> Iterator[str]:
        yield from self.facts
        yield from (f"seconds_to_{name}" for name in NAMES)

    def __len__(self) -> int:
        return len(self.facts) + len(NAMES)


def numbered() -> QuerySet[Any]:
    """Return the alerts that were told at least once; what still waits has no number."""
    return Alert.objects.filter(number__isnull=False).select_related("connection")


def flags(row: Alert, held: Sequence[Any] = ()) -> list[str]:
    """Return what stands beside an alert's state, in words; `held`: the silences in force."""
    silence = silences.covering(row, held) if held else None
    found = {
        "drill": row.drill is not None,
        f"silenced until {utc_text(silence.until)}" if silence else "": silence is not None,
        "late": row.breached_at is not None,
        "evidence interrupted": row.interrupted_since is not None,
        "flapping": row.flapping_since is not None,
        f"escalated {row.escalated}": bool(row.escalated),
        f"again {row.regressed}": bool(row.regressed),
    }
    return [words for words, true in found.items() if true]


def sla(row: Alert, now: datetime) -> str:
    """Say whether an alert was or can still be repaired in the agreed time; "" where nothing was agreed."""
    if row.due_at is None:
        return ""
    active = row.state in ACTIVE
    return "late" if row.breached_at or (active and row.due_at <= now) else "in time"


def _bodies(rows: Sequence[Alert]) -> Iterable[Row]:
    now = datetime.now(UTC)
    held = silences.running(now) if rows else []
    counted: dict[Any, dict[str, int | None]] = {}

    def took(row: Alert) -> Mapping[str, int | None]:
        if not counted:
            counted.update(times_of(rows))
        return counted[row.pk]

    return [_Timed(_body(row, held, now), lambda row=row: took(row)) for row in rows]  # type: ignore[misc]


def _body(row: Alert, held: Sequence[Any], now: datetime) -> dict[str, Any]:
    return {
        "alert": row.name,
        "id": str(row.pk),
        "state": row.state,
        "severity": row.severity,
        "headline": f"{'DRILL: ' if row.drill else ''}{row.headline}",
        "reason": row.reason,
        "rule": row.rule_id,
        "rule_version": row.rule_version,
        "control": row.control_id,
        "connection": row.connection.name if row.connection else "",
        "group": row.group,
        "failing": row.count,
        "population": row.population,
        "flags": flags(row, held),
        "interruption": row.interruption,
        "first_failed_at": row.first_failed_at,
        "opened_at": row.opened_at,
        "acknowledged_at": row.acknowledged_at,
        "acknowledged_by": row.acknowledged_by,
        "reviewed_at": row.reviewed_at,
        "due_at": row.due_at,
        "sla": sla(row, now),
        "ended_at": row.ended_at,
        "evidence_before": row.evidence_before,
        "evidence_after": row.evidence_after,
        "url": f"/alerts/{row.name}",
        "control_url": f"/controls/{row.control_id}" if row.control_id else "",
        "connection_url": f"/connections/{row.connection.name}" if row.connection else "",
    }


def _said(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    number = text.upper().removeprefix("AL-")
    words = Q(headline__icontains=text) | Q(reason__icontains=text) | Q(group__icontains=text)
    return chosen.filter(words | Q(number=int(number)) if _is_number(number) else words)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9


def _view(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(VIEWS[one_of("alerts", "view", VIEWS, text)])


def _state(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(state=one_of("alerts", "state", AlertState.values, text))


def _severity(chosen: QuerySet[Any], text: str) -> QuerySet[Any]:
    return chosen.filter(severity=one_of("alerts", "severity", SEVERITIES, text))


def _words(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(item, item) for item in values if item]


def _rules() -> list[tuple[str, str]]:
    names = Alert.objects.order_by("rule_id").values_list("rule_id", flat=True).distinct()
    return [(name, name) for name in names]


def _controls() -> list[tuple[str, str]]:
    return _words(numbered().order_by("control_id").values_list("control_id", flat=True).distinct())


def connections() -> list[tuple[str, str]]:
    """Return the names of the connections, as choices of a filter."""
    rows = Connection.objects.filter(removed_at=None).order_by("name")
    return _words(rows.values_list("name", flat=True))


LISTING = Listing(
    name="alerts",
    title="Alerts",
    question="Every alert, whatever became of it, with seconds to detect, alert, review and restore.",
    columns=(
        Column("alert", "Alert", "name"),
        Column("state", "State", "status"),
        Column("severity", "Severity", "severity"),
        Column("control", "Control", "name"),
        Column("connection", "Connection", "name"),
        Column("headline", "What"),
        Column("reason", "Why"),
        Column("failing", "Failing", "number", shown=False),
        Column("population", "Of", "number", shown=False),
        Column("flags", "Flags", "names"),
        Column("first_failed_at", "Failing since", "moment"),
        Column("opened_at", "Opened", "moment", shown=False),
        Column("acknowledged_at", "Acknowledged", "moment", shown=False),
        Column("acknowledged_by", "Acknowledged by", shown=False),
        Column("reviewed_at", "Reviewed", "moment", "The newest review that still counts.", shown=False),
        Column("due_at", "Repair by", "moment"),
        Column("sla", "Agreed time", "status", "late, in time, or nothing where no time was agreed."),
        Column("ended_at", "Ended", "moment", shown=False),
        Column("evidence_before", "Evidence before", "digest", shown=False),
        Column("evidence_after", "Evidence after", "digest", shown=False),
        Column("rule", "Rule", "name", shown=False),
        Column("rule_version", "Rule version", "number", shown=False),
        Column("group", "Group", shown=False),
        Column("interruption", "Why not seen", shown=False),
        Column("id", "Id", "digest", shown=False),
        *(Column(f"seconds_to_{name}", f"Seconds to {name}", "number", shown=False) for name in NAMES),
    ),
    source=Stored(
        numbered,
        None,
        {
            "severity": "place",
            "alert": "number",
            "first_failed_at": "first_failed_at",
            "due_at": if_none("due_at"),
            "control": "control_id",
            "state": "state",
        },
        _bodies,
    ),
    sorts=("severity", "alert", "state", "control", "first_failed_at", "due_at"),
    sort="severity",
    filters=(
        Filter("q", "Search", _said),
        Filter("view", "View", _view, lambda: _words(VIEWS)),
        Filter(
            "state",
            "State",
            _state,
            lambda: _words(item for item in AlertState.values if item != State.PENDING),
        ),
        Filter("severity", "Severity", _severity, lambda: _words(SEVERITIES)),
        Filter("control", "Control", lambda chosen, text: chosen.filter(control_id=text), _controls),
        Filter("rule", "Rule", lambda chosen, text: chosen.filter(rule_id=text), _rules),
        Filter(
            "connection", "Connection", lambda chosen, text: chosen.filter(connection__name=text), connections
        ),
        *span("alerts", "first_opened_at", "ended_at"),
    ),
)
