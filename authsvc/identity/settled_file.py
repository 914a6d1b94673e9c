"""Reading a file that other programs rewrite in place, without ever taking half of it."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SETTLE = 0.1  # seconds a file must stand unchanged before it is read
SETTLE_MORE = 0.3  # seconds when its last line has no end: it may still be written
MAX_BYTES = 16 * 1024 * 1024


class Unusable(Exception):
    """This file is not read. The text says why and what to do; it is for the log."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells two states of a file apart. `ctime_ns` rises even when mtime is set back."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int
    owner: int


def stamp(path: Path) -> Stamp:
    """The present state of the file. Raises OSError."""
    return _stamp(path.stat())


def read_settled(path: Path, seen: Stamp, pause: Callable[[float], None]) -> bytes | None:
    """The content in the state `seen`, or None while the file is being changed. Blocks.

    The pause lies between the first look and the reading, so a write in the same tick of the file
    system's clock as the last one cannot hide.

    Raises:
        Unusable: not a regular file, too large, or others may write it.
        OSError: it cannot be read.

    """
    _check(seen)
    pause(SETTLE)
    content = _read(path, seen)
    if content is not None and content and not content.endswith(b"\n"):
        pause(SETTLE_MORE)
        content = _read(path, seen)
    return content


def _read(path: Path, seen: Stamp) -> bytes | None:
    """The content when the file is in the state `seen` before and after; else None."""
    # O_NONBLOCK: a FIFO put there since the check would otherwise wait for a writer for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        if _stamp(os.fstat(descriptor)) != seen:
            return None
        content = file.read(MAX_BYTES + 1)
        same = _stamp(os.fstat(descriptor)) == seen == stamp(path)
    return content if same and len(content) == seen.size else None


def _check(seen: Stamp) -> None:
    if not stat.S_ISREG(seen.mode):
        raise Unusable("it is not a regular file")
    if seen.size > MAX_BYTES:
        raise Unusable(f"it is larger than {MAX_BYTES} bytes")
    if seen.mode & stat.S_IWOTH:
        raise Unusable("everybody may write it: chmod o-w")
    if seen.owner not in {0, os.geteuid()}:
        raise Unusable("it belongs to another user than root or the one we run as: chown it")


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(
        device=found.st_dev,
        inode=found.st_ino,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        mode=found.st_mode,
        owner=found.st_uid,
    )
