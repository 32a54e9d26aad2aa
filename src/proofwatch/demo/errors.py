"""The one error of this stage."""

from __future__ import annotations

from proofwatch.errors import ProofwatchError


class DemoError(ProofwatchError):
    """The simulated company could not be started, furnished or changed."""
