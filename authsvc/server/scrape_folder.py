"""The folder in which workers keep their metrics for each other while a parent lives."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "authsvc-metrics-"
LOCK = "parent.lock"


@contextlib.contextmanager
def scrape_folder() -> Iterator[Path]:
    """A new, empty folder; it is gone afterwards.

    A parent that was killed leaves its folder behind: whoever starts next removes those whose
    lock nobody holds. Workers do not inherit the lock.
    """
    _remove_abandoned(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    new = folder / "new"
    lock = os.open(new, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(folder / LOCK)  # nobody sees it before it is held
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    for lock in parent.glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError):  # another user's, or still in use
            if lock.lstat().st_uid == os.getuid() and not _is_held(lock):
                shutil.rmtree(lock.parent, ignore_errors=True)


def _is_held(lock: Path) -> bool:
    opened = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(opened)
