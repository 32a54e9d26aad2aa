"""What a form asks for is done, or refused in words beside what was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404

from proofwatch.errors import ProofwatchError
from proofwatch.store.base import StoreError
from proofwatch.web.context import installation
from proofwatch.web.parts.given import GivenError

if TYPE_CHECKING:
    from typing import TypeVar

    from django.http import HttpRequest

    Row = TypeVar("Row")


def taken(request: HttpRequest, steps: Mapping[str, Callable[[], str]]) -> ProofwatchError | None:
    """Do the step that a form's field `do` names, sign, and say what was done.

    Args:
        request: of the form.
        steps: name → what does it and returns the sentence that is shown afterwards.

    Returns:
        why it was refused; None if it was done.

    Raises:
        StoreError: the state cannot be reached; the form has to be sent again.
    """
    step = steps.get(request.POST.get("do", ""))
    try:
        if step is None:
            raise GivenError("reading the form", "it does not say what to do", "load the page again")
        said = step()
    except ProofwatchError as refused:
        if isinstance(refused, StoreError) and not refused.permanent:
            raise
        return refused
    installation().sign()
    messages.success(request, said)
    return None


def found(get: Callable[[str], Row], name: str) -> Row:
    """Return what a service has under a name. Raises Http404 if it has nothing."""
    try:
        return get(name)
    except ProofwatchError as error:
        if not error.permanent:
            raise
        raise Http404 from None
