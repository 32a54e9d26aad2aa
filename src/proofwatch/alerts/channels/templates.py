"""What a message shows, in which order: the one place for all media.

`parts` turns a `Message` into neutral, cleaned pieces; `plain` and `page` write them as text and HTML. The
other media have a file of their own, and take their pieces from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from proofwatch.alerts.channels.base import ENDS, Failing, Happened, Message
from proofwatch.alerts.channels.escaping import clean, cut, html, link, paragraphs

MOST = 10
"""Resources in one message; what further ones there are is said as a number."""
NAME, PLACE, REASON, LINE, HEADLINE, TEXT = 200, 60, 300, 300, 400, 1200
SUBJECT = 200

TOLD: dict[Happened, str] = {
    Happened.OPENED: "New alert",
    Happened.REGRESSED: "Failing again",
    Happened.CHANGED: "Changed",
    Happened.REPEATED: "Still waiting",
    Happened.ESCALATED: "Escalated",
    Happened.ACKNOWLEDGED: "Acknowledged",
    Happened.REVIEWED: "Reviewed",
    Happened.TASK: "Task",
    Happened.CLAIMED: "Repair claimed, not yet verified",
    Happened.NOT_CONFIRMED: "Repair not confirmed",
    Happened.RESTORED: "Verified restored",
    Happened.GONE: "Resource gone",
    Happened.CLOSED: "Closed",
    Happened.ACCEPTED: "Risk accepted, still failing",
    Happened.ACCEPTANCE_ENDED: "Risk acceptance ended",
    Happened.INTERRUPTED: "Evidence interrupted",
    Happened.FLAPPING: "Flapping",
    Happened.DIGEST: "Digest",
    Happened.DRILL: "Drill",
    Happened.TEST: "Test",
}
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Resource:
    """One failing resource, cleaned: its name, where it is, and why it fails."""

    name: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parts:
    """A message in pieces, cleaned but not yet escaped, in the order in which they are shown.

    Attributes:
        title: mark, what happened, the alert's number and the headline, on one line.
        mark: "" or what has to be seen first.
        facts: (label, value) of what is known, at most nine.
        listed: heading of the resources.
        resources: at most ten.
        more: "" or "and 31 more".
        lines: a digest's lines.
        texts: (label, lines) of what is longer: note, why it matters, how to fix.
        ground: (label, value) of what it rests on: evidence and checks.
        link: "" or an http(s) address.
    """

    title: str
    mark: str
    facts: tuple[Pair, ...]
    listed: str
    resources: tuple[Resource, ...]
    more: str
    lines: tuple[str, ...]
    texts: tuple[tuple[str, tuple[str, ...]], ...]
    ground: tuple[Pair, ...]
    link: str


def parts(message: Message) -> Parts:
    """Return the pieces of a message."""
    shown = message.failing[:MOST]
    more = message.more + len(message.failing) - len(shown)
    return Parts(
        title=title(message),
        mark=clean(message.mark, 40),
        facts=_facts(message),
        listed="What failed" if message.happened in ENDS else "Failing",
        resources=tuple(map(_resource, shown)),
        more=f"and {more} more" if more > 0 else "",
        lines=tuple(clean(line, LINE) for line in message.lines),
        texts=_texts(message),
        ground=_ground(message),
        link=link(message.link),
    )


def title(message: Message, limit: int = HEADLINE) -> str:
    """Return the one line that says everything; its mark and number are never cut off."""
    mark = f"[{clean(message.mark, 40)}] " if message.mark else ""
    # A digest's headline says by itself that it is one.
    told = "" if message.happened == Happened.DIGEST else TOLD[message.happened]
    start = " ".join(filter(None, (told, clean(message.number, 20))))
    return cut(mark + (f"{start}: " if start else "") + clean(message.headline, limit), limit)


def moment(at: datetime) -> str:
    """Return a time in UTC, with seconds. A time without a zone is UTC."""
    known = at.astimezone(UTC) if at.tzinfo else at
    return f"{known:%Y-%m-%d %H:%M:%S} UTC"


def plain(found: Parts) -> str:
    """Return the message as plain text. Whatever comes from outside cannot begin a line of its own."""
    blocks = [found.title, "\n".join(f"{label}: {value}" for label, value in found.facts)]
    rows = [f"  - {named(item)}" for item in found.resources]
    rows += [f"    {found.more}"] if found.more else []
    blocks += [f"{found.listed}:\n" + "\n".join(rows)] if rows else []
    blocks += ["\n".join(f"  - {line}" for line in found.lines)]
    blocks += [f"{label}:\n" + "\n".join(f"  {line}" for line in lines) for label, lines in found.texts]
    blocks += [f"Open: {found.link}"] if found.link else []
    blocks += ["\n".join(f"{label}: {value}" for label, value in found.ground)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def named(item: Resource) -> str:
    """Return a resource on one line of plain text."""
    place = f" ({item.place})" if item.place else ""
    return f"{item.name}{place}" + (f": {item.reason}" if item.reason else "")


def page(found: Parts) -> str:
    """Return the message as an HTML page of its own: no script, image, form or outside style."""
    body = [f'<p style="{MARK}">{html(found.mark)}</p>'] if found.mark else []
    body.append(f'<h1 style="font-size:18px;margin:0 0 12px">{html(found.title)}</h1>')
    body.append(_table(found.facts))
    items = [_item(item) for item in found.resources]
    items += [f"<li>{html(found.more)}</li>"] if found.more else []
    body += [f"<h2 {H2}>{found.listed}</h2><ul>{''.join(items)}</ul>"] if items else []
    if found.lines:
        body.append("<ul>" + "".join(f"<li>{html(line)}</li>" for line in found.lines) + "</ul>")
    for label, lines in found.texts:
        body.append(f"<h2 {H2}>{label}</h2>" + "".join(f"<p>{html(line)}</p>" for line in lines))
    if found.link:
        body.append(f'<p><a href="{html(found.link)[5:-6]}">Open in Proofwatch</a></p>')
    body.append(_table(found.ground))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"></head>'
        '<body style="font-family:sans-serif;font-size:14px;color:#1c1c1c">'
        + "\n".join(filter(None, body))
        + "</body></html>\n"
    )


MARK = "background:#7a1f1f;color:#ffffff;padding:6px 10px;font-weight:bold;display:inline-block"
H2 = 'style="font-size:14px;margin:16px 0 4px"'


def _table(pairs: tuple[Pair, ...]) -> str:
    cell = '<td style="padding:1px 14px 1px 0;vertical-align:top">'
    rows = "".join(f"<tr>{cell}{label}</td>{cell}{html(value)}</td></tr>" for label, value in pairs)
    return f'<table role="presentation">{rows}</table>' if rows else ""


def _item(item: Resource) -> str:
    place = f" ({html(item.place)})" if item.place else ""
    return f"<li><code>{html(item.name)}</code>{place}" + (
        f": {html(item.reason)}</li>" if item.reason else "</li>"
    )


def _facts(message: Message) -> tuple[Pair, ...]:
    control = f"{message.control} {message.control_title}"
    pairs = (
        ("Severity", message.severity),
        ("State", message.state),
        ("Control", control),
        ("Criteria", ", ".join(message.criteria)),
        ("Connection", message.connection),
        (
            "Failed since" if message.happened in ENDS else "Failing since",
            moment(message.since) if message.since else "",
        ),
        ("Due", moment(message.due) if message.due else ""),
        ("For", message.owner),
        ("By", message.actor),
        ("At", moment(message.at)),
    )
    return tuple((label, clean(value, LINE)) for label, value in pairs if value.strip())


def _resource(item: Failing) -> Resource:
    account = f"account {item.account_id}" if item.account_id else ""
    place = ", ".join(filter(None, (account, item.region)))
    return Resource(clean(item.resource, NAME), clean(place, PLACE), clean(item.reason, REASON))


def _texts(message: Message) -> tuple[tuple[str, tuple[str, ...]], ...]:
    longer = (("Note", message.note), ("Why it matters", message.why), ("How to fix", message.fix))
    found = ((label, paragraphs(text, TEXT)) for label, text in longer)
    return tuple((label, lines) for label, lines in found if lines)


def _ground(message: Message) -> tuple[Pair, ...]:
    checks = ", ".join(f"{name} {version}".strip() for name, version in message.checks)
    pairs = (("Evidence", message.evidence), ("Checks", checks))
    return tuple((label, clean(value, LINE)) for label, value in pairs if value)
