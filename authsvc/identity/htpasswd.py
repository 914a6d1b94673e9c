"""A source of people in an htpasswd file, followed while others change it."""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from pathlib import Path

from authsvc import logs
from authsvc.errors import Unavailable
from authsvc.identity.htpasswd_lines import Parsed, parse
from authsvc.identity.provider import Rejected, Unknown, Verified
from authsvc.identity.schemes import Schemes, cost
from authsvc.identity.settled_file import Stamp, Unusable, read_settled, stamp
from authsvc.principal import Kind, Principal

BLANK = 1.0  # seconds that a file must stay blank to be taken for one without people
_NAMED = 20  # faulty lines in one log entry; the rest is counted

_GONE, _BARRED = Rejected("unknown_user"), Rejected("disabled")

_log = logs.get("identity")


class Htpasswd:
    """Checks passwords against the file at `path`, whose hashes are of the named `schemes`.

    The file is read once at the start and again by `refresh`, which belongs in a job. The last
    good content stays in use while the file is gone, unusable, empty or being written; the state
    is then `degraded`. One that stays blank has nobody in it. A file that was never good cannot be
    asked. `pause` waits some seconds.

    The lines are held as one value that is replaced whole, so no check sees half a file.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        schemes: Iterable[str],
        *,
        pause: Callable[[float], None] = time.sleep,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._path = path
        self._schemes = Schemes(schemes)
        self._pause = pause
        self._timer = timer
        self._blank: tuple[Stamp, float] | None = None  # the blank file, and since when
        self._lines: Parsed | None = None
        self._samples: tuple[str, ...] = ()
        self._judged: Stamp | None = None
        self._fault: str | None = None
        self._named: frozenset[tuple[int, str]] = frozenset()
        self.refresh()

    def verify(self, username: str, password: str, now: float) -> Verified | Rejected | Unknown:  # noqa: ARG002 - lines have no end
        stored = self._good().hashes.get(username)
        if stored is None:
            return Unknown()
        if not self._schemes.verify(stored, password):
            return Rejected("wrong_password")
        principal = self._principal(username)
        return Verified(principal, evidence=stored, password=_stands_for(stored))

    def is_current(self, verified: Verified) -> bool:
        return verified.evidence is not None and verified.evidence == self.mark(
            verified.principal.name
        )

    def mark(self, username: str) -> str | None:
        return self._lines.hashes.get(username) if self._lines else None

    def knows(self, username: str) -> Principal | None:
        return self._principal(username) if username in self._good().hashes else None

    def current(self, principal: Principal) -> Principal | Rejected | None:
        """Whether there is a line for that name; None while there is no good file.

        `disabled`: there is one that is faulty, which may be meant so, or may be a slip.
        """
        return None if self._lines is None else self._in(self._lines, principal)

    def recheck(self, principal: Principal) -> Principal | Rejected:
        """As `current`, which knows all that the file says. Raises Unavailable."""
        return self._in(self._good(), principal)

    def in_outage(self, principal: Principal) -> Principal | Rejected | None:  # noqa: ARG002 - no grace
        """Nobody: what was good last stays in use as it is."""
        return None

    def has_new_password(self, principal: Principal, password: str) -> bool:
        """Whether the line is another one than `Verified.password` stood for."""
        stored = self.mark(principal.name)
        return stored is not None and _stands_for(stored) != password

    def samples(self) -> Collection[str]:
        return self._samples

    def state(self) -> str:
        return "degraded" if self._fault or self._lines is None else "ok"

    def refresh(self) -> None:
        """Take over what has changed in the file, once it stands still. Blocks; never raises.

        Without a change this costs one look at the file's state.
        """
        try:
            seen = stamp(self._path)
            if seen == self._judged:
                return
            content = read_settled(self._path, seen, self._pause)
        except (OSError, Unusable) as reason:
            self._judged = None  # it may come back exactly as it was
            self._keep(reason.strerror or "error" if isinstance(reason, OSError) else str(reason))
            return
        if content is not None:
            self._judged = seen
            self._judge(parse(content, self._schemes), seen)

    def _judge(self, parsed: Parsed, seen: Stamp) -> None:
        self._name_faults(parsed)
        if (
            self._lines
            and self._lines.hashes
            and parsed.unusable
            and not self._stays_blank(parsed, seen)
        ):
            self._keep("no line of it is usable, though there were some before")
            return
        self._samples = tuple({cost(stored): stored for stored in parsed.hashes.values()}.values())
        self._lines = parsed
        self._fault = None
        _log.info("htpasswd file read", source=self.name, people=len(parsed.hashes))

    def _stays_blank(self, parsed: Parsed, seen: Stamp) -> bool:
        """Whether it has been blank for so long that nobody can still be writing it."""
        if not parsed.blank:
            return False
        if self._blank is None or self._blank[0] != seen:
            self._blank = (seen, self._timer())
        self._judged = None  # to be looked at again, though it does not change
        return self._timer() - self._blank[1] >= BLANK

    def _keep(self, fault: str) -> None:
        """Go on with the last good content, and say once why."""
        if fault != self._fault:
            _log.warning(
                "htpasswd file not usable",
                source=self.name,
                path=str(self._path),
                fault=fault,
                kept=len(self._lines.hashes) if self._lines else 0,
            )
        self._fault = fault

    def _name_faults(self, parsed: Parsed) -> None:
        """Log the faulty lines that the file did not have before, by number, never their text."""
        new = [fault for fault in parsed.faults if fault not in self._named]
        self._named = frozenset(parsed.faults)
        if new:
            _log.warning(
                "htpasswd lines without effect",
                source=self.name,
                lines=[f"{number}: {text}" for number, text in new[:_NAMED]],
                more=max(0, len(new) - _NAMED),
            )

    def _good(self) -> Parsed:
        """The lines of the last good file. Raises Unavailable while there was none."""
        if self._lines is None:
            raise Unavailable(f"the file of source {self.name} cannot be read", what=self.name)
        return self._lines

    def _in(self, lines: Parsed, principal: Principal) -> Principal | Rejected:
        if principal.name in lines.hashes:
            return self._principal(principal.name)
        return _BARRED if principal.name in lines.barred else _GONE

    def _principal(self, username: str) -> Principal:
        """The name is all the identity that a file knows."""
        return Principal(Kind.USER, self.name, username, username)


@lru_cache(maxsize=4_096)
def _stands_for(stored: str) -> str:
    """What tells this line from others: its hash again, so that no hash leaves the file."""
    return hashlib.sha256(stored.encode()).hexdigest()
