"""How django-allauth meets our people: nobody signs up, and every sign-in is an entry of the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import password_changed, password_reset, password_set
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.signals import social_account_added, social_account_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Q
from django.dispatch import receiver
from django.http import HttpRequest

from proofwatch.store import log
from proofwatch.store.django import write
from proofwatch.store.models import Person
from proofwatch.store.models.people import Role
from proofwatch.web import access, problems
from proofwatch.web.models import User

FACTORS = {"totp": "one-time codes", "webauthn": "passkey", "recovery_codes": "recovery codes"}


class AccountAdapter(DefaultAccountAdapter):
    """People come in by invitation only."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up."""
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Lead an auditor to their home, everybody else to the controls."""
        person = getattr(request.user, "person", None)
        return "/audit" if person is not None and person.role == Role.AUDITOR else "/"

    def pre_login(self, request: HttpRequest, user: User, **given: Any) -> Any:
        """Refuse somebody who left, or whose time is over."""
        why = access.barred(user.person, datetime.now(UTC))
        if why:
            return problems.show(request, 403, why, "An administrator decides who may sign in.")
        return super().pre_login(request, user, **given)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failed attempts by person: django-allauth counts by what was typed, and by Host.

        Whoever guesses would get as many attempts as there are ports, servers and names of that person.
        """
        said = str(credentials.get("email") or credentials.get("username") or "")
        known = Q(username__iexact=said) | Q(person__email__iexact=said)
        found = User.objects.filter(known).order_by("pk").values_list("username", flat=True).first()
        return found or said.lower()

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send through the first e-mail channel that is on; without one nothing can be sent."""
        from proofwatch.web.mail import send

        message = self.render_mail(template_prefix, email, context)
        send(email, message.subject, message.body)


class SocialAdapter(DefaultSocialAccountAdapter):
    """A sign-in service vouches for an address; who that is stands in our list of people."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Let in a person whom we know by an address that the service verified, at their first time."""
        return _person(sociallogin) is not None

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Refuse strangers, and give a known person without a password their account."""
        if sociallogin.is_existing:
            return
        person = _person(sociallogin)
        if person is None:
            told = problems.show(
                request, 403, "The sign-in service does not name anybody whom Proofwatch knows.",
                "An administrator adds people with their e-mail address, under Settings.",
            )  # fmt: skip
            raise ImmediateHttpResponse(told)
        sociallogin.connect(request, account_of(person))


def account_of(person: Person) -> User:
    """Return how a person signs in, made without a password if there is none yet."""
    found = User.objects.filter(person=person).first()
    if found is None:
        found = User(username=person.name, person=person, email=person.email)
        found.set_unusable_password()
        found.save()
    return found


def _person(sociallogin: Any) -> Person | None:
    verified = [item.email for item in sociallogin.email_addresses if item.verified]
    for address in verified:
        found = list(Person.objects.filter(email__iexact=address, active=True)[:2])
        if len(found) == 1:
            return found[0]
    return None


@receiver(user_logged_in)
def _signed_in(sender: Any, request: HttpRequest, user: User, **given: Any) -> None:
    methods = [item.get("method", "") for item in request.session.get("account_authentication_methods", ())]
    _note("access.signed_in", user.person.name, {"role": user.person.role, "methods": methods})


@receiver(user_logged_out)
def _signed_out(sender: Any, request: HttpRequest, user: User | None, **given: Any) -> None:
    if user is not None:
        _note("access.signed_out", user.person.name, {"role": user.person.role})


@receiver(user_login_failed)
def _refused(sender: Any, credentials: dict[str, Any], **given: Any) -> None:
    """Note a refused sign-in of a name that exists; what strangers type is not kept."""
    name = str(credentials.get("username") or credentials.get("email") or "")
    person = (
        Person.objects.filter(name=name).first() or Person.objects.filter(email__iexact=name).first()
        if name
        else None
    )
    if person is not None:
        _note("access.refused", "web", {"person": person.name})


@receiver([authenticator_added, authenticator_removed, authenticator_reset])
def _factor_changed(sender: Any, signal: Any, user: User, authenticator: Any, **given: Any) -> None:
    """Note that a second factor, a passkey or recovery codes were added, taken away or made anew."""
    done = {authenticator_added: "added", authenticator_removed: "removed"}.get(signal, "made anew")
    what = FACTORS.get(authenticator.type, str(authenticator.type))
    _note("access.changed", user.person.name, {"what": f"{what} {done}"})


@receiver([password_set, password_changed, password_reset])
def _password_changed(sender: Any, request: HttpRequest, user: User, **given: Any) -> None:
    _note("access.changed", user.person.name, {"what": "password changed"})


@receiver([social_account_added, social_account_removed])
def _service_changed(sender: Any, signal: Any, request: HttpRequest, **given: Any) -> None:
    done = "added" if signal is social_account_added else "removed"
    account = given["socialaccount"] if "socialaccount" in given else given["sociallogin"].account
    _note("access.changed", account.user.person.name, {"what": f"sign-in service {done}"})


def _note(kind: str, actor: str, data: dict[str, Any]) -> None:
    with write("recording a sign-in"):
        log.append(kind, actor, data, datetime.now(UTC))
