"""A person's own checks, written as files: one at a time, for a reason, never over one that is shipped."""

from __future__ import annotations

import hashlib
import os
import uuid
from datetime import datetime
from pathlib import Path

from proofwatch.checks.apart import foreign
from proofwatch.checks.base import Check
from proofwatch.checks.draft import place
from proofwatch.checks.load import Catalog
from proofwatch.snapshots.base import Objects
from proofwatch.store import log
from proofwatch.store.base import StoreError
from proofwatch.store.django import write
from proofwatch.store.services.actors import administering


def fingerprint(text: str) -> str:
    """Return the digest of a file's text, by which a form tells which text it was begun from."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def save(
    folder: Path,
    check: Check,
    catalog: Catalog,
    objects: Objects,
    *,
    begun_from: str,
    actor: str,
    now: datetime,
    reason: str,
) -> Path:
    """Write a valid check into the folder of own checks; its text is kept as an object, and logged.

    Args:
        folder: of own checks; made if needed.
        check: validated, with its text in `source`.
        catalog: what there is now.
        objects: where the text is kept.
        begun_from: `fingerprint` of the text that was changed, "" for a new check.
        actor: the person.
        now: the time.
        reason: why; required.

    Returns:
        the file.

    Raises:
        StoreError: no reason, a shipped check has this id, somebody else changed it meanwhile, the actor may
            not, or the folder cannot be written.
        CheckError: the id is none.
    """
    doing = f"saving check {check.id}"
    administering(actor, doing)
    if not reason.strip():
        raise StoreError(doing, "a decision needs a reason", "say why")
    path = place(folder, check.id)
    known = catalog.checks.get(check.id)
    if known is not None and (not foreign(known) or known.path.resolve() != path.resolve()):
        remedy = "choose another id; turn the other one off if this one replaces it"
        raise StoreError(doing, f"there is a check {check.id} already, which is not in {folder}", remedy)
    digest = objects.put(check.source.encode("utf-8"))
    with write(doing):
        log.lock()  # so that of two who save at once, the second is told
        before = _text(doing, path)
        if (fingerprint(before) if before is not None else "") != begun_from:
            what = "somebody else changed it meanwhile" if before is not None else "it is gone meanwhile"
            problem = what if begun_from else f"there is a file of {check.id} already"
            raise StoreError(doing, problem, "open it again, and make your change there")
        if before == check.source:
            return path
        old = {"sha256": fingerprint(before), "version": known.version if known else ""} if before else None
        new = {"sha256": fingerprint(check.source), "version": check.version}
        data = {"check": check.id, "before": old, "after": new, "object": digest, "reason": reason.strip()}
        log.append("check.written", actor, data, now)
        _replace(doing, path, check.source)  # Last: if it fails, the entry is not written either.
    return path


def _text(doing: str, path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(doing, f"{path} cannot be read: {error}", "mend the file's rights") from None


def _replace(doing: str, path: Path, text: str) -> None:
    """Put the whole text there at once: nobody ever reads half of it."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        problem = f"{path.parent} cannot be written: {error.strerror or error}"
        raise StoreError(doing, problem, "let the server write there, or set PROOFWATCH_CHECKS") from None
