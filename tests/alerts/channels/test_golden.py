"""What people are shown, in each medium, as files to look at.

PROOFWATCH_UPDATE_GOLDEN=1 writes them anew; the difference is then reviewed like any other change.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofwatch.alerts.channels import email, pagerduty, slack_blocks, teams, templates, webhook
from proofwatch.alerts.channels.base import Failing, Happened, Message

from .samples import AT, HOSTILE, MESSAGES, NAMES, OPENED, RESTORED

GOLDEN = Path(__file__).parent / "golden"


def mail(message: Message) -> str:
    """Return an e-mail as it goes out, with the one thing in it that is chance made steady."""
    made, _ = email.compose(message, "proofwatch@example.com", ["ops@example.com"], {})
    made.set_boundary("=====boundary=====")
    return made.as_string()


def body(made: Any) -> str:
    # Lone surrogates cannot be written to a file; they go out as "?", as from the client.
    text = json.dumps(made, indent=2, ensure_ascii=False).encode("utf-8", "replace")
    return text.decode() + "\n"


def slack(interactive: bool) -> Any:
    return lambda message: body(
        {"text": slack_blocks.fallback(message), "blocks": slack_blocks.blocks(message, interactive)}
    )


MEDIA: dict[str, Any] = {
    "text.txt": lambda message: templates.plain(templates.parts(message)),
    "page.html": lambda message: templates.page(templates.parts(message)),
    "mail.eml": mail,
    "slack.json": slack(True),
    "slack-links.json": slack(False),
    "pagerduty.json": lambda message: body(pagerduty.event(message, "ROUTING")[1]),
    "teams.json": lambda message: body(teams.card(message)),
    "webhook.json": lambda message: body(webhook.body(message)),
}


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("medium", MEDIA)
def test_a_message_looks_as_it_did(name: str, medium: str) -> None:
    made = MEDIA[medium](MESSAGES[name])
    file = GOLDEN / f"{name}.{medium}"
    if os.environ.get("PROOFWATCH_UPDATE_GOLDEN"):
        file.write_text(made, "utf-8", newline="")
    assert made == file.read_bytes().decode("utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == {f"{n}.{m}" for n in MESSAGES for m in MEDIA}


@pytest.mark.parametrize("medium", [name for name in MEDIA if name != "pagerduty.json"])
@pytest.mark.parametrize("mark", ["TEST", "DRILL", "DEMO DATA"])
def test_a_mark_is_the_first_thing_that_is_seen(medium: str, mark: str) -> None:
    made = MEDIA[medium](replace(OPENED, mark=mark))
    assert mark in made
    if medium == "mail.eml":
        assert f"Subject: [{mark}] New alert AL-12" in made.replace("\r\n ", " ")
    elif medium != "webhook.json":
        assert made.index(mark) < made.index("AL-12")


def test_pagerduty_shows_the_mark_in_its_summary() -> None:
    made = pagerduty.event(replace(OPENED, mark="DRILL"), "k")[1]
    assert made["payload"]["summary"].startswith("[DRILL] New alert AL-12: ")


def test_all_that_a_person_needs_is_in_every_medium() -> None:
    for medium, form in MEDIA.items():
        made = form(OPENED).replace("=\n", "").replace("=E2=80=A6", "…")
        for needed in (
            "vol-009", "encrypted is false", "CC6.1-03", "whoever gets at the disk", "encryption by default",
            "https://proofwatch.example.com/alerts/AL-12", "f" * 64, "aws.ec2.volume-encrypted", "c0ffee",
        ):  # fmt: skip
            assert needed in made, (medium, needed)
        more = '"more": 31' if medium == "webhook.json" else "and 31 more"
        since = "2026-11-23T09:00:00Z" if medium == "webhook.json" else "2026-11-23 09:00:00 UTC"
        assert more in made and since in made, medium


def test_at_most_ten_resources_are_shown_and_the_rest_is_counted() -> None:
    many = replace(OPENED, failing=OPENED.failing * 2, more=5)
    found = templates.parts(many)
    assert len(found.resources) == 10 and found.more == "and 15 more"


def test_hostile_text_opens_no_line_of_its_own_in_plain_text() -> None:
    made = templates.plain(templates.parts(HOSTILE))
    starts = [line for line in made.splitlines() if line.startswith(("Bcc:", "Severity:"))]
    assert starts == ["Severity: high"]
    assert "\u202e" not in made and "\\u202e" in made and "\\u0007" in made and "\r" not in made
    made.encode("utf-8")  # No lone surrogate is left.


def test_hostile_text_is_no_html() -> None:
    made = templates.page(templates.parts(HOSTILE))
    assert "<script" not in made and "&lt;script&gt;" in made and "javascript:" not in made
    tags = set(re.findall(r"<(/?[a-z0-9]+)", made))
    ours = {"html", "head", "meta", "body", "p", "h1", "h2", "ul", "li", "table", "tr", "td", "code", "bdi"}
    assert {tag.strip("/") for tag in tags} <= ours


def test_hostile_text_calls_nobody_and_links_nowhere_in_slack() -> None:
    for interactive in (True, False):
        made = slack_blocks.blocks(HOSTILE, interactive)
        for text in _texts(made):
            assert "<" not in text and ">" not in text
            assert not re.search(r"(?<!`)https?://", re.sub(r"`[^`]*`", "", text))
        assert not any(item.get("url") for block in made for item in block.get("elements", []))
    assert "<" not in slack_blocks.fallback(HOSTILE)


def test_the_people_whom_a_message_is_for_are_called_and_nobody_else() -> None:
    made = replace(OPENED, to=("U0123ABCD", "!channel", "ana@example.com", "W77"))
    assert slack_blocks.mentions(made) == "<@U0123ABCD> <@W77>"


def test_hostile_text_is_a_plain_run_in_teams() -> None:
    content = teams.card(HOSTILE)["attachments"][0]["content"]
    assert {block["type"] for block in content["body"]} == {"RichTextBlock"}
    assert "actions" not in content


def test_nothing_is_lost_on_the_way_to_a_program() -> None:
    data = webhook.body(HOSTILE)["data"]
    assert [item["resource"] for item in data["failing"]] == list(NAMES)


LONG = replace(
    HOSTILE, why="&" * 9000, fix="*w " * 9000, headline="<" * 9000, lines=("&" * 900,) * 41,
    failing=(Failing("&" * 9000, "<" * 9000, "1" * 50, "`" * 90),) * 10,
)  # fmt: skip


@pytest.mark.parametrize("message", [*MESSAGES.values(), LONG], ids=[*MESSAGES, "long"])
def test_the_limits_of_the_providers_are_kept(message: Message) -> None:
    for interactive in (True, False):
        made = slack_blocks.blocks(message, interactive)
        assert len(made) <= 50 and sum(map(len, _texts(made))) < 13_000
        for block in made:
            assert len(block.get("text", {}).get("text", "")) <= 3000
            assert len(block.get("fields", [])) <= 10
            assert all(len(item["text"]) <= 2000 for item in block.get("fields", []))
            assert all(0 < len(text) <= 3000 for text in _texts([block]))
    _, event = pagerduty.event(message, "k")
    assert len(event.get("payload", {}).get("summary", "")) <= 1024
    assert len(json.dumps(event)) < 512_000
    assert len(json.dumps(teams.card(message), ensure_ascii=False).encode("utf-8", "replace")) < 28_000
    made_mail, _ = email.compose(message, "a@example.com", ["b@example.com"], {})
    assert len(str(made_mail["Subject"])) <= 200
    assert all(len(line) <= 998 for line in made_mail.as_bytes().splitlines())


def test_cutting_never_leaves_half_an_entity() -> None:
    for text in _texts(slack_blocks.blocks(LONG, True)):
        assert not re.search(r"&(?!amp;|lt;|gt;)", text)


@pytest.mark.parametrize("happened", list(Happened))
@pytest.mark.parametrize("medium", MEDIA)
def test_every_happening_has_its_words(happened: Happened, medium: str) -> None:
    bare = Message(key="k", thread="t", happened=happened, headline="something", at=AT)
    made = MEDIA[medium](bare)
    assert "something" in made or '"event_action": "' in made
    assert "None" not in made


def test_what_ended_is_told_as_what_had_failed() -> None:
    assert "What failed:" in templates.plain(templates.parts(RESTORED))
    assert "Failing:" in templates.plain(templates.parts(OPENED))


def _texts(made: list[dict[str, Any]]) -> list[str]:
    """Return every text of mrkdwn in these blocks."""
    found = []
    for block in made:
        for item in (block.get("text"), *block.get("fields", []), *block.get("elements", [])):
            if isinstance(item, dict) and item.get("type") == "mrkdwn":
                found.append(item["text"])
    return found
