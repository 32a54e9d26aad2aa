"""The table in which a source's verdicts stand beside our own; see `store.comparison`."""

from __future__ import annotations

from proofwatch.connectors.rest.declare import Col, RestTable

OTHERS = "the last sweeps of the other connections"
OWN = "the same sweep"


def comparison(kind: str, title: str, *, own: bool = False) -> RestTable:
    """Return the table for a source that judges by itself.

    Args:
        kind: begins the table's name.
        title: of the source.
        own: whether it judges what the same connection reads.
    """
    return RestTable(
        name=f"{kind}_comparison",
        about=f"What {title} asserts beside what our own checks found for the same.",
        service="comparison",
        path="/",
        source=OWN if own else OTHERS,
        derived="beside" if own else "comparison",
        resource="{check_id}|{rule}",
        columns=(
            Col("connection", "VARCHAR", "Whose resources both judged"),
            Col("check_id", "VARCHAR", "Our check"),
            Col("rule", "VARCHAR", f"The rule of {title} that it names by same_as"),
            Col("rule_name"),
            Col("item", "VARCHAR", "The resource, or 'as a whole'"),
            Col("ours", "VARCHAR", "pass or fail; NULL where we cannot tell, or have no such resource"),
            Col("theirs", "VARCHAR", "pass or fail; NULL where there is no verdict, or an old one"),
            Col("ours_at", "TIMESTAMPTZ", "When we observed it"),
            Col("theirs_at", "TIMESTAMPTZ", f"When {title} judged"),
            Col("why", "VARCHAR", "Why a verdict is missing"),
        ),
    )
