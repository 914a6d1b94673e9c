"""The servers of one directory: which is asked next, and which are known to be down."""

import math
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from authsvc import logs
from authsvc.errors import Unavailable
from authsvc.identity.ldap.entries import Entry, Request
from authsvc.identity.ldap.link import Bound, NoAnswer, Refused
from authsvc.identity.ldap.once import Once
from authsvc.identity.ldap.server import Server
from authsvc.identity.ldap.tls import context_of
from authsvc.settings.sources import LdapSource

DOWN_FOR = 5.0  # seconds that a server which did not answer is left alone
QUIET_FOR = 10.0  # seconds without an answer after which a server is asked how it is

_log = logs.get("identity")
T = TypeVar("T")


class Asks(Protocol):
    """How a directory is asked; both block until `deadline` at most and raise Unavailable.

    `search` raises `link.TooMuch` when there is more than can be meant.
    """

    def search(self, request: Request, deadline: float) -> list[Entry]: ...

    def bind(self, dn: str, password: str, deadline: float) -> Bound: ...


@dataclass
class _State:
    """What is known of a server; moments in seconds of the timer. `fault`: None while it answers.

    Threads that write here at once know the same server, so whichever is last is right enough.
    """

    server: Server
    fault: str | None = None
    down_until: float = -math.inf
    answered: float = -math.inf


class Servers:
    """Asks the first server, in the order of the settings, that is not known to be down.

    While one answers, those that are down are tried again by `probe` alone, so that nobody's login
    waits for them; when none does, one call in `DOWN_FOR` tries.
    """

    def __init__(self, settings: LdapSource, timer: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._timer = timer
        self._context: ssl.SSLContext | None = None
        self._states = [_State(Server(url, settings, self._tls, timer)) for url in settings.urls]
        self._refusals = Once()
        self._up_since = timer()

    def up(self) -> bool:
        """Whether some server answers, as far as is known."""
        return any(state.fault is None for state in self._states)

    def up_for(self) -> float:
        """How many seconds some server has answered without a break, 0 when none does."""
        return self._timer() - self._up_since if self.up() else 0.0

    def search(self, request: Request, deadline: float) -> list[Entry]:
        return self._ask(lambda server: server.search(request, deadline), deadline)

    def bind(self, dn: str, password: str, deadline: float) -> Bound:
        """As `Asks`. No answer makes a server doubtful, not down: it may be this account's alone.

        Or whoever makes a directory slow for one name would take it away from all the others.
        """
        return self._ask(
            lambda server: server.bind(dn, password, deadline), deadline, missed=self._doubt
        )

    def probe(self) -> None:
        """Ask one server that is down, doubtful or quiet for long how it is.

        Blocks for as long as one of them may hang; never raises.
        """
        home = Request(self._settings.user_base, "(objectClass=*)", ("1.1",), limit=1)
        for state in self._states:
            state.server.reap()
        next_due = min(self._states, key=_due)
        if self._timer() >= _due(next_due):
            self._probe(next_due, home)

    def close(self) -> None:
        for state in self._states:
            state.server.close()

    def _probe(self, state: _State, home: Request) -> None:
        try:
            self._on(state, lambda server: server.search(home, math.inf), math.inf, self._note_down)
        except Refused as reason:
            self._note_down(state, str(reason))  # the base is not there, or not for us
        except NoAnswer:
            return

    def _ask(
        self,
        call: Callable[[Server], T],
        deadline: float,
        missed: Callable[[_State, str], None] | None = None,
    ) -> T:
        for state in self._in_turn():
            if self._timer() >= deadline:
                break
            with suppress(NoAnswer, Refused):
                return self._on(state, call, deadline, missed or self._note_down)
        what = f"source {self._settings.name}"
        raise Unavailable(
            f"no server of {what} answers", what=what, retry_after=self._retry_after()
        )

    def _in_turn(self) -> Iterator[_State]:
        yield from [state for state in self._states if state.fault is None]
        for state in self._states:
            now = self._timer()
            if not self.up() and now >= state.down_until:
                state.down_until = now + DOWN_FOR  # others need not wait for it as well
                yield state

    def _on(
        self,
        state: _State,
        call: Callable[[Server], T],
        deadline: float,
        missed: Callable[[_State, str], None],
    ) -> T:
        """The answer of one server; `missed` is told, with the reason, when there is none."""
        try:
            answer = call(state.server)
        except NoAnswer as reason:
            if self._timer() < deadline:  # else it may have had too little time
                missed(state, str(reason))
            raise
        except Refused as reason:
            if self._refusals.first(f"{state.server.url} {reason}"):
                self._say("directory server refuses", state, reason=str(reason))
            raise
        self._note_up(state)
        return answer

    def _doubt(self, state: _State, fault: str) -> None:
        """Have it asked how it is, beside the requests. A server that is down stays so."""
        state.answered = min(state.answered, self._timer() - QUIET_FOR)
        if self._refusals.first(f"{state.server.url} {fault}"):
            self._say("directory server did not answer a sign-in", state, reason=fault)

    def _note_down(self, state: _State, fault: str) -> None:
        state.down_until = self._timer() + DOWN_FOR
        state.server.drop()
        if state.fault != fault:
            self._say("directory server not usable", state, reason=fault)
        state.fault = fault

    def _note_up(self, state: _State) -> None:
        state.answered = self._timer()
        if state.fault is not None:
            if not self.up():
                self._up_since = state.answered
            state.fault = None
            _log.warning(
                "directory server usable again",
                source=self._settings.name,
                server=state.server.url,
            )

    def _say(self, event: str, state: _State, *, reason: str) -> None:
        _log.error(event, source=self._settings.name, server=state.server.url, reason=reason)

    def _retry_after(self) -> int:
        """Whole seconds until a server is tried again."""
        soonest = min(state.down_until for state in self._states) - self._timer()
        return math.ceil(max(1.0, min(soonest, DOWN_FOR)))

    def _tls(self) -> ssl.SSLContext:
        """Of this source alone, made at the first need: a CA file may come later than the start."""
        if self._context is None:
            self._context = context_of(self._settings)
        return self._context


def _due(state: _State) -> float:
    """When a server is to be asked again how it is."""
    return state.answered + QUIET_FOR if state.fault is None else state.down_until
