"""`disagreements`: where another source and our own checks judge the same thing differently."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from proofwatch.app import App
from proofwatch.cli.output import json_option, print_json, print_table, say, utc


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also where both agree, or one cannot tell.")
@json_option
def disagreements(everything: bool, as_json: bool) -> None:
    """Show second opinions: what Vanta, Drata, AWS Config or Security Hub assert where we found otherwise.

    Which of their rules judges the same as a check of ours stands in the check (same_as); for Vanta and Drata
    also in the setting `same` of the connection. A verdict that is stale or has no match is no disagreement
    and no agreement: --all shows why. Exit code 1 if there is a disagreement.
    """
    from proofwatch.pipeline import TABLES
    from proofwatch.store import opinions

    app = App().open()
    found = list(opinions.every(app.objects, app.settings.cache / TABLES))
    differing = [item for item in found if item.differs]
    shown = found if everything else differing
    if as_json:
        print_json([{**asdict(item), "differs": item.differs} for item in shown])
    else:
        print_table(
            ["Source", "Its rule", "Our check", "Resource", "They say", "Judged", "We found", "Observed"],
            (
                (
                    item.source, item.rule_name, item.check, f"{item.connection} {item.item}",
                    item.theirs or item.why or "cannot tell", item.theirs_at and utc(item.theirs_at),
                    item.ours or item.why or "cannot tell", item.ours_at and utc(item.ours_at),
                )
                for item in shown
            ),
            empty=_empty(len(found)),
        )  # fmt: skip
        say(f"{len(differing)} of {len(found)} things that both judged differ. {utc(datetime.now(UTC))}")
    raise SystemExit(1 if differing else 0)


def _empty(number: int) -> str:
    if number:
        return "No disagreement."
    return (
        "Nothing was compared: connect Vanta or Drata, and say with `same` which tests are ours, too, "
        "or an AWS account where AWS Config or Security Hub judges."
    )
