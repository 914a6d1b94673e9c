"""The embedded database as files: made private, and left to whom the folder belongs."""

import os
from pathlib import Path

from .faults import unavailable


def leave_to_owner(path: Path, like: Path) -> None:
    """As root, give `path` to the owner of `like`; a service account must be able to use it."""
    if os.geteuid() != 0:
        return
    owner, mine = like.stat(), path.stat()
    if (owner.st_uid, owner.st_gid) != (mine.st_uid, mine.st_gid):
        os.chown(path, owner.st_uid, owner.st_gid)


def open_private(path: Path) -> int:
    """A descriptor of a file that is made (0600) when it is missing; raises OSError."""
    try:
        return os.open(path, os.O_RDWR)
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        leave_to_owner(path, path.parent)
        return descriptor


def make(path: Path) -> None:
    """Make an empty database file (0600) and its folders (0700) where they are missing."""
    try:
        _make_folder(path.parent)
        os.close(open_private(path))
    except OSError as error:
        raise unavailable(f"the database file cannot be made ({error.strerror})") from error


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(0o700, exist_ok=True)
    leave_to_owner(folder, folder.parent)
