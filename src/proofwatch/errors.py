"""The root of every error that a person may read.

Each stage has one subclass, defined beside its code. Only the command line and the web turn
an error into an exit code or a page; everyone else raises and lets it pass.
"""

from __future__ import annotations


class ProofwatchError(Exception):
    """What was being done, what is wrong, what to do.

    Args:
        doing: the action in progress, as a participle ("reading checks/aws/x.yaml").
        problem: what is wrong, with file, line and field where there are any. Never a secret.
        remedy: what the reader can do now; empty where nothing helps but patience.
        permanent: True when trying again unchanged cannot succeed.
    """

    exit_code = 2

    def __init__(self, doing: str, problem: str, remedy: str = "", *, permanent: bool = True) -> None:
        super().__init__(doing, problem, remedy)
        self.doing = doing
        self.problem = problem
        self.remedy = remedy
        self.permanent = permanent

    def __str__(self) -> str:
        """Return the three parts on one to three lines."""
        text = f"{self.doing}: {self.problem}" if self.doing else self.problem
        return f"{text}\n  → {self.remedy}" if self.remedy else text

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling between worker processes with every field intact."""
        return (_rebuild, (type(self), self.doing, self.problem, self.remedy, self.permanent))


def _rebuild(
    kind: type[ProofwatchError], doing: str, problem: str, remedy: str, permanent: bool
) -> ProofwatchError:
    return kind(doing, problem, remedy, permanent=permanent)
