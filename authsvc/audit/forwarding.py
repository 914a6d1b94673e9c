"""Copies of all records to the sinks, out of the log itself, at least once.

Each sink has a thread, so that one that hangs stops no other; tokens wait for none of them.
"""

from collections.abc import Callable, Mapping, Sequence

from authsvc.clock import Clock
from authsvc.db.engine import Database

from .forwarder import Forwarder
from .sinks.sink import Sink


class Forwarding:
    """All sinks of the settings. `holder` names this process among all."""

    def __init__(
        self, database: Database, clock: Clock, sinks: Sequence[Sink], *, holder: str
    ) -> None:
        self._forwarders = [Forwarder(database, clock, sink, holder=holder) for sink in sinks]

    @property
    def states(self) -> Mapping[str, Callable[[], str]]:
        """For /readyz, by name."""
        return {f"sink {each.name}": each.state for each in self._forwarders}

    def start(self) -> None:
        """Begin, in threads of their own."""
        for each in self._forwarders:
            each.start()

    def stop(self) -> None:
        """End the threads; a sink that hangs is left behind. What it lacks stays in the log."""
        for each in self._forwarders:
            each.ask_to_stop()
        for each in self._forwarders:
            each.join()
