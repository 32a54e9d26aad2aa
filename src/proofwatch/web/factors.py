"""Second factors at rest: what must stay secret of them is sealed on its way into the database."""

from __future__ import annotations

import secrets
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models.signals import post_init, post_save, pre_save
from django.dispatch import receiver

from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.web.seal import Sealer, add_key, is_sealed, key_of

SECRET = ("secret", "seed")
"""What a factor keeps to itself: the seed of one-time codes, and that of recovery codes."""


def sealer() -> Sealer:
    """Return what seals: the key file as it is now, so that a rotation needs no restart."""
    from proofwatch.web.settings import secret_keys

    return Sealer(secret_keys(Path(settings.PROOFWATCH_SECRET_FILE)))


@receiver(post_init, sender=Authenticator)
@receiver(post_save, sender=Authenticator)
def _open(sender: Any, instance: Authenticator, **given: Any) -> None:
    for name in SECRET:
        if is_sealed(str(instance.data.get(name, ""))):
            instance.data[name] = sealer().open(instance.data[name], _place(instance))


@receiver(pre_save, sender=Authenticator)
def _seal(sender: Any, instance: Authenticator, **given: Any) -> None:
    for name in SECRET:
        if instance.data.get(name):
            instance.data[name] = sealer().seal(str(instance.data[name]), _place(instance))


def counts() -> Counter[str]:
    """Return name of a key → how many stored secrets are sealed with it; "" counts those that are not."""
    found: Counter[str] = Counter()
    for data in Authenticator.objects.values_list("data", flat=True):
        found.update(key_of(str(data[name])) for name in SECRET if data.get(name))
    return found


def rotate(*, actor: str, now: datetime, reason: str) -> tuple[str, int]:
    """Make a new key, and seal every stored secret with it; sessions begin to be signed with it at a restart.

    The older keys stay in the file: sessions that began under them go on until they end.

    Returns:
        The new key's name, and how many rows were sealed anew.
    """
    with write("sealing the stored secrets anew"):
        log.lock()  # Of two who rotate at once, the later would write the file without the other's key.
        add_key(Path(settings.PROOFWATCH_SECRET_FILE), secrets.token_urlsafe(48))
        name = sealer().newest
        rows = list(Authenticator.objects.select_for_update())
        for row in rows:
            row.save(update_fields=["data"])
        data = {"key": name, "rows": len(rows), "reason": reason}
        log.append("secrets.resealed", actor, data, now)
    return name, len(rows)


def _place(row: Authenticator) -> str:
    return f"mfa {row.type} of {row.user_id}"
