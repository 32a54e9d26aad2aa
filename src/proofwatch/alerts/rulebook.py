"""The rules in force: installed, changed, turned on and off, each by someone, for a reason, as an entry."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from proofwatch.alerts.base import AlertError
from proofwatch.alerts.rules import Rule, load_rules, parse_rule
from proofwatch.store import log
from proofwatch.store.django import guarded, write
from proofwatch.store.models import (
    Alert,
    AlertRule,
    AlertRuleHistory,
    ChannelConfig,
    Person,
    Team,
    TrackerConfig,
)
from proofwatch.store.models.alerts import AlertState
from proofwatch.store.models.people import Role
from proofwatch.store.services.actors import administering
from proofwatch.store.services.naming import missing, unknown

LIVE = (
    AlertState.PENDING,
    AlertState.OPEN,
    AlertState.ACKNOWLEDGED,
    AlertState.REMEDIATION,
    AlertState.CLAIMED,
    AlertState.ACCEPTED,
)
KEPT = ("version", "body", "sha256", "enabled", "reason", "by", "at")


def every() -> list[AlertRule]:
    """Return the rules that exist, by id."""
    with guarded("listing the rules"):
        return list(AlertRule.objects.filter(removed_at__isnull=True).order_by("id"))


def get(rule_id: str) -> AlertRule:
    """Return a rule. Raises StoreError with the nearest id if there is none."""
    found = {row.id: row for row in every()}
    if rule_id not in found:
        raise missing("rule", rule_id, found)
    return found[rule_id]


def form(row: AlertRule) -> Rule:
    """Return the validated form of a stored rule."""
    return parse_rule(row.body, f"reading rule {row.id}")


def active() -> list[tuple[AlertRule, Rule]]:
    """Return the rules that are on, with their forms."""
    return [(row, form(row)) for row in every() if row.enabled]


def install(*, actor: str, now: datetime) -> list[AlertRule]:
    """Make the rules that Proofwatch ships, where there is no rule at all yet."""
    with write("installing the default rules"):
        log.lock()
        if AlertRule.objects.exists():
            return []
        return [_save(None, rule, True, "installed", actor, now) for rule in load_rules()]


def save(rules: Iterable[Rule], *, actor: str, now: datetime, reason: str) -> list[AlertRule]:
    """Make or change rules: all of them or none. Alerts that are under way go on under the new version."""
    doing, rules = "changing the rules", list(rules)
    administering(actor, doing)
    _need_reason(doing, reason)
    for rule in rules:
        _exist(doing, rule)
    with write(doing):
        log.lock()
        known = {row.id: row for row in AlertRule.objects.all()}
        done = []
        for rule in rules:
            row = known.get(rule.id)
            if row is None or row.removed_at or row.sha256 != rule.sha256():
                done.append(_save(row, rule, row.enabled if row else True, reason, actor, now))
        return done


def switch(rule_id: str, enabled: bool, *, actor: str, now: datetime, reason: str) -> AlertRule:
    """Turn a rule on or off. Turning it off closes nothing: its alerts stay until readings end them."""
    doing = f"turning {'on' if enabled else 'off'} rule {rule_id}"
    administering(actor, doing)
    _need_reason(doing, reason)
    with write(doing):
        log.lock()
        row = get(rule_id)
        return row if row.enabled == enabled else _save(row, form(row), enabled, reason, actor, now)


def remove(rule_id: str, *, actor: str, now: datetime, reason: str) -> AlertRule:
    """Remove a rule. Raises AlertError while alerts of it are under way."""
    doing = f"removing rule {rule_id}"
    administering(actor, doing)
    _need_reason(doing, reason)
    with write(doing):
        log.lock()
        row = get(rule_id)
        left = Alert.objects.filter(rule_id=rule_id, current=True, state__in=LIVE).count()
        if left:
            remedy = "Turn it off instead; remove it when they have ended."
            raise AlertError(doing, f"{left} of its alerts are under way", remedy)
        row = _save(row, form(row), False, reason, actor, now)
        AlertRule.objects.filter(pk=row.pk).update(removed_at=now)
    return row


def _exist(doing: str, rule: Rule) -> None:
    """Refuse names that nobody has: such a rule would look right, and tell nobody."""
    channels = list(ChannelConfig.objects.filter(removed_at__isnull=True).values_list("name", flat=True))
    trackers = list(TrackerConfig.objects.filter(removed_at__isnull=True).values_list("name", flat=True))
    teams = list(Team.objects.values_list("name", flat=True))
    people = list(Person.objects.values_list("name", flat=True))
    named = [("channel", name, channels) for name in rule.channels]
    named += [("team", rule.team, teams)] if rule.team else []
    named += [("tracker", rule.tracker, trackers)]
    for level in rule.escalate:
        kind, _, name = level.partition(":")
        known = {"team": teams, "person": people, "role": list(Role.values)}[kind]
        named.append((kind, name, known))
    for what, name, known in named:
        if "*" not in name and name not in known:
            raise unknown(f"{doing}: rule {rule.id}", what, name, known)


def _need_reason(doing: str, reason: str) -> None:
    if not reason.strip():
        raise AlertError(doing, "a decision needs a reason", "say why")


def _save(
    row: AlertRule | None, rule: Rule, enabled: bool, reason: str, actor: str, now: datetime
) -> AlertRule:
    before = {"version": row.version, "sha256": row.sha256, "enabled": row.enabled} if row else None
    made = row or AlertRule(id=rule.id, version=0)
    same = row is not None and row.sha256 == rule.sha256() and row.removed_at is None
    made.version, made.body, made.sha256 = made.version + 1, rule.body(), rule.sha256()
    made.enabled, made.reason, made.by, made.at = enabled, reason.strip(), actor, now
    made.removed_at = None
    made.save(force_insert=row is None, force_update=row is not None)
    AlertRuleHistory.objects.create(rule_id=rule.id, **{name: getattr(made, name) for name in KEPT})
    alerts = Alert.objects.filter(rule_id=rule.id, current=True)
    # Turned off and on again, a rule is the same rule: what two people decided under it stays decided.
    (alerts if same else alerts.filter(state__in=LIVE)).update(rule_version=made.version)
    after = {"version": made.version, "sha256": made.sha256, "enabled": enabled, "body": rule.body()}
    data = {"rule": rule.id, "before": before, "after": after, "reason": made.reason}
    log.append("rule.changed", actor, data, now)
    return made
