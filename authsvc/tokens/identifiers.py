"""Unique, unguessable identifiers (`jti`): 128 random bits each, drawn in blocks."""

import os

BYTES = 16
BLOCK = 256  # identifiers drawn from the system at once; a call for each costs more than the rest


class Identifiers:
    """Hands out identifiers of 32 hex digits from the system's random source.

    A process that forks must make its own: the block in hand would be shared.
    """

    def __init__(self) -> None:
        self._ready: list[str] = []

    def next(self) -> str:
        """An identifier that was never handed out before."""
        if not self._ready:
            block = os.urandom(BYTES * BLOCK).hex()
            self._ready = [block[at : at + 2 * BYTES] for at in range(0, len(block), 2 * BYTES)]
        return self._ready.pop()
