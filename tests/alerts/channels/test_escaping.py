"""Untrusted text, letter by letter; and what every cleaned text has in common, whatever goes in."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.alerts.channels.escaping import (
    NOTHING,
    clean,
    code,
    cut,
    fit,
    html,
    link,
    mrkdwn,
    pack,
    paragraphs,
)
from proofwatch.alerts.channels.wire import short

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\u2028c\td", "a b c d"),
        ("\u202eevil", "\\u202eevil"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("nul\x00 bell\x07 esc\x1b[2J", "nul\\u0000 bell\\u0007 esc\\u001b[2J"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("grün 日本 👩\u200d🚀", "grün 日本 👩\u200d🚀"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, expected):
    assert clean(text, 100) == expected


@given(ANY, st.integers(1, 200))
def test_cleaned_text_is_one_short_visible_line(text, limit):
    made = clean(text, limit)
    assert len(made) <= limit and "\n" not in made and "\r" not in made
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in made)
    assert not any(unicodedata.bidirectional(char) in ("RLO", "LRO", "RLE", "LRE", "PDF") for char in made)
    made.encode("utf-8")


@given(ANY)
def test_no_text_says_anything_to_slack(text):
    made = mrkdwn(clean(text, 300))
    assert "<" not in made and ">" not in made
    assert not re.search(r"&(?!amp;|lt;|gt;)", made)
    for mark in "*~`":
        assert made.count(mark) == made.count(NOTHING + mark + NOTHING)
    assert not made.startswith("&gt;") and not re.search(r"(?i)https?://", made)
    inside = code(clean(text, 300))[1:-1]
    assert "`" not in inside and "<" not in inside


@given(ANY)
def test_no_text_says_anything_to_a_browser(text):
    made = html(clean(text, 300))
    assert made.startswith("<bdi>") and made.endswith("</bdi>")
    inside = made[5:-6]
    assert not set("<>\"'") & set(inside) and not re.search(r"&(?!amp;|lt;|gt;|quot;|#x27;)", inside)


def test_a_time_of_day_and_a_name_with_underscores_stay_as_they_are():
    assert mrkdwn("at 09:30:05 UTC my_long_name") == "at 09:30:05 UTC my_long_name"
    assert mrkdwn(":skull:") == f":{NOTHING}skull:" and mrkdwn("a:100:") == f"a:{NOTHING}100:"
    assert mrkdwn("https://x") == f"https:{NOTHING}//x" and mrkdwn("_it_").count(NOTHING) == 4


@given(ANY, st.integers(10, 400))
def test_what_is_fitted_is_short_and_whole(text, limit):
    made = fit(clean(text, 300), limit, mrkdwn)
    assert len(made) <= limit and not re.search(r"&(?!amp;|lt;|gt;)", made)


@given(st.lists(st.text("ab", max_size=50), max_size=30))
def test_packing_loses_no_line(lines):
    made = pack(lines, 60)
    assert "\n".join(made) == "\n".join(lines) and all(len(item) <= 60 for item in made)


def test_paragraphs_together_keep_to_the_limit():
    assert paragraphs("a\n\n  \nb\r\nc", 100) == ("a", "b", "c")
    assert sum(map(len, paragraphs("xyz\n" * 1000, 100))) <= 100
    assert cut("abc", 2) == "a…" and cut("abc", 3) == "abc"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://a b", "https://x|y", "https://[", "//x", "", "https://ünicode.example",
     "data:text/html,x", "https://x/\n", "https://x/<", "https://x/" + "a" * 3000],
)  # fmt: skip
def test_only_plain_addresses_become_links(url):
    assert link(url) == ""
    assert link("https://a.example/alerts/AL-1?x=1&y=2") == "https://a.example/alerts/AL-1?x=1&y=2"


def test_an_answer_is_short_and_free_of_secrets_and_of_their_parts():
    url = "https://hooks.example.com/services/T0000/B11111/abcdefghijkl?sig=zyxwvutsrq"
    said = short(f"no {url} and /services/T0000/B11111/abcdefghijkl, zyxwvutsrq\x1b[31m" + "x" * 900, [url])
    assert len(said) <= 300 and "abcdefghijkl" not in said and "zyxwvutsrq" not in said and "\x1b" not in said
    assert short("a%2Fb%2Fcdefgh%3D", ["a/b/cdefgh="]) == "…"
