"""Group commit: many items become durable by one commit, and nobody waits for a timer.

While no batch is being written, the event loop hands the whole list to the one writer thread;
what comes meanwhile is the next batch. The thread is woken once per batch and wakes the loop once
per batch, since waking it for every item costs more than writing does.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

import anyio.to_thread

from authsvc import logs
from authsvc.errors import Unavailable

T = TypeVar("T")
_log = logs.get("batch")

PATIENCE = 2.0  # seconds a batch may take before its waiters are told that it did not work
LINGER = 0.05  # seconds that items which nobody waits for may wait for company
RETRY = 0.5  # seconds before items that nobody waits for are tried again on their own

Settled = Callable[[Unavailable | None], None]
"""Told on the loop that an item is durable (None), or why it is not."""


class Undecided(Unavailable):
    """It took too long, and the item may still become durable: it is tried until it does."""


class _Pending(Generic[T]):
    """Items in the order they came, and whom to tell about those that are waited for."""

    __slots__ = ("items", "soon", "waiters")

    def __init__(self) -> None:
        self.items: list[T] = []
        self.waiters: list[Settled] = []
        self.soon: list[T] = []  # those of `items` that nobody waits for


class Batch(Generic[T]):
    """Collects items on the event loop and has `write(items)` called in a thread of its own.

    `write` comes back when the items are durable. When it raises, those who wait for that batch
    get `Unavailable(what=name)`; items that nobody waits for are kept and tried again with the
    next batch. Who waits longer than `patience` gets `Undecided`, and nobody waits for the item
    any more. `limit` bounds the items that are not yet being written: beyond it `put` raises
    `Unavailable` at once, and so it does while a batch takes longer than `patience` seconds.
    """

    def __init__(
        self,
        write: Callable[[list[T]], None],
        *,
        limit: int,
        name: str,
        patience: float = PATIENCE,
    ) -> None:
        self._write = write
        self._limit = limit
        self._name = name
        self._patience = patience
        self._next: _Pending[T] = _Pending()
        self._written: _Pending[T] | None = None  # the batch that the thread has
        self._scheduled = False
        self._overdue = False
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._queue: SimpleQueue[list[T] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def pending(self) -> int:
        """Items that are not durable yet."""
        return len(self._next.items) + (len(self._written.items) if self._written else 0)

    @property
    def overdue(self) -> bool:
        """Whether the batch being written takes longer than `patience`."""
        return self._overdue

    def start(self) -> None:
        """Start the writer thread; from then on items belong to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name=f"batch-{self._name}", daemon=True)
        self._thread.start()

    def put(self, item: T) -> "asyncio.Future[None]":
        """A future that is done when `item` is durable, or has failed with Unavailable.

        Whoever waits may be cancelled at any time; the item is written nevertheless.
        """
        waiter = self._admitting().create_future()

        def settled(fault: Unavailable | None) -> None:
            if waiter.done():
                return  # whoever waited has gone
            if fault is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(fault)

        self.put_then(item, settled)
        return waiter

    def put_then(self, item: T, settled: Settled) -> None:
        """Have `settled` called when `item` is durable or has failed; raises Unavailable if full.

        What `put` does, without a future and a turn of the loop for each item.
        """
        loop = self._admitting()
        self._next.waiters.append(settled)
        self._next.items.append(item)
        if not self._scheduled:
            self._schedule(loop)

    def put_soon(self, item: T) -> None:
        """Take `item` to be written soon; raises Unavailable when the list is full."""
        loop = self._admitting(even_overdue=True)
        self._next.soon.append(item)
        self._next.items.append(item)
        if not self._scheduled and self._lingering is None:
            self._linger(loop)

    def _linger(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand over a little later, unless somebody who waits makes it now."""
        self._idle.clear()
        self._lingering = loop.call_later(LINGER, self._ripe)

    def _ripe(self) -> None:
        self._lingering = None
        self._retry()

    def _admitting(self, *, even_overdue: bool = False) -> asyncio.AbstractEventLoop:
        if (
            self._loop is None
            or self._stopping
            or (self._overdue and not even_overdue)
            or len(self._next.items) >= self._limit
        ):
            raise self._unavailable()
        return self._loop

    def _unavailable(self) -> Unavailable:
        return Unavailable(f"{self._name} cannot be written", what=self._name, retry_after=1)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand over at the end of this round of the loop: all that come in it share a batch."""
        self._scheduled = True
        self._idle.clear()
        loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._written is not None or self._loop is None:
            return
        self._written, self._next = self._next, _Pending()
        self._timer = self._loop.call_later(self._patience, self._give_up)
        self._queue.put(self._written.items)

    def _work(self) -> None:
        """The writer thread: write what is handed over and say how it went, until told to end."""
        while (items := self._queue.get()) is not None:
            fault: Exception | None = None
            try:
                self._write(items)
            except Exception as error:  # noqa: BLE001 - whatever it is, the waiters must hear it
                fault = error
            try:
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._settle, fault)
            except RuntimeError:  # the event loop has ended, and with it all who waited
                return

    def _settle(self, fault: Exception | None) -> None:
        """On the loop: tell the waiters, and hand over what came meanwhile."""
        batch, self._written = self._written, None
        if self._timer is not None:
            self._timer.cancel()
        self._overdue = self._scheduled = False
        if batch is None or self._loop is None:
            return
        if fault is None:
            for settled in batch.waiters:
                self._tell(settled, None)
        else:
            self._fail(batch.waiters, fault)
            self._keep(batch.soon)
        self._go_on(self._loop, failed=fault is not None)

    def _fail(self, waiters: list[Settled], cause: Exception | None) -> None:
        for settled in waiters:
            error = self._unavailable()  # one each: whoever raises it writes into it
            error.__cause__ = cause
            self._tell(settled, error)

    def _leave_undecided(self, batch: _Pending[T]) -> None:
        """Tell those who wait that nobody knows; the items go on as those of nobody."""
        waiters, batch.waiters = batch.waiters, []
        batch.soon = batch.items
        for settled in waiters:
            text = f"{self._name} takes too long to be written"
            self._tell(settled, Undecided(text, what=self._name, retry_after=1))

    def _tell(self, settled: Settled, fault: Unavailable | None) -> None:
        try:
            settled(fault)
        except Exception:  # noqa: BLE001 - the others must hear it nevertheless
            _log.exception("who waited for a record could not be told", name=self._name)

    def _keep(self, soon: list[T]) -> None:
        """Put items that nobody waits for back to the front."""
        self._next.soon[:0] = soon
        self._next.items[:0] = soon

    def _go_on(self, loop: asyncio.AbstractEventLoop, *, failed: bool) -> None:
        if not self._next.items:
            self._idle.set()
        elif failed and not self._next.waiters and not self._stopping:
            loop.call_later(RETRY, self._retry)
        elif failed and self._stopping:
            self._idle.set()  # nobody waits for these, and there is nobody to try again
        elif self._next.waiters or self._stopping:
            self._schedule(loop)
        elif self._lingering is None:
            self._linger(loop)

    def _retry(self) -> None:
        if self._next.items and not self._scheduled and self._loop is not None:
            self._schedule(self._loop)

    def _give_up(self) -> None:
        """Let nobody wait for a writer that hangs; it may still come to an end."""
        self._overdue = True
        if self._written is not None:
            self._leave_undecided(self._written)
        waiting, self._next = self._next, _Pending()
        self._keep(waiting.soon)  # the others have not begun, and whoever waited hears "no"
        self._fail(waiting.waiters, None)

    async def stop(self) -> None:
        """Write what was put and end the thread; gives a writer that hangs up after `patience`."""
        if self._thread is None:
            return
        self._stopping = True
        if self._scheduled or self._next.items:
            self._retry()
            with anyio.move_on_after(self._patience):
                await self._idle.wait()
        self._queue.put(None)
        await anyio.to_thread.run_sync(self._thread.join, self._patience)
        self._thread = None
        self._loop = None
