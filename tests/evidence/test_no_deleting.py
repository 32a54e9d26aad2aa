"""Nothing deletes evidence: there is no method, no call and no housekeeping that could."""

from __future__ import annotations

import ast
import os
import shutil
import time
from pathlib import Path

import pytest

import proofwatch
from proofwatch.evidence.objects import LocalObjects, ObjectStore, OwnStore, S3Objects
from proofwatch.snapshots.rebuild import prune

SOURCE = Path(proofwatch.__file__).parent
READS_AND_ADDS = {"put", "put_file", "get", "path", "prove", "digests", "chunks", "sizes"}
OURS = {"keep", "name"}
"""Of a folder alone: `keep` adds as `put` does, `name` says where an object would be."""
DELETING = {
    "delete_object", "delete_objects", "delete_object_tagging", "delete_bucket", "put_object_retention",
    "put_object_legal_hold", "put_object_lock_configuration", "put_bucket_lifecycle_configuration",
    "put_bucket_versioning", "delete_async", "rename_async", "copy_async",
}  # fmt: skip
SIMULATED = SOURCE / "demo"
"""Furnishes the bucket of a company that does not exist."""


def methods(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))}


def test_a_store_has_no_way_to_delete() -> None:
    assert methods(ObjectStore) == READS_AND_ADDS - {"chunks", "sizes"}
    assert methods(OwnStore) == READS_AND_ADDS
    assert methods(S3Objects) == READS_AND_ADDS | {"fetching_to"}
    assert methods(LocalObjects) == READS_AND_ADDS | OURS


def test_no_code_asks_a_bucket_to_delete_or_unlock() -> None:
    found = []
    for path in SOURCE.rglob("*.py"):
        if SIMULATED in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            attribute = node.attr if isinstance(node, ast.Attribute) else ""
            of_store = isinstance(node, ast.Attribute) and ast.unparse(node.value) in (
                "obstore",
                "self._store",
                "self._writing",
            )
            if attribute in DELETING or (of_store and attribute in ("delete", "rename", "copy")):
                found.append(f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)} {attribute}")
    assert found == []


def test_clearing_the_cache_leaves_every_object(tmp_path: Path) -> None:
    """Even where somebody put the objects beside the rebuilt tables."""
    objects = LocalObjects(tmp_path / "objects")
    digests = {objects.put(str(number).encode()) for number in range(20)}
    cache = tmp_path / "cache"
    for number in range(5):
        (cache / "tables" / f"state-{number}").mkdir(parents=True)
        os.utime(cache / "tables" / f"state-{number}", (time.time() - 10 * 86400,) * 2)
    (cache / "tables" / "link").symlink_to(tmp_path / "objects")
    assert prune(cache / "tables", 0) >= 5
    shutil.rmtree(cache)
    assert set(objects.digests()) == digests
    for digest in digests:
        objects.prove(digest)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_an_object_is_not_writable_by_its_owner(tmp_path: Path) -> None:
    objects = LocalObjects(tmp_path)
    with pytest.raises(PermissionError):
        objects.path(objects.put(b"x")).write_bytes(b"y")
