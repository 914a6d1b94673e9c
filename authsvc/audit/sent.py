"""What a sink was sent, as far back as it is in doubt. Pure."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Part:
    """Records of a writer after number `before`, of `size` bytes."""

    writer: str
    before: int
    size: int


class Sent:
    """The numbers up to which a sink was sent the records of each writer.

    The last `in_doubt` bytes can be taken back: then they are to be sent again.
    """

    def __init__(self, taken: dict[str, int], in_doubt: int) -> None:
        self.positions = taken
        self._in_doubt = in_doubt
        self._parts: deque[_Part] = deque()
        self._size = 0

    def add(self, writer: str, seq: int, size: int, *, on_the_way: int) -> None:
        """Records of a writer up to `seq` were sent; so many of the last bytes are on the way."""
        self._parts.append(_Part(writer, self.positions.get(writer, 0), size))
        self._size += size
        self.positions[writer] = seq
        while self._parts and self._size - self._parts[0].size >= self._in_doubt + on_the_way:
            self._size -= self._parts.popleft().size

    def arrived(self, on_the_way: int) -> dict[str, int]:
        """The numbers up to which all has left us, when so many bytes are still on the way."""
        found = dict(self.positions)
        for part in reversed(self._parts):
            if on_the_way <= 0:
                break
            found[part.writer] = part.before
            on_the_way -= part.size
        return found

    def take_back(self) -> None:
        """Have all that is in doubt sent again."""
        for part in reversed(self._parts):
            self.positions[part.writer] = part.before
        self.keep()

    def keep(self) -> None:
        """There is no doubt of what was sent so far."""
        self._parts.clear()
        self._size = 0
