"""A message as Slack's Block Kit: at most 50 blocks, 3,000 characters in a section, 2,000 in a field."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from proofwatch.alerts.channels.base import ENDS, Happened, Message
from proofwatch.alerts.channels.escaping import code, entities, fit, link, mrkdwn, pack
from proofwatch.alerts.channels.templates import Parts, Resource, parts

SECTION, FIELD, MOST_BLOCKS, LABEL = 2900, 1900, 50, 75
WHOLE = 11_000
"""Characters of all sections together: Slack refuses longer messages (`msg_blocks_too_long`)."""
PERSON = re.compile(r"[UW][A-Z0-9]{2,30}")
NOT_ANSWERABLE = ENDS | {Happened.DIGEST, Happened.TEST, Happened.ACCEPTED}
LABELS = {"acknowledge": "Acknowledge", "review": "Review: repair", "open": "Open"}
Block = dict[str, Any]


def blocks(message: Message, interactive: bool) -> list[Block]:
    """Return the blocks of a message.

    Args:
        message: the facts.
        interactive: buttons that answer to us; else links only, for those whom Slack cannot reach.
    """
    found = parts(message)
    made = [_section("*" + fit(found.title, SECTION, mrkdwn) + "*")]
    made += [_section(f"For {people}")] if (people := mentions(message)) else []
    made += _facts(found)
    made += _sections(_lines(found))
    ends = [*_actions(message, found, interactive), *_ground(found)]
    return made[: MOST_BLOCKS - len(ends)] + ends


def fallback(message: Message) -> str:
    """Return the text that notifications and screen readers show."""
    return fit(parts(message).title, SECTION, mrkdwn)


def mentions(message: Message) -> str:
    """Return the people whom the message calls, by their Slack ids; anything else is no mention."""
    return " ".join(f"<@{name}>" for name in message.to if PERSON.fullmatch(name))


def _facts(found: Parts) -> list[Block]:
    fields = [_text(f"*{label}*\n" + fit(value, FIELD, mrkdwn)) for label, value in found.facts]
    return [{"type": "section", "fields": fields[at : at + 10]} for at in range(0, len(fields), 10)]


def _lines(found: Parts) -> list[list[str]]:
    """Return groups of lines; a group begins a section of its own."""
    rows = [f"• {fit(item.name, SECTION // 2, code)}{_rest(item)}" for item in found.resources]
    rows += [mrkdwn(found.more)] if found.more else []
    groups = [[f"*{found.listed}*", *rows]] if rows else []
    groups += [[f"• {fit(line, SECTION - 2, mrkdwn)}" for line in found.lines]] if found.lines else []
    for label, lines in found.texts:
        groups.append([f"*{label}*", *(fit(line, SECTION, mrkdwn) for line in lines)])
    return groups


def _rest(item: Resource) -> str:
    place = f" ({mrkdwn(item.place)})" if item.place else ""
    return place + (": " + fit(item.reason, SECTION // 3, mrkdwn) if item.reason else "")


def _sections(groups: Sequence[Sequence[str]]) -> list[Block]:
    made: list[Block] = []
    left = WHOLE
    for group in groups:
        for text in pack(group, SECTION):
            left -= len(text)
            if left < 0:
                return [*made, _section("… more than fits here: open it in Proofwatch.")]
            made.append(_section(text))
    return made


def _actions(message: Message, found: Parts, interactive: bool) -> list[Block]:
    elements: list[Block] = []
    if interactive and message.number and message.happened not in NOT_ANSWERABLE:
        elements = [_button(action, message.number) for action in ("acknowledge", "review")]
    if not interactive:
        elements = [
            {**_button(item.action, message.number, item.label), "url": link(item.url)}
            for item in message.buttons[:5]
            if link(item.url) and item.action in LABELS
        ]
    if found.link and not any(item["action_id"] == "open" for item in elements):
        elements.append({**_button("open", message.number), "url": found.link})
    return [{"type": "actions", "elements": elements}] if elements else []


def _button(action: str, value: str, label: str = "") -> Block:
    text = fit(label or LABELS[action], LABEL, entities)
    made: Block = {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": text}}
    if value:
        made["value"] = value[:100]
    return made


def _ground(found: Parts) -> list[Block]:
    form: Callable[[str], str] = partial(fit, limit=FIELD, form=code)
    elements = [_text(f"{label}: {form(value)}") for label, value in found.ground]
    return [{"type": "context", "elements": elements}] if elements else []


def _section(text: str) -> Block:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> Block:
    # verbatim: Slack then makes no links, channel names or mentions of its own out of the text.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
