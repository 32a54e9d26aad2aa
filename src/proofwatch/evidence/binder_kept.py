"""What others kept of a binder's log: time-stamps and witnesses, each named by its file where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta

from proofwatch.evidence.base import EvidenceError
from proofwatch.evidence.bundle import LOG, Bundle
from proofwatch.evidence.checkpoint import parse_checkpoint
from proofwatch.evidence.cosignature import add_lines
from proofwatch.evidence.kept import STAMP, WITNESS, Kept, judge_kept
from proofwatch.evidence.note import split_note
from proofwatch.evidence.policy import NONE, Policy, evaluate, parse_policy
from proofwatch.evidence.verify import Report

AUTHORITIES = f"{LOG}authorities/"
CHECKPOINTS = f"{LOG}checkpoints/"
KEPT = f"{LOG}kept.json"
POLICY = f"{LOG}policy.txt"
SLACK = timedelta(days=1)
"""How much of a period's end witnesses need not have seen: a binder is cosigned before it is made."""


def judge_outside(
    report: Report,
    bundle: Bundle,
    vkeys: Sequence[str],
    policy: Policy | None,
    authorities: Sequence[bytes],
    period: tuple[int, int],
) -> None:
    """Hold what others kept against the log: time-stamps, cosignatures, and whom the policy asks for.

    Args:
        report: of verifying the log, with the roots and times that its entries give.
        bundle: the binder.
        vkeys: the log's public keys.
        policy: the auditor's own; None takes the binder's, without its quorum.
        authorities: certificates that the auditor trusts, as PEM.
        period: first and last entry of the period.
    """
    own = [] if authorities else list(_own_authorities(report, bundle))
    witnesses = [item.verifier.text for item in (policy or _own_policy(report, bundle)).witnesses]
    items = list(_kept(report, bundle))
    try:
        judge_kept(
            report, report.roots, items, [*authorities, *own], vkeys=vkeys, witnesses=witnesses
        )  # fmt: skip
    except EvidenceError as error:
        report.blame(f"{AUTHORITIES}: {error.problem}")
    if own and any(item.kind == STAMP for item in items):
        report.unproven.append(
            f"that the time-stamp authorities are to be trusted: their certificates came with the binder, in "
            f"{AUTHORITIES}; give those that you trust with --authority"
        )
    if policy is not None and policy.quorum != NONE:
        _judge_quorum(report, policy, items, period)


def _judge_quorum(report: Report, policy: Policy, items: Sequence[Kept], period: tuple[int, int]) -> None:
    """Say how far the witnesses that the policy asks for saw the log: several may have cosigned one size."""
    notes: dict[int, str] = {}
    best = 0
    try:
        for item in items:
            if item.kind == WITNESS:
                text, lines = split_note(item.proof)
                size = parse_checkpoint(text).size
                known = notes.get(size, item.note.decode("utf-8"))
                notes[size] = add_lines(known, lines)
        for size, note in notes.items():
            judged = evaluate(policy, note)
            if judged.met and report.roots.get(size) == judged.checkpoint.root:
                best = max(best, size)
    except (EvidenceError, UnicodeDecodeError) as error:
        report.blame(f"{KEPT}: a cosigned checkpoint cannot be judged: {getattr(error, 'problem', error)}")
        return
    if not best:
        report.doubt(f"that as many witnesses as your policy asks for saw this log: {policy.quorum}")
        return
    end = min(period[1] + 1, report.entries)
    at, until = report.times.get(best), report.times.get(end)
    when = f", the last of {at.isoformat().replace('+00:00', 'Z')}" if at else ""
    report.proven.append(f"as many witnesses as your policy asks for had seen the first {best} entries{when}")
    if best < end and not (at and until and until - at <= SLACK):
        unseen = f"entries {max(best, period[0])} to {end - 1} of the period"
        report.doubt(f"that as many witnesses as your policy asks for saw {unseen}")


def _kept(report: Report, bundle: Bundle) -> Iterator[Kept]:
    """Yield what others took, with the checkpoint that they were given."""
    try:
        listed = json.loads(bundle.text(KEPT))
        wanted = [(str(i["keeper"]), str(i["kind"]), int(i["size"]), str(i["file"])) for i in listed]
    except FileNotFoundError:
        report.blame(f"{KEPT}: it is missing")
        return
    except (EvidenceError, ValueError, OverflowError, KeyError, TypeError, RecursionError):
        report.blame(f"{KEPT}: it is not a list of what others took")
        return
    for keeper, kind, size, name in wanted:
        try:
            note = bundle.read(f"{CHECKPOINTS}{size}.txt")
            yield Kept(keeper, kind, note, bundle.read(name) if name else b"")
        except FileNotFoundError as error:
            report.blame(f"{error}: it is missing; {KEPT} names it")
        except EvidenceError as error:
            report.blame(f"{name}: {error.problem}")


def _own_authorities(report: Report, bundle: Bundle) -> Iterator[bytes]:
    """Yield the certificates in the binder itself; one that cannot be read is named and left out."""
    for name in bundle.names:
        if name.startswith(AUTHORITIES):
            try:
                yield bundle.read(name)
            except EvidenceError as error:
                if (text := f"{name}: {error.problem}") not in report.wrong:
                    report.blame(text)


def _own_policy(report: Report, bundle: Bundle) -> Policy:
    try:
        return parse_policy(bundle.read(POLICY))
    except FileNotFoundError:
        report.blame(f"{POLICY}: it is missing")
    except EvidenceError as error:
        report.blame(f"{POLICY}: {error.problem}")
    return Policy()
