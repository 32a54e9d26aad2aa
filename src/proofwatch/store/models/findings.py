"""Steps 4 to 6 begin here: a failing check × resource, until a later reading proves it restored."""

from __future__ import annotations

from django.db import models

from proofwatch.store import lookups as lookups
from proofwatch.store.models import fields
from proofwatch.store.models.connections import Connection
from proofwatch.store.models.sweeps import Sweep


class FindingState(models.TextChoices):
    """Only the system moves a finding, on complete readings; only `restored` says that it was repaired.

    `rule changed`: it does not fail any more, but its check or the parameters changed since it last did.
    `no longer applies`: the resource is there, and the check is not about it any more.
    """

    OPEN = "open"
    RESTORED = "restored"
    GONE = "gone"
    RULE_CHANGED = "rule changed"
    NOT_APPLICABLE = "no longer applies"


class EventKind(models.TextChoices):
    """What can happen to a finding."""

    OPENED = "opened"
    CHANGED = "changed"
    INTERRUPTED = "interrupted"
    RESUMED = "resumed"
    RESTORED = "restored"
    GONE = "gone"
    RULE_CHANGED = "rule changed"
    NOT_APPLICABLE = "no longer applies"
    REGRESSED = "regressed"


class Finding(models.Model):
    """One failing check × resource.

    Only changes are written: an open, uninterrupted finding was last seen failing by
    the newest run of its check on its connection, whatever `last_failed_at` holds.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    """Derived from (connection, check, account, region, resource), which makes that tuple unique."""
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="findings")
    check_id = fields.word()
    account_id = fields.word()
    region = fields.word()
    resource = models.TextField()
    state = fields.word(choices=FindingState, default=FindingState.OPEN)
    severity = fields.word()
    rank = fields.rank()
    reason = models.TextField()
    check_version = fields.word()
    rule = fields.digest()
    """SHA-256 of the check's version and parameters under which it failed last."""
    acceptance = fields.word(blank=True, default="")
    """RA-n while an approved acceptance of the risk covers it; it stays open, visible and counted."""
    first_failed_at = models.DateTimeField()
    last_failed_at = models.DateTimeField()
    """The last failing observation before the newest change of this row."""
    last_observed_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    """When it last began to fail: the regression, where there was one."""
    opened_sweep = models.ForeignKey(Sweep, on_delete=models.PROTECT, related_name="+", db_index=False)
    restored_at = models.DateTimeField(null=True, default=None)
    restored_sweep = models.ForeignKey(
        Sweep, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    regressions = models.PositiveIntegerField(default=0)
    evidence_interrupted_since = models.DateTimeField(null=True, default=None)
    interruption = models.TextField(blank=True, default="")

    class Meta:
        """Read by connection and state in pages of ids, by check, and worst first."""

        indexes = (
            models.Index(fields=("connection", "state", "id"), name="finding_by_state"),
            models.Index(fields=("check_id", "state"), name="finding_by_check"),
            models.Index(fields=("acceptance",), name="finding_by_acceptance"),
            models.Index(
                fields=("evidence_interrupted_since",),
                name="finding_not_seen",
                condition=models.Q(evidence_interrupted_since__isnull=False),
            ),
            models.Index(fields=("rank", "id"), name="finding_by_rank"),
            models.Index(fields=("state", "rank", "id"), name="finding_by_state_and_rank"),
        )


class FindingTag(models.Model):
    """A tag of a finding's resource, `key=value`: only of tags that a rule or an acceptance names."""

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="tags")
    tag = models.TextField()

    class Meta:
        """Each tag once; read by tag."""

        constraints = (models.UniqueConstraint(fields=("finding", "tag"), name="one_tag_per_finding"),)
        indexes = (models.Index(fields=("tag", "finding"), name="finding_by_tag"),)


class FindingEvent(models.Model):
    """One change of a finding. Append-only by trigger."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="events")
    kind = fields.word(choices=EventKind)
    at = models.DateTimeField()
    sweep = models.ForeignKey(Sweep, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField(blank=True, default="")
    check_version = fields.word(blank=True, default="")
