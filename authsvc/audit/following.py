"""New records as they are written, by all writers."""

from typing import Any

from authsvc.db.engine import Database

from . import reader, writers
from .filters import Filter
from .rows import Stored, place, record

AT_ONCE = 500  # records of one writer that are held at a time


class Follower:
    """Gives the newest records, and then each that is written.

    Both are as of one moment, so that none is missing between them or given twice.
    """

    def __init__(self, database: Database, wanted: Filter) -> None:
        self._database = database
        self._wanted = wanted
        self._known: dict[str, int] = {}
        self.behind = False
        """Whether there was more at the last look than it gave."""

    def begin(self, newest: int) -> list[dict[str, Any]]:
        """The last records, at most so many, the newest last. Raises Unavailable."""
        with self._database.read() as session:
            self._known = writers.last(session)
            return reader.records(session, limit=newest, wanted=self._wanted)

    def look(self) -> list[dict[str, Any]]:
        """Those written since the last look, by time. Raises Unavailable: then look again."""
        found: list[Stored] = []
        known, counts = dict(self._known), []
        with self._database.read() as session:
            for writer, seq in list(writers.moved(session, known)):
                rows = writers.following(session, writer, seq, limit=AT_ONCE)
                if rows:
                    known[writer] = rows[-1].seq
                    found += rows
                    counts.append(len(rows))
        self._known, self.behind = known, AT_ONCE in counts
        rows_in_time = (row for row in sorted(found, key=place) if self._wanted.covers(row[0]))
        return list(filter(self._wanted.admits, map(record, rows_in_time)))
