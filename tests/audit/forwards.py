"""Forwarding to sinks, as one process of several does it."""

import asyncio
import time
from contextlib import contextmanager

from factories import record

from authsvc.audit.forwarding import Forwarding
from authsvc.audit.log import Entry, TokenLog
from authsvc.audit.records import print_body, time_ms
from authsvc.clock import SystemClock


def written(database, count, writer="writer-1"):
    """Write so many records of one writer, who has not written before."""
    items = [record(time=time.time()) for _ in range(count)]

    async def main():
        log = TokenLog(database, writer, "refuse")
        log.start()
        entries = [Entry(time_ms(item), None, print_body(item)) for item in items]
        await asyncio.gather(*map(log.record, entries))
        await log.stop()

    asyncio.run(main())


@contextmanager
def forwarded(database, *sinks, holder="this process"):
    """Forwarding while the block runs."""
    forwarding = Forwarding(database, SystemClock(), sinks, holder=holder)
    forwarding.start()
    try:
        yield forwarding
    finally:
        forwarding.stop()
        for sink in sinks:
            sink.close()


def wait_until(true, patience=60):
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
