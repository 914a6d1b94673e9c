"""What uvicorn is given in place of its own, where a request could get past the bounds."""

from typing import Any, Protocol


class _Trailers(list[tuple[bytes, bytes]]):
    """Where header lines after a body go: nowhere.

    uvicorn adds them to the headers of the request, where an Authorization or X-Forwarded-For
    would get past a proxy that looked at the head.
    """

    def append(self, _line: tuple[bytes, bytes], /) -> None:
        """Forget the line."""


TRAILERS = _Trailers()


class Ending(Protocol):
    """A connection that can be ended with care."""

    transport: Any

    def part(self) -> None:
        """End it, once what is written has been read."""
        ...


class Parting:
    """The transport of a request that is the last of its connection and may have a body."""

    def __init__(self, protocol: Ending) -> None:
        self._protocol = protocol
        self.write = protocol.transport.write

    def close(self) -> None:
        """End the connection; a client that is still sending comes to reading its answer."""
        self._protocol.part()
