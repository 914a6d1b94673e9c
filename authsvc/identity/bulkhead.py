"""A few threads for what blocks, so that a flood of it takes neither the processor nor the memory.

Slow hashes get one thread per core and low priority: while 8 clients send wrong passwords, 2
threads at nice 10 leave 86 % of the token rate, 8 plain threads 17 % (design.md section 7).
"""

import asyncio
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from authsvc.errors import Unavailable

NICE = 10  # added to the priority value of the process: these threads yield to all others
_NICEST = 19
PATIENCE = 5.0  # seconds; docker gives up a token after 15, and a database that hangs may never end

T = TypeVar("T")


class Bulkhead:
    """`threads` threads, and room for `queue` more calls; what is beyond is refused.

    So is a call that has not ended after `patience` seconds: one that waits for its turn is given
    up, one that hangs keeps its thread. Used from one event loop. `name` is what is busy, for the
    error and the threads. A caller who is named has `each` places at most, so that none takes all.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        queue: int,
        low_priority: bool = False,
        patience: float = PATIENCE,
        each: int = sys.maxsize,
    ) -> None:
        self._name = name
        self._patience = patience
        self._room = threads + queue
        self._each = each
        self._taken = Counter[str]()  # places by caller
        self._pool = ThreadPoolExecutor(
            threads,
            thread_name_prefix=name,
            initializer=_yield_to_others if low_priority else None,
        )

    async def run(self, call: Callable[..., T], *args: object, caller: str = "") -> T:
        """What `call(*args)` returns or raises, in a thread of this bulkhead.

        A caller that goes away leaves the call running: its place stays taken until it ends.

        Raises:
            Unavailable: the queue is full, `caller` has too many calls, or this one took too long.

        """
        self._check_room(caller)
        self._taken[caller] += 1
        work = self._pool.submit(call, *args)
        future = asyncio.wrap_future(work)
        future.add_done_callback(partial(self._free, caller))
        done, _ = await asyncio.wait({future}, timeout=self._patience)
        if not done:
            work.cancel()
            raise Unavailable(f"{self._name} took too long", what=self._name, retry_after=1)
        return future.result()

    def close(self) -> None:
        """Drop what waits and end when the calls under way have returned."""
        self._pool.shutdown(cancel_futures=True)

    def _check_room(self, caller: str) -> None:
        if self._taken.total() >= self._room:
            raise Unavailable(f"too many calls wait for {self._name}", what=self._name)
        if caller and self._taken[caller] >= self._each:
            said = f"{self._each} of your calls are at {self._name} already"
            raise Unavailable(said, what=self._name, advice="wait until one of them has ended")

    def _free(self, caller: str, future: "asyncio.Future[T]") -> None:
        self._taken -= Counter((caller,))
        if not future.cancelled():
            future.exception()  # seen, though its caller may have gone


def _yield_to_others() -> None:
    """Lower the priority of the calling thread. Linux alone has priorities per thread."""
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    with suppress(OSError):  # a container may forbid even this; the hash is then merely less polite
        lower = min(_NICEST, os.getpriority(os.PRIO_PROCESS, thread) + NICE)
        os.setpriority(os.PRIO_PROCESS, thread, lower)
