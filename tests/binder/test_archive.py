"""The ZIP while it is written: whole under its name, or not there at all."""

import random
import resource
from datetime import UTC, datetime

import pytest

from proofwatch.binder.archive import Archive
from proofwatch.binder.base import BinderError


def test_a_full_disk_is_said_and_leaves_no_file(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with (
            pytest.raises(BinderError, match=r"writing .*b\.zip: File too large"),
            Archive(tmp_path / "b.zip", datetime(2026, 11, 1, tzinfo=UTC)) as archive,
        ):
            archive.add("a", random.Random(1).randbytes(2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_what_stops_it_midway_is_what_is_raised(tmp_path):
    def chunks():
        yield b"begun"
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        Archive(tmp_path / "b.zip", datetime(2026, 11, 1, tzinfo=UTC)) as archive,
    ):
        archive.add_chunks("a", chunks())
    assert list(tmp_path.iterdir()) == []
