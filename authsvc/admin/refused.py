"""Records of what was refused before any change began."""

from contextlib import suppress

from authsvc.audit.log import Entry, TokenLog
from authsvc.audit.records import Event, Outcome, Record, print_body
from authsvc.changes.unit_of_work import actor_member, origin_members
from authsvc.clock import Clock
from authsvc.errors import Unavailable
from authsvc.principal import Actor


class Refused:
    """Writes into the log of requests: in that of changes each record costs everybody's turn."""

    def __init__(self, log: TokenLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    def __call__(self, actor: Actor, reason: str, event: Event = Event.ADMIN) -> None:
        """Have it recorded soon that an actor was refused."""
        now = self._clock.now()
        record = Record(
            event=event, outcome=Outcome.REFUSED, time=now, reason=reason,
            actor=actor_member(actor), **origin_members(actor),
        )  # fmt: skip
        with suppress(Unavailable):
            self._log.record_soon(Entry(int(now * 1000), None, print_body(record)))
