"""What this process knows to be limited, so that it refuses without asking anybody."""

from collections import OrderedDict

from .limit import Reached

MOST = 20_000  # about 400 bytes each


class Notes:
    """By the key of a window, until a monotonic time; those that end soonest go first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._notes: dict[bytes, tuple[float, Reached]] = {}

    def __bool__(self) -> bool:
        return bool(self._notes)

    def __len__(self) -> int:
        return len(self._notes)

    def get(self, key: bytes, now: float) -> Reached | None:
        """The note of a key, with what is left of its time."""
        found = self._notes.get(key)
        if found is None:
            return None
        until, reached = found
        if now >= until:
            del self._notes[key]
            return None
        return Reached(reached.limit, key, until - now)

    def put(self, key: bytes, reached: Reached, until: float) -> None:
        """Note a limit until then."""
        self._notes[key] = until, reached
        if len(self._notes) > self._most:
            keep = sorted(self._notes.items(), key=lambda item: item[1][0])[self._most // 4 :]
            self._notes = dict(keep)

    def drop(self, key: bytes) -> None:
        """Forget the note of a key."""
        self._notes.pop(key, None)

    def expire(self, now: float) -> None:
        """Forget what is over, so that nothing is noted when nobody is limited."""
        for key in [key for key, (until, _) in self._notes.items() if now >= until]:
            del self._notes[key]

    def clear(self, starts: bytes, ends: bytes) -> None:
        """Forget the notes of keys that start and end so."""
        for key in [k for k in self._notes if k.startswith(starts) and k.endswith(ends)]:
            del self._notes[key]


class Newest:
    """The `most` keys that were put last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    def put(self, key: bytes) -> None:
        """Put a key, as the last one."""
        self._keys[key] = None
        self._keys.move_to_end(key)
        if len(self._keys) > self._most:
            self._keys.popitem(last=False)
