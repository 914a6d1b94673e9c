"""Rounds over the log: checkpoints, what is kept no longer, and warnings before there is no room.

Every process makes rounds, so that each can say how the log is. Who makes a checkpoint removes
what that one lets go, so the work is done once, without a lease: a process that lacks the key
must not keep those that hold it from making any.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc import logs, metrics
from authsvc.clock import Clock
from authsvc.db.engine import Database
from authsvc.errors import InvalidSettings

from . import checkpoints, retention
from .checkpoints import EVERY, Newest, Untrusted
from .retention import Keep

ROUND = 5.0  # seconds between two looks
WARNED = 0.8  # of the room that there is
TRIES = 3  # at the end, when several processes make their last checkpoints at once

_log = logs.get("audit")


class Keys(Protocol):
    """Where the keys that sign checkpoints are: the current one first."""

    def audit_keys(self) -> tuple[Ed25519PrivateKey, ...]:
        """The keys; none where there are none. Raises InvalidSettings for what is no key."""
        ...


class Keeper:
    """Keeps the log of one installation as one process of it; `degraded` says whether it can.

    `disk_used` gives the share of the disk that is in use, None where that cannot be known.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keys: Keys,
        keep: Keep,
        *,
        disk_used: Callable[[], float | None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._keys = keys
        self._keep = keep
        self._disk_used = disk_used
        self._begun = False
        self._troubles: dict[str, str] = {}
        self._last = Newest()
        self._all_covered = 0.0  # when it was last seen that no checkpoint was due

    @property
    def degraded(self) -> bool:
        """Whether no checkpoints are made, or the room for records comes to its end."""
        return bool(self._troubles)

    def age(self) -> float | None:
        """Seconds since the newest checkpoint, or since nothing was new; None before the first."""
        if not self._last.number:
            return None
        return self._clock.now() - max(self._last.time / 1000, self._all_covered)

    def round(self) -> None:
        """Make a checkpoint when the newest is old, and remove what is kept no longer.

        The first round of a process does so at once. Raises Unavailable.
        """
        self._look()
        keys = self._held()
        if keys and not (self._begun and self._fresh()):
            if self._make(keys):
                retention.remove(self._database, self._clock, self._last.removed)
            self._begun = True
        self._look_at_room()

    def finish(self) -> None:
        """The last checkpoint of a process, over what it wrote until its end."""
        keys = self._held()
        for _ in range(TRIES if keys else 0):
            if not self._make(keys):
                break

    def _look(self) -> None:
        with self._database.read() as session:
            try:
                self._last = checkpoints.newest(session)
            except ValueError as fault:
                self._trouble("checkpoint", f"the newest checkpoint cannot be read: {fault}")

    def _fresh(self) -> bool:
        return abs(self._clock.now() - self._last.time / 1000) < EVERY

    def _held(self) -> tuple[Ed25519PrivateKey, ...]:
        try:
            keys = self._keys.audit_keys()
        except (InvalidSettings, OSError) as fault:
            self._trouble("key", str(fault))
            return ()
        missing = "audit.key is not in certs_dir: run authsvc init, or copy a replica's folder"
        self._trouble("key", "" if keys else missing)
        return keys

    def _make(self, keys: tuple[Ed25519PrivateKey, ...]) -> bool:
        """Whether a checkpoint was made now."""
        try:
            made = checkpoints.make(self._database, self._clock, keys, self._keep)
        except (Untrusted, ValueError) as fault:
            self._trouble("checkpoint", str(fault))
            return False
        self._trouble("checkpoint", "")
        self._all_covered = self._clock.now()
        self._look()
        return made is not None

    def _look_at_room(self) -> None:
        with self._database.read() as session:
            size = retention.kept(session)
        metrics.AUDIT_BYTES.set(size)
        shares = {"disk": self._disk_used()}
        if self._keep.size is not None:
            shares["max_bytes"] = size / self._keep.size
        for of, share in shares.items():
            if share is not None:
                metrics.AUDIT_USED.labels(of).set(share)
                full = share >= WARNED
                self._trouble(of, f"{of} is full to {share:.0%}" if full else "", changing=True)

    def _trouble(self, what: str, text: str, *, changing: bool = False) -> None:
        """Note what is wrong, '' for nothing; said once, and not again where the text changes."""
        before = self._troubles.get(what, "")
        if text and text != before and not (changing and before):
            _log.warning("the audit log needs somebody", reason=text)
        if before and not text:
            _log.info("the audit log is well again", was=before)
        self._troubles = (
            {**self._troubles, what: text}
            if text
            else {name: held for name, held in self._troubles.items() if name != what}
        )


def disk_used(path: Path | None) -> Callable[[], float | None]:
    """The share in use of the disk that a file is on, as `df` counts; None is never known."""

    def share() -> float | None:
        if path is None:
            return None
        try:
            found = shutil.disk_usage(path.parent)
        except OSError:
            return None
        return found.used / (found.used + found.free)

    return share
