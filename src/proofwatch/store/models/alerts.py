"""Steps 4 and 5: rules, alerts with their failing resources, what happened to them, and reviews."""

from __future__ import annotations

import uuid

from django.db import models

from proofwatch.store.models import fields
from proofwatch.store.models.connections import Connection
from proofwatch.store.models.findings import Finding

NUMBERS = 10_000_000
"""More than there will be alerts."""


class RuleFields(models.Model):
    """One version of a rule: its validated form, and who decided on it, when and why."""

    version = models.PositiveIntegerField(default=1)
    """Counts the decisions, from 1; turning it on or off is one, too."""
    body = fields.json()
    """As `alerts.rules.Rule` writes it."""
    sha256 = fields.digest()
    """Of the canonical JSON of `body`."""
    enabled = models.BooleanField(default=True)
    reason = models.TextField(blank=True, default="")
    by = fields.word()
    at = models.DateTimeField()

    class Meta:
        """Shared by the version in force and the history."""

        abstract = True


class AlertRule(RuleFields):
    """The version of a rule that is in force."""

    id = fields.word(primary_key=True)
    removed_at = models.DateTimeField(null=True, default=None)


class AlertRuleHistory(RuleFields):
    """Every version there ever was. Append-only by trigger."""

    rule_id = fields.word()

    class Meta:
        """One row per version."""

        constraints = (
            models.UniqueConstraint(fields=("rule_id", "version"), name="one_row_per_rule_version"),
        )


class AlertState(models.TextChoices):
    """The states of an alert. Which may follow which stands in `alerts.machine`, nowhere else."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    REMEDIATION = "in remediation"
    CLAIMED = "fix claimed"
    ACCEPTED = "accepted"
    RESTORED = "verified restored"
    GONE = "verified: resource gone"
    DID_NOT_LAST = "closed: did not last"
    FALSE_POSITIVE = "closed: false positive"
    CHECK_CHANGED = "closed: check changed"


class Alert(models.Model):
    """One alert: rule × control × connection × group. Its failing resources are rows inside it.

    Only changes are written: an active alert was last seen failing by the newest run of its
    checks on its connection, whatever `last_failed_at` holds.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(null=True, unique=True, default=None)
    """n of AL-n; None until it opens for the first time."""
    key = fields.digest()
    """SHA-256 of (rule, control, connection, group)."""
    current = models.BooleanField(default=True)
    """True for the newest alert of a key."""
    rule_id = fields.word()
    rule_version = models.PositiveIntegerField()
    control_id = fields.word(blank=True, default="")
    """"" for what is about no control: a connection, an alert, a task."""
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, null=True, related_name="alerts", db_index=False
    )
    group = models.TextField(blank=True, default="")
    """What the rule groups by beyond control and connection, e.g. `account_id=1234`; "" for nothing."""
    state = fields.word(choices=AlertState, default=AlertState.PENDING)
    severity = fields.word()
    rank = fields.rank()
    place = models.GeneratedField(
        expression=fields.WORST * NUMBERS + models.F("number"),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )
    """Severity first, then the order in which they were told, in one number: what it is listed by."""
    headline = models.TextField()
    reason = models.TextField(blank=True, default="")
    """The observation in a sentence: "3 of 41 failing: …"."""
    count = models.PositiveBigIntegerField(default=0)
    population = models.PositiveBigIntegerField(default=0)
    previous = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+", default=None, db_index=False
    )
    """The alert of the same key that ended before."""
    drill = models.UUIDField(null=True, default=None)
    """The drill it belongs to, if it is none of the real ones."""

    baseline = models.BooleanField(default=False)
    """It began in the first sweep of its connection: one digest tells all of those."""
    pending_since = models.DateTimeField()
    first_failed_at = models.DateTimeField()
    """The first failing observation: the SLA's clock starts here."""
    last_failed_at = models.DateTimeField()
    observed_at = models.DateTimeField()
    """The newest observation that changed this row."""
    opened_at = models.DateTimeField(null=True, default=None)
    """When it opened last: again, where it failed again soon after its end."""
    first_opened_at = models.DateTimeField(null=True, default=None)
    """When it got its number; never changed. Which periods it belongs to is told by this."""
    acknowledged_at = models.DateTimeField(null=True, default=None)
    acknowledged_by = fields.word(blank=True, default="")
    reviewed_at = models.DateTimeField(null=True, default=None)
    viewed_at = models.DateTimeField(null=True, default=None)
    claimed_at = models.DateTimeField(null=True, default=None)
    claimed_by = fields.word(blank=True, default="")
    passes = models.PositiveIntegerField(default=0)
    """Consecutive complete passing runs since the last failure."""
    ended_at = models.DateTimeField(null=True, default=None)
    regressed = models.PositiveIntegerField(default=0)
    transitions = fields.json(list)
    """When it began to fail or stopped, within the last 24 h, as RFC 3339: what flapping is counted from."""

    interrupted_since = models.DateTimeField(null=True, default=None)
    interruption = models.TextField(blank=True, default="")
    flapping_since = models.DateTimeField(null=True, default=None)
    inhibited_since = models.DateTimeField(null=True, default=None)
    escalated = models.PositiveSmallIntegerField(default=0)
    escalate_at = models.DateTimeField(null=True, default=None)
    """When the next level is told unless somebody acknowledges or reviews before."""
    repeat_at = models.DateTimeField(null=True, default=None)
    ack_until = models.DateTimeField(null=True, default=None)
    due_at = models.DateTimeField(null=True, default=None)
    breached_at = models.DateTimeField(null=True, default=None)
    """Set once, when the SLA was missed; never cleared."""
    accepted_until = models.DateTimeField(null=True, default=None)
    accepted_count = models.PositiveBigIntegerField(default=0)
    """How many were failing when the risk was accepted: more end the acceptance."""
    dismissed_until = models.DateTimeField(null=True, default=None)
    """Until when a false positive stays closed although it fails, unless check or rule change."""
    evidence_before = fields.digest()
    """The manifest of the sweep that saw it fail last."""
    evidence_after = fields.digest()
    """The manifest of the sweep that proved its end."""
    rule_digests = fields.json()
    """Check id → version and parameters' digest that it failed under last, for the proof of its end."""

    class Meta:
        """Read by state, by connection and by what is due."""

        constraints = (
            models.UniqueConstraint(
                fields=("key",), condition=models.Q(current=True), name="one_current_alert"
            ),
        )
        indexes = (
            models.Index(fields=("connection", "state"), name="alert_by_connection"),
            models.Index(fields=("state", "reviewed_at", "number"), name="alert_by_review"),
            models.Index(fields=("rule_id", "state"), name="alert_by_rule"),
            models.Index(fields=("key",), name="alert_by_key"),
            models.Index(fields=("place",), name="alert_by_place"),
        )

    @property
    def name(self) -> str:
        """Return AL-n, or a word for one that never opened."""
        return f"AL-{self.number}" if self.number else "pending"


class AlertResource(models.Model):
    """A finding inside an alert, from when it joined until it stopped failing."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="resources")
    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, default=None)
    ended_as = fields.word(blank=True, default="")
    """The finding's state when it stopped: restored, gone, rule changed …"""

    class Meta:
        """Once per alert; a regression reopens the row."""

        constraints = (models.UniqueConstraint(fields=("alert", "finding"), name="one_row_per_resource"),)


class AlertEvent(models.Model):
    """One thing that happened to an alert. Append-only by trigger; the timeline is read from here."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="events")
    kind = fields.word()
    """An event of `alerts.machine`, or what else happened: viewed, sent, silenced …"""
    before = fields.word(blank=True, default="")
    after = fields.word(blank=True, default="")
    at = models.DateTimeField()
    actor = fields.word()
    role = fields.word(blank=True, default="")
    reason = models.TextField(blank=True, default="")
    data = fields.json()
    sweep = models.UUIDField(null=True, default=None)


class Review(models.Model):
    """One person's review of one alert. Append-only by trigger; a correction is a new row."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="reviews")
    reviewer = fields.word()
    role = fields.word()
    opened_at = models.DateTimeField(null=True)
    """When the alert opened."""
    viewed_at = models.DateTimeField(null=True)
    """When the reviewer first looked at it, as far as we saw."""
    decided_at = models.DateTimeField()
    decision = fields.word()
    note = models.TextField()
    evidence_seen = fields.digest()
    """The manifest of the sweep that the reviewer was shown."""
    channel = fields.word()
    """Where it was decided: cli, web, slack, api."""
    bulk = models.UUIDField(null=True, default=None)
    bulk_size = models.PositiveIntegerField(default=1)
    """"one of 37": how many alerts got the same decision in the same step."""
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", default=None)


class Silence(models.Model):
    """Messages held back for a reason and until an end; evaluation, clock and log go on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    matcher = fields.json()
    """Field → value: alert, rule, control, connection, severity, group; all must match."""
    reason = models.TextField()
    by = fields.word()
    at = models.DateTimeField()
    until = models.DateTimeField()
    until_worse = models.BooleanField(default=False)
    """Ends also when more resources fail than when it began."""
    count = models.PositiveBigIntegerField(default=0)
    counts = fields.json()
    """Alert's id → how many failed in it when it was silenced."""
    ended_at = models.DateTimeField(null=True, default=None)
    ended_by = fields.word(blank=True, default="")
    ended_because = models.TextField(blank=True, default="")


class Drill(models.Model):
    """A synthetic failure sent through the whole path, and how it went."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    control_id = fields.word()
    state = fields.word(default="started")
    """started → sent → acknowledged → restored; or failed, with the reason."""
    reason = models.TextField(blank=True, default="")
    by = fields.word()
    started_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, default=None)
    acknowledged_at = models.DateTimeField(null=True, default=None)
    acknowledged_by = fields.word(blank=True, default="")
    ended_at = models.DateTimeField(null=True, default=None)
    object = fields.digest()
    """The kept outcome."""
