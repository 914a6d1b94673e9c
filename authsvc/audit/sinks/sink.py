"""What every sink can do."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Copied = Mapping[str, Any]
"""A record, as it is exported."""


class Closed(OSError):
    """The other side ended the connection in good order while nothing was on the way."""


class Sink(Protocol):
    """Takes records in the order in which they come. One thread uses it.

    Every method but `close` raises OSError when the sink is away; the next call tries anew.
    `name` is what operators call it, `address` what stays the same from one start to the next.
    `in_doubt` is how many of the last bytes that it took may be lost with its connection.
    """

    name: str
    address: str
    in_doubt: int

    def take(self, records: Sequence[Copied]) -> int:
        """Hand records over; how many bytes that was."""
        ...

    def look(self) -> None:
        """Find out whether it is still there; raises Closed when it left in good order."""
        ...

    def on_the_way(self) -> int:
        """How many of the last bytes have not reached the other side."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
