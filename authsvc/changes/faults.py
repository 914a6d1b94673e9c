"""Everything that is wrong with a policy document, gathered before it is refused as one."""

from collections.abc import Iterator
from contextlib import contextmanager

from authsvc.errors import Conflict, Invalid, NotFound


class Faults:
    """Faults with their places, FILE:LINE:COLUMN, in the order in which they are met."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, place: str, text: str) -> None:
        """One more."""
        self._found.append((place, text))

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
        """Raise `Invalid` when there is any."""
        if self._found:
            count = "one fault" if len(self._found) == 1 else f"{len(self._found)} faults"
            raise Invalid(f"{count} in the policy; nothing was changed", faults=self._found)
