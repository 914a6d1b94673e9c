"""Unique, unguessable identifiers (`jti`) that rise with time."""

import os

RANDOM = 10  # bytes of each: 80 bits, in one millisecond of one process
BLOCK = 256  # drawn from the system at once; a call for each would cost more than all the rest


class Identifiers:
    """Hands out identifiers of 32 hex digits: 12 of the time in milliseconds, 20 random ones.

    They rise with time, as UUIDs of version 7 do (RFC 9562), because the database keeps an index
    of them: with random ones each record would touch a page of its own, which doubles the cost of
    writing it. A process that forks must make its own: the block in hand would be shared.
    """

    def __init__(self) -> None:
        self._ready: list[str] = []

    def next(self, now: float) -> str:
        """An identifier that was never handed out before; `now` is wall clock seconds."""
        if not self._ready:
            block = os.urandom(RANDOM * BLOCK).hex()
            self._ready = [block[at : at + 2 * RANDOM] for at in range(0, len(block), 2 * RANDOM)]
        return f"{int(now * 1000):012x}{self._ready.pop()}"
