"""Files that are on disk once a call returns, and names that are given once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def link(temporary: str, name: Path) -> bool:
    """Give a finished file its name; False if the name is taken. Where links cannot be, it is renamed."""
    try:
        os.link(temporary, name)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS or name.exists():
            raise
        Path(temporary).rename(name)
    return True


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each on disk before something is put into it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def sync(folder: Path) -> None:
    """Put the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
