"""Servers that the tests of evidence share."""

from tests.buckets import ceph, ministack

__all__ = ["ceph", "ministack"]
