"""Everything that is wrong with a document, gathered before it is refused as one."""

from collections.abc import Iterator
from contextlib import contextmanager

from authsvc.errors import Conflict, Invalid, NotFound

MOST_KEPT = 1_000  # faults with their texts; beyond it they are counted
MOST_SHOWN = 100  # contract section 8


class Faults:
    """Faults with their places, FILE:LINE:COLUMN, in the order in which they are met.

    `within` says in words what they are faults of.
    """

    def __init__(self, within: str = "the policy") -> None:
        self._within = within
        self._found: list[tuple[str, str]] = []
        self._count = 0

    def add(self, place: str, text: str) -> None:
        """One more."""
        self._count += 1
        if self._count <= MOST_KEPT:
            self._found.append((place, text))

    @property
    def are_many(self) -> bool:
        """Whether there are more than anybody is shown, so that hints help nobody."""
        return self._count > MOST_SHOWN

    @property
    def is_full(self) -> bool:
        """Whether more are counted only, so that nobody need find words for them."""
        return self._count >= MOST_KEPT

    def count(self, more: int) -> None:
        """As many more, when it is full."""
        self._count += more

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """What is refused within is a fault at `place`; a rule that refuses is told there too."""
        try:
            yield
        except (Invalid, NotFound) as error:
            self.add(place, str(error))
        except Conflict as error:
            raise Conflict(f"{place}: {error.message}", advice=error.advice) from error

    def refuse(self) -> None:
        """Raise `Invalid` when there is any: its message counts them, its faults are the first."""
        if self._count:
            count = "one fault" if self._count == 1 else f"{self._count} faults"
            raise Invalid(f"{count} in {self._within}; nothing was changed", faults=self._found)
