"""`demo`: the main job on a simulated company, from nothing to a verified log."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofwatch.app import App
from proofwatch.cli import demo_alerts, demo_binder, demo_history, demo_systems
from proofwatch.cli.output import console, json_option, print_json, print_table, say, utc
from proofwatch.cli.progress import stage_progress
from proofwatch.config import DEMO_FILE, DEMO_MARK, ConfigError, Settings, load_settings

if TYPE_CHECKING:
    from proofwatch.demo.inbox import Inbox
    from proofwatch.store.models import Sweep


@click.command()
@click.option(
    "--once", is_flag=True, help="End when the story is told, instead of leaving the company running."
)
@json_option
def demo(once: bool, as_json: bool) -> None:
    """Run the main job on a simulated company: connect, sweep, break, repair, sweep again, verify.

    Nothing leaves this machine and no cloud account is needed. The state goes into demo/ of the home folder.
    With --json the story goes to standard error and its outcome, as one object, to standard output.
    """
    if as_json:
        console.file = sys.stderr
    from proofwatch.demo import inbox, systems
    from proofwatch.demo.company import environment
    from proofwatch.demo.server import start

    began = time.monotonic()
    app = App(demo_settings(load_settings()))
    say("DEMO DATA: a simulated company on local servers. No cloud account, no network.\n", "bold")
    with start() as server, inbox.start() as box, _environment(), ExitStack() as stack:
        company = _seed(app, server.url)
        folder, monitored = app.settings.home / "people", company.accounts["production"]
        others = stack.enter_context(systems.running(folder, account_id=monitored, kept=True))
        _connect(app, company, box)
        first = _sweep(app, "3. Sweep")
        demo_systems.tell(app, others)
        _controls(app)
        demo_alerts.deliver(app)
        second = _change(app, company, first)
        told = demo_alerts.tell(app, box)
        good = _verify(app) and demo_binder.hand_over(app)
        seconds = time.monotonic() - began
        _next(app, company, seconds)
        if as_json:
            print_json({**_summary(app, (first, second), good, seconds), **told})
        if not once and sys.stdin.isatty():
            _stay(app, environment(company) | systems.variables())
    sys.exit(0 if good else 1)


def demo_settings(settings: Settings) -> Settings:
    """Return the settings of the demo: everything in demo/ of the home folder, emptied first."""
    home = settings.home / "demo"
    if home.exists():
        if not (home / DEMO_FILE).is_file():
            raise ConfigError(
                "preparing the demo",
                f"{home} exists and was not made by a demo",
                "Move it away; nothing was changed.",
            )
        shutil.rmtree(home)
    home.mkdir(parents=True, mode=0o700)
    (home / DEMO_FILE).write_text(
        "Made by `proofwatch demo`, which empties this folder. DEMO DATA.\n", "utf-8"
    )
    return replace(
        settings,
        home=home,
        database_url=f"sqlite:///{home / 'proofwatch.sqlite3'}",
        objects=str(home / "objects"),
        objects_endpoint="",
        checks=home / "checks",
        allow_hosts=("127.0.0.1",),
        mark=DEMO_MARK,
    )


@contextmanager
def _environment() -> Iterator[None]:
    """Put the environment back as it was: the simulated credentials are the demo's alone."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _seed(app: App, url: str) -> Any:
    from proofwatch.demo.company import environment, seed

    say("1. A company comes into being", "bold")
    with stage_progress(True) as progress:
        company = seed(url, lambda name, done, total: progress("furnish", done, total), well_kept=True)
    os.environ.update(environment(company))
    accounts = ", ".join(f"{name} {number}" for name, number in company.accounts.items())
    say(f"   AWS answers at {url}: accounts {accounts}\n")
    return company


def _connect(app: App, company: Any, box: Inbox) -> None:
    """Connect as of ninety days ago, and tell what has happened since."""
    from proofwatch.cli.setup import initialise, make_connection, show_connection

    say("2. Connect, and prove that we only read", "bold")
    given = {"accounts": ",".join(company.connected), "regions": ",".join(company.regions)}
    seen = demo_history.rehearse(app, given)
    from proofwatch.demo import history

    now = datetime.now(UTC)
    initialise(app, history.begin(now))
    show_connection(make_connection(app, "aws", "aws", given, now=history.begin(now)))
    say()
    demo_history.tell(app, seen, box, now)


def _sweep(app: App, title: str) -> Sweep:
    from proofwatch.cli.sweeps import run_sweep, show_sweep
    from proofwatch.store.services import connections

    say(title, "bold")
    run = run_sweep(app, connections.get("aws"), trigger="demo", slot=datetime.now(UTC))
    show_sweep(run, app.objects)
    say()
    return run


def _controls(app: App) -> None:
    from proofwatch.cli.status import show_controls
    from proofwatch.store.services import controls

    say("4. The controls, worst first", "bold")
    now = datetime.now(UTC)
    listed = controls.current()
    titles = {item.id: item for item in controls.controls_of(listed)} if listed else {}
    show_controls(controls.statuses(now), titles, now)
    say()


def _change(app: App, company: Any, first: Sweep) -> Sweep:
    from proofwatch.demo.events import break_one, repair_one

    say("5. Somebody breaks one thing, somebody repairs another", "bold")
    for story in (break_one(company), repair_one(company)):
        say(f"   {story.sentence}")
    say()
    second = _sweep(app, "6. Sweep again")
    say("7. What changed", "bold")
    _events(second)
    say()
    return second


def _summary(app: App, runs: Sequence[Sweep], good: bool, seconds: float) -> dict[str, Any]:
    from proofwatch.cli.sweeps import sweep_body
    from proofwatch.store.services import controls

    statuses = Counter(item.status for item in controls.statuses(datetime.now(UTC)))
    return {
        "mark": "DEMO DATA",
        "home": app.settings.home,
        "controls": dict(statuses),
        "sweeps": [sweep_body(run, app.objects) for run in runs],
        "log_verified": good,
        "seconds": round(seconds, 1),
    }


def _events(run: Sweep) -> None:
    from proofwatch.store.models import FindingEvent

    words = {
        "opened": "opened",
        "restored": "verified restored",
        "gone": "resource gone",
        "regressed": "failing again",
    }
    rows = (
        FindingEvent.objects.filter(sweep=run, kind__in=words)
        .select_related("finding")
        .order_by("kind", "pk")
    )
    print_table(
        ["What", "Check", "Resource", "Why"],
        (
            (
                words[row.kind],
                row.finding.check_id,
                f"{row.finding.account_id} {row.finding.resource}",
                row.reason,
            )
            for row in rows
        ),
        empty="Nothing changed. That is unexpected here; `proofwatch doctor` may say why.",
    )


def _verify(app: App) -> bool:
    from proofwatch.cli.evidence import show_report, verify_all

    say("9. Verify the evidence log", "bold")
    report = verify_all(app)
    show_report(report)
    say()
    return bool(report.exit_code == 0)


def _next(app: App, company: Any, seconds: float) -> None:
    home = _quoted(app.settings.home)
    say(f"Done in {seconds:.0f} s at {utc(datetime.now(UTC))}. DEMO DATA.", "bold")
    say("\nWhat to do next:")
    say(f"  export PROOFWATCH_HOME={home}")
    for line in (
        "proofwatch status                     # the controls, worst first",
        "proofwatch findings --severity high   # what fails, since when",
        "proofwatch alerts list                # what needs somebody",
        "proofwatch tasks list                 # what is to be repaired, by when",
        'proofwatch snapshot query "SELECT region, count(*) FROM aws_ec2_volume GROUP BY ALL"',
        "proofwatch evidence verify",
        "proofwatch export csv --out /tmp/evidence",
        "proofwatch audits readiness           # every control, every day",
        "proofwatch export binder              # everything, for the auditor",
    ):
        say(f"  {line}")
    say("  Your own account: unset PROOFWATCH_HOME; proofwatch init; proofwatch connect aws --help")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _stay(app: App, variables: dict[str, str]) -> None:
    """Leave the company running, with the pages of what is known of it."""
    from proofwatch.cli import serve

    say("\nThe company goes on running. In another terminal, to sweep it or to change it with any AWS tool:")
    for name, value in variables.items():
        say(f"  export {name}={value}")
    serve.run(app)
    say("Ended. The state stays; the company is gone.")
