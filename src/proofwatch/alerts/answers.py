"""What people answer from a channel: Slack's buttons, once the request is proven to be Slack's.

The person is the one whose handle the request carries; somebody we do not know may read, and may not act.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from proofwatch.alerts import channelbook, review
from proofwatch.alerts.base import AlertError
from proofwatch.alerts.channels.base import ChannelError
from proofwatch.alerts.channels.slack_actions import Action, parse, verify
from proofwatch.errors import ProofwatchError
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import reveal
from proofwatch.store.django import write
from proofwatch.store.models import Person, WebhookDelivery

DOING = "hearing an answer from Slack"


def slack(
    name: str, headers: Mapping[str, str], body: bytes, client: Client, now: datetime
) -> dict[str, Any]:
    """Check a request of Slack's and do what its button says; return what Slack shows to that person.

    Raises:
        ChannelError: it is not signed by Slack, or older than five minutes; nothing is done.
        StoreError: there is no such channel.
    """
    config = channelbook.get(name)
    reference = config.settings.get("signing_secret", "")
    if config.kind != "slack" or not reference:
        raise ChannelError(DOING, "this channel takes no answers")
    verify(headers, body, reveal(reference, DOING), now)
    if not _first_time(name, headers, now):
        return _only_you("This was heard already.")
    action = parse(body)
    person = Person.objects.filter(active=True, handles__slack=action.user_id).first()
    if person is None:
        said = _only_you(f"Proofwatch does not know you ({action.user_id}). Ask an owner to add your handle.")
        _tell(action, said, client)
        return said
    try:
        said = _do(action, str(person.name), now)
    except ProofwatchError as error:
        said = _only_you(f"{error.problem}. {error.remedy}".strip())
    _tell(action, said, client)
    return said


def _first_time(name: str, headers: Mapping[str, str], now: datetime) -> bool:
    """Remember a request by its signature; False if it was heard before: it is valid for five minutes."""
    given = {key.lower(): value for key, value in headers.items()}["x-slack-signature"]
    with write("remembering an answer from Slack"):
        _, fresh = WebhookDelivery.objects.get_or_create(
            source=f"slack:{name}", delivery=given, defaults={"at": now}
        )
    return bool(fresh)


def _tell(action: Action, said: dict[str, Any], client: Client) -> None:
    """Show the answer to whoever pressed: Slack shows only what is sent to the request's own address."""
    if action.response_url:
        try:
            client.request("POST", action.response_url, doing=DOING, body=said)
        except ProofwatchError:
            return  # What was done is done and logged; the thread shows it, too.


def _do(action: Action, person: str, now: datetime) -> dict[str, Any]:
    note = action.text or f"from Slack, by {action.user_name or person}"
    row = review.get(action.alert)
    if action.action == "open":
        review.view(row, by=person, now=now, channel="slack")
        return _only_you(f"{row.name} is {row.state}.")
    review.view(row, by=person, now=now, channel="slack")
    if action.action == "acknowledge":
        review.acknowledge(row.name, note, by=person, now=now, channel="slack")
        return _only_you(f"{row.name} is acknowledged by {person}.")
    if action.action == "review":
        review.review([row.name], "repair", note, by=person, now=now, channel="slack")
        return _only_you(f"{row.name} is reviewed by {person}: repair.")
    raise AlertError(DOING, "the button is not known")


def _only_you(text: str) -> dict[str, Any]:
    return {"response_type": "ephemeral", "replace_original": False, "text": text}
