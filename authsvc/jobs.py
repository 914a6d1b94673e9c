"""Work that comes round: a job is a name, an interval and something to run."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """`run` is called in a worker thread every `every` seconds while the service is up.

    With `exclusive`, one process of all runs it (a lease row decides which); without, each
    process does. A job that raises is logged by name and tried again next time.
    """

    name: str
    every: float
    run: Callable[[], None]
    exclusive: bool = False
