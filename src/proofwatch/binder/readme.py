"""The README of a binder: what is here, how to verify it, and what it proves and does not."""

from __future__ import annotations

from typing import Any

from proofwatch.binder.base import Order, text_of

FOLDERS = (
    ("controls/", "the control list, its approvals, and of each control checks, runs, daily status, results"),
    ("alerts/", "the alert history (CSV, PDF), messages, the review log (CSV, PDF), drills, rules, channels"),
    ("remediation/", "repairs with their tickets, accepted risks (CSV, PDF), what became of every finding"),
    ("configuration/", "every check at the start, at the end and on any date of the period; each change"),
    ("coverage/", "the four usual findings, every control day, every gap, what was not read, populations"),
    ("connections/", "the systems that are read, their sweeps, the proof that our identity only reads"),
    ("access/", "who signed in and looked, what was exported"),
    ("documents/", "what people added by hand"),
    ("screenshots/", "pages as a browser drew them, each with what it shows"),
    ("log/", "the evidence log from its first entry, its keys and checkpoints, what others kept of them"),
    ("objects/", "every object that an entry of the period names, by its SHA-256"),
)


def readme(order: Order) -> str:
    """Return the README as Markdown."""
    facts, audit, origin = order.facts, order.audit, order.origin
    objects = facts.get("objects", {})
    lines = [
        f"# Evidence for {origin.organization or 'this organisation'}, {audit.first} to {audit.last}",
        "",
        *([f"**{origin.mark}**", ""] if origin.mark else []),
        f"{_what(order)} Factual export, not an opinion.",
        "",
        "| | |",
        "|---|---|",
        f"| audit | {_cell(audit.name or 'none: a bundle of one month')} |",
        f"| framework | {_cell(audit.framework)} |",
        f"| auditor | {_cell(audit.auditor or '–')} |",
        f"| observation period | {audit.first} to {audit.last}, both days included, UTC |",
        f"| evidence until | {text_of(order.until)} |",
        f"| made | {text_of(origin.now)} by {_cell(origin.by)} ({_cell(origin.named_role())}) |",
        f"| by | `{_cell(origin.where)}` |",
        f"| log | {order.head.origin}, {order.head.size} entries; of the period {_entries(order)} |",
        f"| objects | {objects.get('number', 0)}, {objects.get('bytes', 0)} bytes |",
        "",
        *_verify(order),
        *_kept(facts),
        *_here(facts),
    ]
    return "\n".join(lines) + "\n"


def _what(order: Order) -> str:
    if order.audit.last >= order.origin.now.date():
        return f"The period has not ended: this is its evidence until {text_of(order.until)}."
    return "This is the evidence of the whole period."


def _entries(order: Order) -> str:
    first, last = order.entries
    return f"{first} to {last}" if last >= first else "none"


def _cell(text: str) -> str:
    """Return a text for a cell: names are given by people and may hold anything."""
    return " ".join(text.replace("|", "\\|").replace("`", "'").replace("<", "&lt;").split())


def _verify(order: Order) -> list[str]:
    return [
        "## Verify it, trusting neither the operator nor the software that made it",
        "",
        "Any of these, without a network:",
        "",
        "```text",
        "python3 verify.py BINDER.zip                    needs Python and its package cryptography",
        "open verify.html in a browser, choose the ZIP   nothing to install",
        "proofwatch verify BINDER.zip                    the same, and that tables say what the log says",
        "proofwatch reperform BINDER.zip                 judges the stored readings again and compares "
        "every verdict",
        "sha256sum --check SHA256SUMS                    only that no file was changed",
        "```",
        "",
        "The log's public key is",
        "",
        "```text",
        order.tools.key.vkey,
        "```",
        "",
        "It stands in this file and in `log/vkeys.txt`, and whoever forges a binder would put their own "
        "there: compare it with the key that you received another way. Give a checkpoint that you kept "
        "earlier with "
        "`--checkpoint`: "
        "it shows that nothing before it was rewritten.",
        "",
    ]


def _kept(facts: dict[str, Any]) -> list[str]:
    lines = ["## What others kept", ""]
    if facts.get("stamps"):
        lines.append(f"- {facts['stamps']} time-stamps (RFC 3161) are in `log/kept/`.")
    else:
        lines.append(
            "- **No time-stamp authority stamped the log:** when its entries were written is our own word."
        )
    if facts.get("cosigned"):
        lines.append(f"- {facts['cosigned']} checkpoints were cosigned by witnesses.")
    else:
        lines.append(
            "- **No witness cosigned the log:** that no other version of it exists is not shown by this file."
        )
    lines.append(
        f"- {facts.get('kept', 0)} checkpoints were taken by somebody outside; `log/kept.json` names them."
    )
    return [*lines, ""]


def _here(facts: dict[str, Any]) -> list[str]:
    lines = ["## What is here", "", "| folder | what |", "|---|---|"]
    lines += [f"| `{name}` | {what} |" for name, what in FOLDERS]
    lines += [
        "",
        "Every `NAME.csv` has `NAME.jsonl` with the raw values beside it (in CSV, what a spreadsheet would "
        "run as a "
        "formula begins with an apostrophe), and `NAME.meta.json`: system, organisation, command, when and "
        "by whom, "
        "filter, rows, first and last, readings that it rests on, coverage. Silenced and accepted rows are "
        "included.",
        "",
        "| table | rows |",
        "|---|---|",
    ]
    rows: dict[str, int] = facts.get("rows", {})
    lines += [f"| `{name}` | {rows[name]} |" for name in sorted(rows)]
    left = facts.get("left_out", [])
    lines += ["", "## What is not here", ""]
    lines += [f"- {_cell(text)}" for text in left]
    if not facts.get("screenshots"):
        lines.append("- Screenshots: none was taken in the period.")
    lines += [
        "- Objects that only entries before the period name.",
        "- Passing results beyond the first 1,000 of each check and connection are counted in "
        "`results.meta.json` and "
        "not listed; all of them are in `objects/`.",
    ]
    return lines
