"""Forwarding to one sink, in a thread of its own.

Of all processes one forwards, by a lease. It goes on where the cursors say that the sink has the
log, writer by writer in the order of the numbers; a sink that was away catches up so.
"""

import threading
import time

from authsvc import logs, metrics
from authsvc.clock import Clock
from authsvc.db.engine import Database
from authsvc.db.lease import Lease
from authsvc.errors import Unavailable

from . import cursors, writers
from .changes import WRITER as CHANGES
from .rows import Stored, record
from .sent import Sent
from .sinks.sink import Closed, Sink

LATE = 10.0  # seconds behind, from which on a sink is degraded
LEASE = 12.0  # seconds; also how long nobody forwards after a process was killed
RENEWED = 3.0  # seconds between two renewals, and between two looks of those who do not forward
STORED = (
    1.0  # seconds between two writes of cursors: each is a transaction that tokens may wait for
)
IDLE = 0.5  # seconds between two looks for records
AGAIN = (0.5, 1.0, 2.0, 5.0)  # seconds between attempts at a sink that is away
TOKENS, EDITS = 100, 5  # records held at a time; an edit's may be as long as a policy
PATIENCE = 2.0  # seconds that a thread is waited for at the end

_log = logs.get("audit")


class Forwarder:
    """One sink and its thread. `holder` names this process among all."""

    def __init__(self, database: Database, clock: Clock, sink: Sink, *, holder: str) -> None:
        self.name = sink.name
        self._database = database
        self._clock = clock
        self._sink = sink
        self._lease = Lease(database, f"sink {sink.address}", holder, LEASE)
        self._sent: Sent | None = None  # None while somebody else forwards
        self._stored: dict[str, int] = {}
        self._oldest: int | None = None  # milliseconds: the time of the oldest record it lacks
        self._failures = 0
        self._renew_at = self._store_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Have the thread end soon."""
        self._stop.set()

    def join(self) -> None:
        """Wait for the thread, but not for a sink that hangs."""
        self._thread.join(PATIENCE)

    def lag(self) -> float:
        """How old the oldest record is that the sink lacks, in seconds; 0 when it lacks none."""
        oldest = self._oldest
        return 0.0 if oldest is None else max(0.0, self._clock.now() - oldest / 1000)

    def state(self) -> str:
        """`ok`, or `degraded` while it is late."""
        return "degraded" if self.lag() > LATE else "ok"

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                pause = self._round()
            except Unavailable:  # the database: /readyz says so itself
                pause = RENEWED
            except OSError as error:
                pause = self._lost(error)
            except Exception:  # noqa: BLE001 - nobody would miss a thread that ends
                _log.exception("forwarding failed", sink=self.name)
                self._let_go()
                pause = RENEWED
            metrics.AUDIT_FORWARD_LAG.labels(self.name).set(self.lag())
        self._end()

    def _round(self) -> float:
        """One look; how many seconds to wait before the next."""
        begun = time.monotonic()
        sent = self._holding()
        if sent is None:
            self._watch()
            return RENEWED
        self._sink.look()
        moved = self._forward(sent)
        if time.monotonic() >= self._store_at:
            self._store(sent)
        # A long way to catch up is gone at half speed: tokens need the processor, too.
        return time.monotonic() - begun if moved else IDLE

    def _holding(self) -> Sent | None:
        """What was sent, when this process forwards; read anew when it did not before."""
        now = time.monotonic()
        if now < self._renew_at:
            return self._sent
        self._renew_at = now + RENEWED
        if not self._lease.hold(self._clock.now()):
            self._let_go()
        elif self._sent is None:
            with self._database.read() as session:
                self._stored = cursors.load(session, self._sink.address)
            self._sent = Sent(dict(self._stored), self._sink.in_doubt)
        return self._sent

    def _watch(self) -> None:
        """See how far the process that forwards has come."""
        with self._database.read() as session:
            known = cursors.load(session, self._sink.address)
            self._oldest = writers.oldest(session, writers.moved(session, known))

    def _forward(self, sent: Sent) -> bool:
        """Hand over what is next of each writer; whether there was anything."""
        with self._database.read() as session:
            moved = list(writers.moved(session, sent.positions))
            self._oldest = writers.oldest(session, moved)
        for writer, seq in moved:
            if self._stop.is_set() or self._holding() is not sent:
                break
            with self._database.read() as session:
                limit = EDITS if writer == CHANGES else TOKENS
                rows = writers.following(session, writer, seq, limit=limit)
            if rows:
                self._hand_over(sent, rows)
        return bool(moved)

    def _hand_over(self, sent: Sent, rows: list[Stored]) -> None:
        """Give the sink records of one writer."""
        writer, first, last = rows[0].writer, rows[0].seq, rows[-1].seq
        known = sent.positions.get(writer)
        if known is not None and first > known + 1:
            gone = first - known - 1
            _log.error("records went before a sink took them", sink=self.name, records=gone)
        size = self._sink.take([record(row) for row in rows])
        sent.add(writer, last, size, on_the_way=self._sink.on_the_way())
        metrics.AUDIT_FORWARDED.labels(self.name).inc(len(rows))
        if self._failures:
            _log.warning("a sink takes records again", sink=self.name)
        self._failures = 0

    def _lost(self, error: OSError) -> float:
        """The sink is away: have all sent again of which nobody knows whether it has it."""
        self._sink.close()
        if isinstance(error, Closed):
            if self._sent is not None:
                self._sent.keep()
            return 0.0
        if self._sent is not None:
            self._sent.take_back()
        if not self._failures:
            reason = error.strerror or str(error) or type(error).__name__
            _log.warning("a sink takes no records", sink=self.name, reason=reason)
        self._failures += 1
        return AGAIN[min(self._failures, len(AGAIN)) - 1]

    def _store(self, sent: Sent) -> None:
        """Note how far the sink has the log, for who goes on after us."""
        self._store_at = time.monotonic() + STORED
        taken = sent.arrived(self._sink.on_the_way())
        new = {writer: seq for writer, seq in taken.items() if self._stored.get(writer) != seq}
        if new:
            with self._database.write() as session:
                cursors.store(session, self._sink.address, new)
            self._stored |= new

    def _let_go(self) -> None:
        self._sink.close()
        self._sent = None

    def _end(self) -> None:
        """Note the last of it, as far as the sink and the database still answer."""
        try:
            if self._sent is not None:
                self._store(self._sent)
        except (OSError, Unavailable):
            pass  # then some records come twice
        self._sink.close()
