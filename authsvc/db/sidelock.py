"""The lock that every writer of a SQLite file takes first, on a file beside it.

SQLite's own wait for the writer's place sleeps up to 100 ms at a time and is unfair (p99 of two
writers 54 to 117 ms); the kernel wakes who waits for an `flock` at once (32 to 65 ms). The lock is
about order only: SQLite's own locks go on keeping the file right.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from .faults import unavailable
from .files import open_private

PATIENCE = 5.0  # seconds a writer waits for its turn


class SideLock:
    """One at a time: among the threads of this process, then among processes.

    The file stays open between turns, but a lock belongs to an open file: a forked child opens it
    anew, so as never to share the turn of its parent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._given_up: threading.Thread | None = None
        self._opened: tuple[int, int] | None = None  # by which process, and the descriptor

    @contextmanager
    def held(self, patience: float = PATIENCE) -> Iterator[None]:
        """Hold the lock; raise Unavailable when the turn does not come within `patience`."""
        deadline = time.monotonic() + patience
        if not self._threads.acquire(timeout=patience):
            raise unavailable("another writer of the database does not end")
        try:
            descriptor = self._acquire(deadline)
            try:
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _acquire(self, deadline: float) -> int:
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait(descriptor, deadline)
        return descriptor

    def _open(self) -> int:
        if self._opened is not None and self._opened[0] == os.getpid():
            return self._opened[1]
        try:
            descriptor = open_private(self._path)
        except OSError as error:
            raise unavailable("the database's lock file cannot be opened") from error
        self._opened = (os.getpid(), descriptor)
        return descriptor

    def close(self) -> None:
        """Give up the open file; the next turn opens it anew."""
        with self._threads:
            if self._opened is not None and self._opened[0] == os.getpid():
                os.close(self._opened[1])
            self._opened = None

    def _wait(self, descriptor: int, deadline: float) -> None:
        """Wait in a thread: `flock` has no timeout, and trying again and again would starve.

        A thread given up releases the lock as soon as it has it. There is one at most: the next
        turn waits for that one to end before it starts its own.
        """
        if self._given_up is not None:
            self._given_up.join(max(0.0, deadline - time.monotonic()))
            if self._given_up.is_alive():
                raise unavailable("another process holds the database's lock")
        taken: Future[None] = Future()
        thread = threading.Thread(
            target=_take, args=(descriptor, taken), name="authsvc-db-lock", daemon=True
        )
        thread.start()
        try:
            taken.result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            self._given_up = thread
            self._opened = None  # the thread's now, which closes it: that releases the lock
            taken.add_done_callback(lambda _: os.close(descriptor))
            raise unavailable("another process holds the database's lock") from None


def _take(descriptor: int, taken: "Future[None]") -> None:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    taken.set_result(None)
