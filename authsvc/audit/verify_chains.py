"""Walking the chains: every record is where it belongs, whole, and what checkpoints say of it."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from .chain import ZERO, link
from .changes import WRITER as CHANGES
from .limits import LIMITED
from .raw_pages import Row
from .records import Event
from .verify_checkpoints import Bad, Commit, Proof

# A record is older than the checkpoint that first covers it by the time that it waited to be
# written. One that is older than the checkpoint before by more than this was made up later.
LATEST_MS = 600_000
NEVER = -(1 << 62)

Fits = Callable[[Row], bool]


@dataclass(slots=True)
class Walked:
    """What was found so far. `uncovered` records came after the last checkpoint, from `since` on.

    `anchored` is the place of the record with the hash that was looked for. Times are in ms.
    """

    anchor: bytes | None = None
    records: int = 0
    uncovered: int = 0
    since: int | None = None
    anchored: tuple[str, int] | None = None


def walk(pages: Iterable[list[Row]], proof: Proof, walked: Walked, fits: Fits) -> Bad | None:
    """Walk one table; `fits` says whether the columns of a row are what its body says.

    Takes the commits of every writer that it met out of `proof`.
    """
    chain: _Chain | None = None
    for writer, rows in _by_writer(pages):
        if chain is None or chain.writer != writer:
            bad = chain.end() if chain else None
            chain = _Chain(writer, proof, walked, fits)
            bad = bad or chain.begin(rows[0])
            if bad:
                return bad
        bad = chain.take(rows)
        if bad:
            return bad
    return chain.end() if chain else None


def missing(proof: Proof) -> Bad | None:
    """The first record of a writer that checkpoints cover, and of whom nothing is there."""
    for writer, commits in sorted(proof.commits.items()):
        floor = _floor(commits, proof.removed)
        if commits[-1].number > proof.removed and commits[-1].seq > floor.seq:
            return Bad(writer, floor.seq + 1, "it is missing, and so is all that its writer wrote")
    return None


def _by_writer(pages: Iterable[list[Row]]) -> Iterator[tuple[str, list[Row]]]:
    for page in pages:
        if page[0][0] == page[-1][0]:
            yield page[0][0], page
        else:
            for writer, rows in groupby(page, key=itemgetter(0)):
                yield writer, list(rows)


def _floor(commits: list[Commit], removed: int) -> Commit:
    """The last record of a chain that may have been removed; number 0 where none may."""
    gone = [each for each in commits if each.number <= removed]
    return gone[-1] if gone else Commit(0, ZERO, 0)


class _Chain:
    """The chain of one writer, from the first record that is there."""

    def __init__(self, writer: str, proof: Proof, walked: Walked, fits: Fits) -> None:
        self.writer = writer
        self._proof = proof
        self._walked = walked
        self._fits = fits
        self._commits = proof.commits.pop(writer, [])
        self._expected, self._prev = 1, ZERO
        self._next = 0
        self._limit = NEVER

    def begin(self, row: Row) -> Bad | None:
        """See to it that the chain may begin with this record."""
        first, floor = row[1], _floor(self._commits, self._proof.removed)
        if not isinstance(first, int) or "\n" in self.writer:
            return Bad(self.writer, floor.seq + 1, "its writer or number is none that is given")
        if first != 1:
            if not 1 < first <= floor.seq + 1:
                return Bad(self.writer, floor.seq + 1, "it is missing")
            self._expected = first
            self._prev = floor.hash if first == floor.seq + 1 else row[3]
        while self._next < len(self._commits) and self._commits[self._next].seq < first:
            self._next += 1
        self._limit = self._oldest()
        return None

    def take(self, rows: list[Row]) -> Bad | None:
        """Walk on over rows of this writer."""
        try:
            return self._take(rows)
        except (TypeError, ValueError, KeyError):  # SQLite takes any kind in any column
            return Bad(self.writer, self._expected, "what its columns hold is none of ours")

    def _take(self, rows: list[Row]) -> Bad | None:
        writer, expected, prev, fits = self.writer, self._expected, self._prev, self._fits
        limit, anchor = self._limit, self._walked.anchor
        due = self._due()
        for row in rows:
            seq, body, linked = row[1], row[2], row[4]
            if (
                seq != expected
                or row[3] != prev
                or link(prev, writer, seq, body) != linked
                or not fits(row)
            ):
                return self._wrong(row, expected, prev)
            if row[5] < limit:
                return Bad(writer, seq, "it is older than the checkpoint before the one over it")
            if seq == due:
                bad = self._commit(seq, linked)
                if bad:
                    return bad
                due, limit = self._due(), self._limit
            elif due is None:
                self._uncovered(row[5])
            if linked == anchor:
                self._walked.anchored = writer, seq
            self._expected = expected = seq + 1
            prev = linked
        self._prev = prev
        self._walked.records += len(rows)
        return None

    def end(self) -> Bad | None:
        """See to it that no record is missing that a checkpoint covers."""
        if self._next < len(self._commits):
            return Bad(self.writer, self._expected, "it is missing, and so is what came after it")
        return None

    def _due(self) -> int | None:
        """The number of the next record that a checkpoint names."""
        return self._commits[self._next].seq if self._next < len(self._commits) else None

    def _commit(self, seq: int, linked: bytes) -> Bad | None:
        while self._due() == seq:
            if self._commits[self._next].hash != linked:
                number = self._commits[self._next].number
                return Bad(self.writer, seq, f"it is not the one that checkpoint {number} signed")
            self._next += 1
        self._limit = self._oldest()
        return None

    def _oldest(self) -> int:
        """What time the records up to the next commit must at least have."""
        times, last = self._proof.times, self._proof.last
        if self._next == len(self._commits):
            return times[last] - LATEST_MS if last else NEVER
        number = self._commits[self._next].number
        if number <= self._proof.removed or number - 1 not in times:
            return NEVER
        return min(times[number - 1], times[number]) - LATEST_MS  # a clock may be put back

    def _uncovered(self, time: int) -> None:
        self._walked.uncovered += 1
        since = self._walked.since
        self._walked.since = time if since is None else min(since, time)

    def _wrong(self, row: Row, expected: int, prev: bytes) -> Bad:
        _, seq, body, before, linked, *_ = row
        if seq != expected:
            return Bad(self.writer, expected, "it is missing")
        if link(before, self.writer, seq, body) != linked:
            return Bad(self.writer, seq, "it was changed: its hash is not that of what it holds")
        if before != prev:
            return Bad(self.writer, seq, "it does not follow the record before it")
        return Bad(self.writer, seq, "its columns are not what its body says")


@lru_cache(maxsize=16)
def _second(text: bytes) -> int:
    return int(datetime.fromisoformat(f"{text.decode('ascii')}+00:00").timestamp()) * 1000


def time_fits(row: Row) -> bool:
    """Whether the column `time` is the first member of the body, to the millisecond."""
    body = row[2]
    try:
        return body[:9] == b'{"time":"' and _second(body[9:28]) + int(body[29:32]) == row[5]
    except ValueError:
        return False


def token_fits(row: Row) -> bool:
    """Whether time, decision and subject of a token record are those of its body.

    What a client chose cannot look like a member: its quotes are escaped. A record without a
    subject is not looked at closer: the first releases wrote none.
    """
    decision, subject = row[6], row[7]
    member = b'"decision_id":null' if decision is None else f'"decision_id":"{decision}"'.encode()
    if row[0] == CHANGES:
        return False
    return time_fits(row) and member in row[2] and (subject is None or subject == _subject(row[2]))


def _subject(body: bytes) -> str | None:
    held = json.loads(body)
    if held["event"] == Event.LIMIT:
        return LIMITED
    actor = held["actor"]
    return f"{actor['kind']}:{actor['source']}:{actor['id']}"
