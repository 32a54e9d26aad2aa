"""Pictures of our own pages, as a real browser draws them: nothing listens, nothing can be changed."""

from proofwatch.errors import ProofwatchError


class ScreenError(ProofwatchError):
    """A page could not be kept as a picture."""
