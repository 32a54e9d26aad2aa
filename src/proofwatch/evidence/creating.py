"""One object into a bucket, once: whoever else stores it at the same time, whatever becomes of the answers.

The request says `If-None-Match: *`, so a server that honours it takes the first of all writers. A server
that ignores it takes every one: where versions are kept, as with Object Lock, nothing is lost, but the object
stands there twice. So we look first, and again before each further try: then only those who write it at the
same moment double it. An object's name is the SHA-256 of its bytes, so both versions are the same.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import Any

from proofwatch.evidence.base import Absent

PAUSES = (0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)
"""Seconds before each further try; each is drawn between half and the whole of it, so that many spread."""
_OURS = re.compile(r"status code: 4(?!08|09|29)")
"""A refusal that stays one: not a time-out, a conflict of two writers, or too many requests."""


def create(store: Any, key: str, data: Any, present: Callable[[], object]) -> None:
    """Put an object where there is none; success, too, if the same bytes are there.

    An answer that was lost says nothing of whether the object was taken: it is looked for, and if it is not
    there, put again.

    Args:
        store: obstore's, of the bucket. It must not try again by itself: it would not look first.
        key: of the object.
        data: its bytes.
        present: proves what stands under the key.

    Raises:
        EvidenceError: other bytes stand under the key, or they cannot be read.
        BaseError, OSError: obstore's own: the bucket did not take it.
    """
    from obstore.exceptions import BaseError

    for pause in PAUSES:
        try:
            _create(store, key, data, present)
        except (BaseError, OSError, Absent) as error:
            if not _may_pass(error):
                raise
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 – no secret
        else:
            return
    _create(store, key, data, present)


def _create(store: Any, key: str, data: Any, present: Callable[[], object]) -> None:
    import obstore
    from obstore.exceptions import AlreadyExistsError

    if _is_there(store, key):
        present()
        return
    try:
        obstore.put(store, key, data, mode="create", use_multipart=False)
    except (AlreadyExistsError, FileExistsError):
        if not _is_there(store, key):  # Of two at once, S3 may turn both away.
            raise TimeoutError("another writer was at it, and nothing is there yet") from None
        present()


def _is_there(store: Any, key: str) -> bool:
    """Tell whether a bucket has an object; where we may not ask, or get no answer, the writing decides."""
    import obstore
    from obstore.exceptions import BaseError

    try:
        obstore.head(store, key)
    except (BaseError, OSError):
        return False
    return True


def _may_pass(error: Exception) -> bool:
    """Tell whether the same may succeed a little later: a lost answer, or a server that is busy or away.

    While two write the same at once, Ceph may say for a moment that nothing is there.
    """
    from obstore.exceptions import GenericError

    if isinstance(error, GenericError):
        return not _OURS.search(str(error))
    return isinstance(error, ConnectionError | TimeoutError | Absent)
