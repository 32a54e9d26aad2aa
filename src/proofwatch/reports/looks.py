"""How each status looks: the one table behind pages, charts and PDFs."""

from __future__ import annotations

from dataclasses import dataclass

SIGNS = {
    "cross": "✗",
    "tick": "✓",
    "question": "?",
    "void": "∅",
    "clock": "○",
    "wave": "≈",
    "dash": "–",
    "dot": "•",
    "tool": "▶",
    "eye": "●",
    "up": "▲",
    "pause": "‖",
}
"""Icon → the character that stands for it where there is only text."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a status looks."""

    icon: str
    tone: str
    """bad, worry, wait, good, accept or quiet: the colour; the word and the icon say the same."""


LOOKS: dict[str, Look] = {
    **dict.fromkeys(
        ("failing", "fail", "failed", "open", "refused", "late", "missed", "breached", "not read", "wrong"),
        Look("cross", "bad"),
    ),
    **dict.fromkeys(("no data", "stale", "disabled", "off"), Look("void", "worry")),
    **dict.fromkeys(
        ("inconclusive", "partial", "needs permission", "unknown", "look at it", "differs"),
        Look("question", "worry"),
    ),
    **dict.fromkeys(
        ("pending", "queued", "retrying", "planned", "collecting", "requested", "testing", "waiting"),
        Look("clock", "wait"),
    ),
    **dict.fromkeys(("accepted", "approved", "expected"), Look("wave", "accept")),
    **dict.fromkeys(
        (
            "passing",
            "pass",
            "restored",
            "verified restored",
            "complete",
            "connected",
            "enabled",
            "on",
            "verified",
            "read only",
            "covered",
            "told",
            "in order",
            "agrees",
        ),
        Look("tick", "good"),
    ),
    **dict.fromkeys(("gone", "verified: resource gone"), Look("tick", "quiet")),
    **dict.fromkeys(
        (
            "not monitored",
            "not applicable",
            "not_applicable",
            "no longer applies",
            "not set up",
            "not sent",
            "not connected",
            "by hand",
            "ended",
            "skipped",
        ),
        Look("dash", "quiet"),
    ),
    **dict.fromkeys(("acknowledged", "reviewed", "watch"), Look("eye", "wait")),
    **dict.fromkeys(("in remediation", "in progress", "fix claimed", "repair"), Look("tool", "wait")),
    **dict.fromkeys(("paused", "silenced"), Look("pause", "quiet")),
    **dict.fromkeys(("critical",), Look("up", "bad")),
    **dict.fromkeys(("high",), Look("up", "worry")),
    **dict.fromkeys(("medium", "low"), Look("dot", "quiet")),
}
OTHER = Look("dot", "quiet")


def look(word: str) -> Look:
    """Return how a status looks; one that nobody foresaw is quiet."""
    if word.startswith("closed"):
        return Look("dash", "quiet")
    return LOOKS.get(word, OTHER)
