"""Step 7: binders and bundles that were made, pictures of pages, and verdicts that others passed."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields


class Export(models.Model):
    """One binder: asked for, being written, written, or failed. Its file and its digest stand in the log."""

    number = models.PositiveIntegerField(unique=True)
    kind = fields.word(choices=(("binder", "binder"), ("bundle", "bundle")))
    """A binder is for an audit's whole period; a bundle is one month's, made by the scheduler."""
    audit = fields.word(blank=True, default="")
    first = models.DateField()
    last = models.DateField()
    state = fields.word(
        choices=tuple((word, word) for word in ("waiting", "writing", "done", "failed")), default="waiting"
    )
    stage = fields.word(blank=True, default="")
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    file = fields.word(blank=True, default="")
    """Name of the file in the folder of exports."""
    size = models.PositiveBigIntegerField(default=0)
    sha256 = fields.digest()
    log_size = models.PositiveBigIntegerField(default=0)
    """Entries of the log under the binder's checkpoint."""
    error = models.TextField(blank=True, default="")
    by = fields.word()
    role = fields.word(blank=True, default="")
    at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, default=None)

    class Meta:
        """One bundle for each month; read the newest first."""

        constraints = (
            models.UniqueConstraint(
                fields=("first", "last"), condition=models.Q(kind="bundle"), name="one_bundle_per_month"
            ),
        )

    @property
    def name(self) -> str:
        """Return what people call it: EX-7."""
        return f"EX-{self.number}"


class Screenshot(models.Model):
    """One picture of a page as a browser drew it, or its PDF where there is none. Append-only by trigger."""

    number = models.PositiveIntegerField(unique=True)
    page = fields.word()
    url = models.TextField()
    media_type = fields.word()
    object = fields.digest()
    sidecar = fields.digest()
    """The object that says what it shows: URL, time, person, viewport, digest of its text, browser."""
    cause = fields.word()
    """schedule, change or asked."""
    by = fields.word()
    at = models.DateTimeField()

    class Meta:
        """Read by time."""

        indexes = (models.Index(fields=("at",), name="screenshot_by_time"),)

    @property
    def name(self) -> str:
        """Return what people call it: SC-7."""
        return f"SC-{self.number}"


class Import(models.Model):
    """One file of verdicts that a third party passed, kept as it came. Append-only by trigger."""

    number = models.PositiveIntegerField(unique=True)
    format = fields.word()
    product = fields.word()
    object = fields.digest()
    count = models.PositiveBigIntegerField()
    by = fields.word()
    at = models.DateTimeField()


class Assertion(models.Model):
    """One verdict of a third party: asserted by it, never ours. Append-only by trigger."""

    source = models.ForeignKey(Import, on_delete=models.PROTECT, related_name="assertions")
    place = models.PositiveBigIntegerField()
    """Its place in the file, from 0."""
    product = fields.word()
    check_id = models.TextField()
    title = models.TextField(blank=True, default="")
    resource = models.TextField(blank=True, default="")
    account_id = fields.word(blank=True, default="")
    region = fields.word(blank=True, default="")
    status = fields.word()
    """pass, fail or inconclusive; what we do not know stays inconclusive."""
    raw_status = models.TextField(blank=True, default="")
    severity = fields.word(blank=True, default="")
    asserted_at = models.DateTimeField(null=True, default=None)
    """When its source judged; None where it does not say."""
    raw = fields.json()
    """The whole record as it came."""

    class Meta:
        """Once per place; read by check."""

        constraints = (models.UniqueConstraint(fields=("source", "place"), name="one_assertion_per_place"),)
        indexes = (models.Index(fields=("check_id",), name="assertion_by_check"),)
