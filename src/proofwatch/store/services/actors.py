"""Who may change how things are set up: what is watched, who is told, who may act."""

from __future__ import annotations

from proofwatch.store.base import StoreError
from proofwatch.store.models import Person
from proofwatch.store.models.people import Role

ADMINISTERING = (Role.OWNER, Role.LEAD)


def acting(actor: str, doing: str) -> None:
    """Refuse a person who may only look, or who left; a name that is no person's as in `administering`.

    Raises:
        StoreError: the person is an auditor, or no longer active.
    """
    person = Person.objects.filter(pk=actor).first()
    if person is None:
        return
    if not person.active:
        raise StoreError(doing, f"{actor} is no longer active", "somebody else has to do it")
    if person.role == Role.AUDITOR:
        raise StoreError(doing, f"{actor} is auditor and may only look", "an owner, lead or responder acts")


def administering(actor: str, doing: str) -> None:
    """Refuse a person who may not change settings: an auditor, a responder, somebody who left.

    A name that is no person's is the machine's own: `cli:USER`, the scheduler, the worker. Who can start
    those can write the state's files anyway, and the name stands beside every change.

    Raises:
        StoreError: the person's role is another one, or they are no longer active.
    """
    person = Person.objects.filter(pk=actor).first()
    if person is None:
        return
    if not person.active:
        raise StoreError(doing, f"{actor} is no longer active", "somebody else has to do it")
    if person.role not in ADMINISTERING:
        raise StoreError(
            doing, f"{actor} is {person.role} and may not change this", "an owner or a lead changes settings"
        )
