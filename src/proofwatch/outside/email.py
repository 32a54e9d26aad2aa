"""E-mail: the checkpoint goes to mail boxes of other people, as text to read and as a file to keep."""

from __future__ import annotations

from datetime import UTC
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, ClassVar

from proofwatch.alerts.channels import email
from proofwatch.alerts.channels.base import NotAccepted
from proofwatch.alerts.channels.escaping import clean
from proofwatch.evidence.checkpoint import parse_checkpoint
from proofwatch.evidence.note import encode64, split_note
from proofwatch.outbound.http import Client
from proofwatch.outside.base import Answer, Given, KeeperSettings, OutsideError

TEXT = """\
This is a checkpoint of the evidence log of {whose}.

It covers the first {size} entries of the log, as of {at}.
Keep this message, or the file attached to it: whoever changes one of these entries later
cannot make the log fit this checkpoint any more. Nobody has to answer.

Log      {origin}
Entries  {size}
Root     {root}
Key      {vkey}

To compare it, save the file and run where the log is:

  proofwatch evidence verify --checkpoint {name} --vkey '{vkey}'

The checkpoint itself (C2SP tlog-checkpoint, a signed note):

{note}"""


class Settings(email.Settings, KeeperSettings):
    """Settings of e-mail: those of the channel of that name. `recipients` should be outside, and several."""


class Email:
    """Sends each checkpoint to its recipients through one SMTP server."""

    kind: ClassVar[str] = "email"
    about: ClassVar[str] = "Mail boxes of others: an auditor, a board member, a lawyer. Each keeps a copy."
    interval_minutes: ClassVar[int] = 1440
    settings: ClassVar[type[KeeperSettings]] = Settings

    def keep(self, settings: Any, given: Given, client: Client) -> Answer:
        """Send it. A server's yes says that it took the e-mail, not that a mail box ever gets it.

        Raises:
            OutsideError: the server refused it for every recipient, or it cannot be told.
        """
        made = compose(settings, given)
        try:
            words, refused = email.Email(settings, client).hand(made, settings.recipients)
        except NotAccepted as error:
            open_end = " (it may have been taken all the same)" if error.unanswered else ""
            raise OutsideError(
                "sending a checkpoint", f"{error.problem}{open_end}", error.remedy, permanent=error.permanent
            ) from None
        facts = {
            "accepted_by": f"{settings.host}:{settings.port}",
            "said": words,
            "recipients": list(settings.recipients),
            "refused": refused,
        }
        return Answer(str(made["Message-ID"]), facts=facts)


def compose(settings: Settings, given: Given) -> EmailMessage:
    """Return the e-mail. The same checkpoint gives the same Message-ID, so that a second copy can be told."""
    origin = parse_checkpoint(split_note(given.note)[0]).origin
    whose = clean(given.organization, 200) or origin
    name = f"checkpoint-{given.size}.txt"
    made = EmailMessage(policy=SMTP)
    made["From"] = Address("Proofwatch", addr_spec=settings.sender)
    made["To"] = ", ".join(settings.recipients)
    made["Subject"] = clean(f"Checkpoint of {whose}: {given.size} entries", 150)
    made["Date"] = given.now.astimezone(UTC)
    made["Message-ID"] = email.message_id(
        f"checkpoint {origin} {given.size} {given.root.hex()}", settings.sender
    )
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    text = TEXT.format(
        whose=whose, size=given.size, at=given.now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
        origin=origin, root=encode64(given.root), vkey=given.vkey, name=name, note=given.note,
    )  # fmt: skip
    made.set_content(text, cte="quoted-printable")
    # As bytes, which no mail server rewrites the line ends of: a signature is over them.
    made.add_attachment(
        given.note.encode("utf-8"), maintype="application", subtype="octet-stream", filename=name
    )
    return made
