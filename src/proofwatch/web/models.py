"""What only the pages need: how people sign in, invitations, tokens of programs."""

from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from proofwatch.store.models import Person, fields


class Users(BaseUserManager):
    """Users by name."""


class User(AbstractBaseUser):
    """How a person signs in. What they may do stands with the person, not here."""

    username = fields.word(unique=True)
    """The person's name."""
    person = models.OneToOneField(Person, on_delete=models.PROTECT, related_name="user")
    email = models.EmailField(blank=True, default="")
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ()
    objects = Users()

    def get_full_name(self) -> str:
        """Return the name that people call them by."""
        return str(self.person.full_name or self.username)


class Invitation(models.Model):
    """A link that lets one person choose how they sign in, once. Only its hash is kept."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="invitations")
    sha256 = models.CharField(max_length=64, unique=True)
    made_by = fields.word()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, default=None)


class Scope(models.TextChoices):
    """What a token may do at most; its person's role is the other limit."""

    READ = "read"
    ACT = "act"
    ADMINISTER = "administer"


class ApiToken(models.Model):
    """A program's way in, in the name of a person. Only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="tokens")
    title = fields.word()
    sha256 = models.CharField(max_length=64, unique=True)
    scope = fields.word(choices=Scope, default=Scope.READ)
    made_by = fields.word()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, default=None)
    revoked_at = models.DateTimeField(null=True, default=None)
    revoked_by = fields.word(blank=True, default="")


class Idempotency(models.Model):
    """The answer to a request that named a key: the same request again gets the same answer."""

    actor = fields.word()
    key = fields.word()
    request = models.CharField(max_length=64)
    """SHA-256 of method, path and body: another request under the same key is refused."""
    status = models.PositiveSmallIntegerField(default=0)
    """0 while the first one is being answered."""
    body = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        """Once per actor and key."""

        constraints = (models.UniqueConstraint(fields=("actor", "key"), name="one_answer_per_key"),)


class Counted(models.Model):
    """What the sign-in counts, until it ends; see `proofwatch.web.counts`."""

    key = models.CharField(max_length=64, primary_key=True)
    """SHA-256 of the key."""
    value = models.JSONField()
    until = models.DateTimeField(db_index=True)
