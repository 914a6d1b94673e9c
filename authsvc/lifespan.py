"""What runs beside the requests of one worker while it is up: news, jobs, gauges."""

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus

from authsvc import logs, metrics
from authsvc.assembly.fail_open import fail_open
from authsvc.assembly.online import Online
from authsvc.db import schema
from authsvc.db.lease import Lease
from authsvc.errors import AuthsvcError
from authsvc.jobs import Job

RETRY = 0.5  # seconds between attempts to reach a database that is not there yet
GAUGES = 1.0  # seconds between two settings of the gauges

_log = logs.get("service")
T = TypeVar("T")


@contextlib.asynccontextmanager
async def running(parts: Online) -> AsyncIterator[None]:
    """Everything that the service needs besides requests, from the start to the stop.

    Requests are let in when the policy is loaded. Comes up without a database too: it is waited
    for, and requests get 503 meanwhile.
    """
    parts.log.start()
    parts.forwarding.start()
    async with anyio.create_task_group() as group:
        await group.start(_follow, parts)
        group.start_soon(_keep_gauges, parts)
        for job in parts.jobs:
            group.start_soon(_repeat, job, parts)
        yield
        parts.people.close()  # or a job that waits for a directory would keep all the rest waiting
        group.cancel_scope.cancel()
    await parts.log.stop()
    await anyio.to_thread.run_sync(parts.forwarding.stop)
    await parts.limiter.close()
    with contextlib.suppress(AuthsvcError):
        parts.uses.write()
    with contextlib.suppress(AuthsvcError):
        parts.keeper.finish()
    metrics.flush()
    parts.offline.database.dispose()


async def _follow(parts: Online, *, task_status: TaskStatus[None]) -> None:
    """Load the policy once the database is there, then follow its news.

    Counts as started after the first attempt, whatever came of it.
    """
    said = ""
    while True:
        try:
            await _thread(parts, schema.check, parts.offline.database)
            await _thread(parts, parts.keyring.refresh)
            await parts.snapshot.load()
            await parts.feed.poll()  # after the load: the service counts as ready from here on
            break
        except AuthsvcError as error:
            if not said:
                task_status.started()
            if str(error) != said:
                said = str(error)
                _log.warning("waiting for the database", reason=said)
            await anyio.sleep(RETRY)
    if not said:
        task_status.started()
    await parts.feed.run()


async def _repeat(job: Job, parts: Online) -> None:
    """Run a job every so often. One that fails is named once, and tried again."""
    failing = False
    lease = _lease(job, parts)
    while True:
        try:
            if lease is None or await _thread(parts, lease.hold, parts.offline.clock.now()):
                await _thread(parts, job.run)
            failing = False
        except AuthsvcError as error:
            if not failing:
                _log.warning("a job failed", job=job.name, reason=str(error))
            failing = True
        except Exception as error:  # noqa: BLE001 - the next round may work; a silent end would not
            if not failing:
                _log.error("a job failed", job=job.name, exc_info=error)
            failing = True
        await anyio.sleep(job.every)


def _lease(job: Job, parts: Online) -> Lease | None:
    if not job.exclusive:
        return None
    holder = f"{socket.gethostname()}-{os.getpid()}"
    return Lease(parts.offline.database, job.name, holder, job.every * 3)


async def _keep_gauges(parts: Online) -> None:
    switches = fail_open(parts)
    while True:
        switches.tell()
        metrics.flush()
        metrics.POLICY_VERSION.set(parts.feed.version)
        metrics.POLICY_AGE.set(parts.feed.age())
        metrics.AUDIT_PENDING.set(parts.log.pending)
        if (age := parts.keeper.age()) is not None:
            metrics.AUDIT_CHECKPOINT_AGE.set(age)
        ends = parts.keyring.expires()
        if ends is not None:
            metrics.CERTIFICATE_EXPIRES.set(ends - parts.offline.clock.now())
        for name, state in parts.people.reporting.items():
            metrics.SOURCE_UP.labels(name).set(state() == "ok")
        await anyio.sleep(GAUGES)


async def _thread(parts: Online, call: Callable[..., T], *args: object) -> T:
    """What a blocking call returns, from one of the threads for such work."""
    return await anyio.to_thread.run_sync(partial(call, *args), limiter=parts.threads)
