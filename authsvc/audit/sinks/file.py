"""A file of JSON lines, one for each record, for whatever ships files.

Opened anew when it was rotated away (moved, or removed). What was begun and not finished, by a
full disk or a killed process, is cut off before more is written: the record comes again.
"""

import fcntl
import json
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .sink import Copied

MODE = 0o600
TAIL = 1 << 16  # bytes looked at at once for the end of the last whole line


class FileSink:
    """Appends; what it took is on the disk."""

    in_doubt = 0

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.address = f"file:{path}"
        self._path = path
        self._file: int | None = None

    def take(self, records: Sequence[Copied]) -> int:
        lines = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in records)
        data = lines.encode("ascii")
        file = self._current()
        begin = os.fstat(file).st_size
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, begin)
            raise
        return len(data)

    def look(self) -> None:
        """It is there, or made when there is something to write."""

    def on_the_way(self) -> int:
        return 0

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _current(self) -> int:
        """The file that has the name now."""
        if self._file is not None and not self._is_same(self._file):
            self.close()
        if self._file is None:
            self._file = self._open()
        return self._file

    def _is_same(self, file: int) -> bool:
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        held = os.fstat(file)
        return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)

    def _open(self) -> int:
        # Not blocking: a FIFO without a reader would keep us here for ever.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        file = os.open(self._path, flags, MODE)
        try:
            _prepare(file)
        except BaseException:
            os.close(file)
            raise
        return file


def _prepare(file: int) -> None:
    """Have it for ourselves, and ending with a whole line."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise OSError("this is no regular file")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: another process writes
    os.ftruncate(file, _whole(file))


def _whole(file: int) -> int:
    """The length of a file up to the end of its last whole line."""
    end = os.fstat(file).st_size
    while end:
        begin = max(0, end - TAIL)
        found = os.pread(file, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
