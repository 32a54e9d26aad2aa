"""The command `proofwatch`: finds the verb, turns errors into exit codes. Verbs are imported on first use."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from proofwatch import __version__
from proofwatch.errors import ProofwatchError

VERBS: dict[str, tuple[str, str]] = {
    "init": ("setup:init", "Make the home folder, the database and the signing key."),
    "connect": ("setup:connect", "Connect a source system and prove what may be read and written."),
    "connections": ("connections:connections", "List, show, pause, resume and remove connections."),
    "connectors": ("connections:connectors", "List the connectors and the tables that each can read."),
    "doctor": ("doctor:doctor", "Explain whatever is wrong, and how to mend it."),
    "sweep": ("sweeps:sweep", "Collect and evaluate now."),
    "worker": ("worker:worker", "Sweep every connection at its interval until stopped."),
    "status": ("status:status", "Show the controls, worst first, with reasons."),
    "results": ("status:results", "Show the newest verdicts: check × resource."),
    "findings": ("status:findings", "Show what fails, since when, and what was restored."),
    "disagreements": ("opinions:disagreements", "Where another source judges the same thing differently."),
    "alerts": ("alerts:alerts", "List, show, acknowledge, review and silence alerts."),
    "tasks": ("tasks:tasks", "Who repairs what by when: list, assign, claim."),
    "accept": ("accept:accept", "Risks accepted for a time: request, approve, end."),
    "rules": ("rules:rules", "List, show, change, enable and disable the alert rules."),
    "channels": ("channels:channels", "How people are told: add, test, turn off."),
    "trackers": ("trackers:trackers", "Ticket systems that tasks are told to."),
    "hooks": ("hooks:hooks", "Addresses at which source systems report changes."),
    "serve": ("serve:serve", "Serve the pages, the API and web hooks, with a worker beside them."),
    "drill": ("drill:drill", "Try the whole way of an alert, and keep how it went."),
    "keys": ("keys:keys", "The keys of this installation: what they seal and sign, and a new one."),
    "people": ("people:people", "Who may be named at a human step: list and add."),
    "teams": ("teams:teams", "On-call order, quiet hours, digest."),
    "controls": ("controls:controls", "List, show, import and approve the control list."),
    "checks": ("checks:checks", "List, show, test, enable and disable checks."),
    "snapshot": ("snapshot:snapshot", "Query the collected tables, now or as of any past moment."),
    "evidence": ("evidence:evidence", "List, show and verify the evidence log."),
    "screenshots": ("screenshots:screenshots", "Keep pages as pictures, and list those that were taken."),
    "audits": ("audits:audits", "Observation periods, and how ready each is, day by day."),
    "sample": ("sample:sample", "Draw a sample of a control's population that anybody can draw again."),
    "verify": ("verify:verify", "Verify a binder offline: files, signatures, log, time-stamps, objects."),
    "reperform": ("verify:reperform", "Judge a binder's readings again, and compare every verdict."),
    "export": ("export:export", "Write files for people: the binder of an audit, CSV, PDF, OSCAL, OCSF."),
    "import": ("imports:imports", "Take in the verdicts of other products."),
    "history": ("history:history", "Months of history: archive, ask, bring back, verify."),
    "retention": ("retention:retention", "What evidence is held, until when, and what keeps it."),
    "backup": ("backup:backup", "Copy the whole installation into one file."),
    "restore": ("backup:restore", "Restore a backup into an empty home and database, and prove it."),
    "db": ("db:db", "Move the state to another database."),
    "outside": ("outside:outside", "Who keeps checkpoints outside, and whether they still fit the log."),
    "config": ("configure:config", "Plan, apply and export proofwatch.yaml."),
    "witness": ("witness:witness", "Watch logs of others: cosign what continues, refuse what was rewritten."),
    "demo": ("demo:demo", "Run the main job on a simulated company."),
}
"""Verb → (module:function in this package, one line of help)."""


class Verbs(click.Group):
    """A group whose commands are imported only when they are used, so that start-up stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the process."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command behind a verb."""
        if cmd_name not in VERBS:
            return None
        module, _, function = VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"proofwatch.cli.{module}"), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs from the table above, without importing any."""
        with formatter.section("Verbs, in the order of the process"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 ok · 1 failing controls · 2 usage or configuration · 3 cannot tell.",
)
@click.version_option(__version__, prog_name="proofwatch")
def main() -> None:
    """Proofwatch watches SOC 2 controls and keeps evidence that anyone can verify and re-perform."""
    from proofwatch.cli import logs
    from proofwatch.runtime.memory import calm_collector

    calm_collector()
    logs.configure(os.environ.get("PROOFWATCH_LOG", "warning"))


def run() -> None:
    """Run the command line; the only place where an error becomes an exit code."""
    os.umask(0o077)  # What we keep is for its owner, whatever the mode of the folder that was there before.
    try:
        main(standalone_mode=False)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        click.echo(
            "Stopped. What was finished is kept; running the same verb again goes on from there.", err=True
        )
        sys.exit(130)
    except ProofwatchError as error:
        from proofwatch.cli.output import safe

        click.echo(f"Error: {safe(str(error), keep_lines=True)}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            _end_quietly()
        from proofwatch.cli.output import safe

        where = f"using {error.filename}" if error.filename else "reading or writing"
        said = f"Error: {where}: {error.strerror or type(error).__name__}"
        remedy = "Check that the folder exists, has room and may be written; PROOFWATCH_HOME names ours."
        click.echo(f"{safe(said)}\n  → {remedy}", err=True)
        sys.exit(2)


def _end_quietly() -> None:
    """End because the reader (head, less) has seen enough; that is not a failure of ours."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)
