"""The sentence beside a verdict, as SQL over the judged row.

Names of columns are quoted, texts of a check are literals, and what a row holds stays data, so nothing that
a resource is called can change what is run.
"""

from __future__ import annotations

from collections.abc import Mapping

from proofwatch.checks.base import Check
from proofwatch.checks.validate import PLACEHOLDER
from proofwatch.snapshots.engine import identifier, quote

MAX_VALUE = 200
"""Characters of one value in a reason."""

MAX_REASON = 1000
"""Characters of a whole reason."""


def template_sql(text: str, kinds: Mapping[str, str]) -> str:
    """Return SQL of a sentence with its placeholders filled; what is NULL or was not read is `unknown`."""
    parts, end = [], 0
    for match in PLACEHOLDER.finditer(text):
        parts.append(quote(text[end : match.start()]))
        parts.append(_value(match[1], kinds.get(match[1], "")))
        end = match.end()
    parts.append(quote(text[end:]))
    return " || ".join(part for part in parts if part != "''") or "''"


def _value(column: str, kind: str) -> str:
    """Return SQL of a value as people read it."""
    if not kind:
        return "'unknown'"
    name = identifier(column)
    text = f"CAST({name} AS VARCHAR)"
    if kind in ("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"):
        text = f"strftime({name}, '%Y-%m-%dT%H:%M:%SZ')"
    cut = f"CASE WHEN length({text}) > {MAX_VALUE} THEN left({text}, {MAX_VALUE - 1}) || '…' ELSE {text} END"
    unread = f"map_contains(_unread, {quote(column)})"
    return f"CASE WHEN {unread} THEN 'unknown' ELSE coalesce({cut}, 'unknown') END"


def inapplicable_sql(check: Check) -> str:
    """Return SQL of the sentence about a row to which the check does not apply."""
    return quote(f"not applicable: it is judged only where {' '.join(check.applies.split())}")


def unknown_sql(check: Check, kinds: Mapping[str, str]) -> str:
    """Return SQL of why a row cannot be judged; NULL where neither its columns nor the check tell."""
    columns = [column for column in check.columns if column in kinds]
    own = template_sql(check.on_unknown, kinds)
    if not columns:
        return f"'cannot tell: ' || {own}" if check.on_unknown else "CAST(NULL AS VARCHAR)"
    reasons = ", ".join(
        f"CASE WHEN map_contains(_unread, {quote(name)}) THEN {quote(f'{name} was not read')} "
        f"|| coalesce(' (' || left(_unread[{quote(name)}], {MAX_VALUE}) || ')', '') END"
        for name in columns
    )
    if check.on_unknown:
        return f"'cannot tell: ' || coalesce(nullif(concat_ws('; ', {reasons}), ''), {own})"
    missing = ", ".join(f"CASE WHEN {identifier(name)} IS NULL THEN {quote(name)} END" for name in columns)
    names = f"list_filter([{missing}], lambda name: name IS NOT NULL)"
    verb = f"CASE WHEN len({names}) = 1 THEN ' is unknown' ELSE ' are unknown' END"
    return (
        f"'cannot tell: ' || coalesce(nullif(concat_ws('; ', {reasons}), ''), "
        f"CASE WHEN len({names}) > 0 THEN array_to_string({names}, ', ') || {verb} END)"
    )


def nested_reason(check: Check) -> str:
    """Return the sentence for a row whose columns are all there, and yet it cannot be judged."""
    if not check.columns:
        return "cannot tell: the check gives no answer"
    return f"cannot tell: a part of {', '.join(check.columns)} is unknown"


def presentable(reason: str) -> str:
    """Return one bounded line: control and direction characters are shown escaped, never sent on."""
    if len(reason) > MAX_REASON:
        reason = reason[: MAX_REASON - 1] + "…"
    if reason.isprintable():
        return reason
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in reason
    )
