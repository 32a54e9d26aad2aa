"""Who may do what, and whom to reach: every human step names one of these people."""

from __future__ import annotations

from django.db import models

from proofwatch.store.models import fields


class Role(models.TextChoices):
    """What a person may do. An auditor reads everything and changes nothing."""

    OWNER = "owner"
    LEAD = "lead"
    RESPONDER = "responder"
    AUDITOR = "auditor"


class Person(models.Model):
    """Somebody who can be asked, told and named. Kept for ever, because what they did is evidence."""

    name = fields.word(primary_key=True)
    """Short and lower-case, as written beside every step: `ana`."""
    full_name = fields.word(blank=True, default="")
    email = fields.word(blank=True, default="")
    role = fields.word(choices=Role, default=Role.RESPONDER)
    zone = fields.word(default="UTC")
    """IANA time zone: digests, quiet hours and the days of on-call follow it."""
    handles = fields.json()
    """How each kind of channel and tracker knows them: {"slack": "U012…", "github": "ana"}."""
    active = models.BooleanField(default=True)
    access_until = models.DateTimeField(null=True, default=None)
    """When they may look no more: an auditor's access ends by itself."""
    period_from = models.DateField(null=True, default=None)
    period_to = models.DateField(null=True, default=None)
    """The days that an auditor looks at; None: all."""
    created_at = models.DateTimeField()


class Team(models.Model):
    """People in the order in which they are called: the first on-call now, then those after."""

    name = fields.word(primary_key=True)
    members = fields.json(list)
    """Names, in the order of being called."""
    zone = fields.word(default="UTC")
    rotation_days = models.PositiveSmallIntegerField(default=0)
    """Every so many days the first goes to the end; 0: the order stays."""
    rotates_from = models.DateTimeField(null=True, default=None)
    quiet = fields.json()
    """{} or {"from": "22:00", "to": "07:00", "days": [0–6, 0 is Monday], "reason": …, "except": […]}."""
    channels = fields.json(list)
    """Names of the channels that the digest goes to; `*` stands for any text, [] for every channel."""
    digest_at = fields.word(default="09:00")
    """Hour and minute in `zone` at which the digest is due; "" for none."""
    digested_at = models.DateTimeField(null=True, default=None)
    """Up to when the newest digest told."""
