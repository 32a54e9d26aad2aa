"""Everything else, one way: any service that the Apprise library knows, by its address (`ntfy://…`).

Apprise says yes or no and, at best, a status; it has no ids, no threads and no keys. What it does is done
in a process of its own (see `apprise_child`), in which no connection leads into our own network.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

import proofwatch
from proofwatch.alerts.channels.apprise_child import Job, Outcome
from proofwatch.alerts.channels.base import ENDS, Message, NotAccepted, Receipt
from proofwatch.alerts.channels.templates import parts, plain, title
from proofwatch.alerts.channels.wire import secret, short
from proofwatch.outbound.http import Client
from proofwatch.outbound.secrets import Ref

DOING = "sending through Apprise"
START = 30.0
"""Seconds that the process may take to start, beyond those of the sending."""
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT")
"""Variables that the process gets: no proxy, and none of our secrets."""
KINDS = {"critical": "failure", "high": "failure", "medium": "warning", "low": "info"}


class Settings(BaseModel):
    """Settings of an Apprise channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Ref = Field(description="Apprise address (ntfy://…), as env:NAME or file:/path.")


class Apprise:
    """Sends text through one Apprise address."""

    kind: ClassVar[str] = "apprise"
    title: ClassVar[str] = "Apprise (any other service)"
    two_way: ClassVar[bool] = False
    Settings: ClassVar[type[BaseModel]] = Settings

    def __init__(self, settings: BaseModel, client: Client) -> None:
        self.settings = Settings.model_validate(settings.model_dump())
        self.client = client

    def send(self, message: Message, thread: Mapping[str, Any] | None) -> Receipt:
        """Send a message as text. What the service made of it is not told to us."""
        url = secret(self.settings.url, DOING)
        kind = "success" if message.happened in ENDS else KINDS.get(message.severity, "info")
        job = Job(
            url=url,
            title=title(message),
            body=plain(parts(message)),
            kind=kind,
            allowed=tuple(self.client.allowed.hosts),
            seconds=self.client.timeout,
        )
        outcome = _run(job)
        service = short(outcome.service, [url])
        if outcome.sent:
            return Receipt("", f"{service}: accepted, says Apprise")
        raise _refused(outcome, service)


def _run(job: Job) -> Outcome:
    """Send in a process of its own. Raises NotAccepted if that did not end as it should."""
    places = [str(Path(proofwatch.__file__).parent.parent), *filter(None, sys.path)]
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(places))
    command = [sys.executable, "-m", "proofwatch.alerts.channels.apprise_child"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module; the address goes over standard input
            command,
            input=json.dumps(asdict(job)).encode("utf-8", "replace"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=job.seconds + START,
            check=False,
        )
        return Outcome(**json.loads(done.stdout))
    except (subprocess.TimeoutExpired, OSError, ValueError, TypeError) as error:
        problem = f"its process ended without an outcome ({type(error).__name__})"
        raise NotAccepted(DOING, problem, answer=problem, unanswered=True) from None


def _refused(outcome: Outcome, service: str) -> NotAccepted:
    """Return what an outcome that is no acceptance means."""
    if not service:
        problem = "Apprise knows no service of this address"
        remedy = "Compare it with Apprise's list of services, and look at what it needs installed."
        return NotAccepted(DOING, problem, remedy, permanent=True, answer=f"not sent: {problem}")
    if outcome.forbidden and not outcome.left:
        problem = f"{service} would go to {outcome.forbidden}, which is not a public address"
        remedy = f"If that is meant, allow it: PROOFWATCH_ALLOW_HOSTS={outcome.forbidden}"
        return NotAccepted(DOING, problem, remedy, permanent=True, answer=f"not sent: {problem}")
    status = outcome.status
    final = 300 <= status < 500 and status not in (408, 425, 429)
    told = f"status {status}" if status else "no answer in time" if outcome.late else "it failed"
    return NotAccepted(
        DOING,
        f"{service}: {told}",
        permanent=final,
        answer=f"{service}: {told}",
        # Without a status nobody can tell whether it was refused or not answered.
        unanswered=outcome.left and not status,
    )
