"""The parts of the command line: everything that needs no running service."""

from dataclasses import dataclass

from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.clock import Clock, SystemClock
from authsvc.db.engine import Database
from authsvc.keys.store import Folder
from authsvc.settings import Settings


@dataclass(frozen=True, slots=True)
class Offline:
    """What the command line works with: everything that needs no running service."""

    settings: Settings
    database: Database
    clock: Clock
    unit_of_work: UnitOfWork
    keys: Folder


def offline(settings: Settings) -> Offline:
    """The parts for the command line; nothing is connected to and no file is made yet."""
    database = Database(settings.database_url.get_secret_value())
    clock = SystemClock()
    sources = frozenset(source.name for source in settings.sources)
    unit_of_work = UnitOfWork(database, clock, lambda: None, sources=sources)
    return Offline(settings, database, clock, unit_of_work, Folder(settings.certs_dir))
