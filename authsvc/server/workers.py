"""Several workers and their parent: it starts them, replaces those that die, and passes on signals.

All share one socket, which the parent opens and never listens on. Each worker has a channel to
the parent: settings come through it, then single letters, and its end means that the parent has
gone. Signals go to the parent alone, so it does not matter whether a process manager sends them
to all.
"""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from authsvc import logs

from .lifecycle import FINISH
from .plan import Plan
from .scrape_folder import scrape_folder

DRAIN, HURRY, READY = b"D", b"H", b"R"
LOOK = 0.1  # seconds between looks at signals and workers
YOUNG = 10  # seconds: a worker that dies before is replaced with a growing delay
LONGEST_DELAY = 2  # seconds until a dead worker is replaced at the latest
GRACE = 5  # seconds beyond drain and finish after which a worker is killed

_log = logs.get(__name__)


@dataclass
class _Worker:
    """A running worker. `since` is when it was started, by the monotonic clock."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    since: float
    ready: bool = False

    def tell(self, word: bytes) -> None:
        """Send a word; one that has ended just now needs none."""
        try:
            self.channel.send(word)
        except OSError:
            return

    def look(self) -> None:
        """Notice that the worker has become ready."""
        try:
            self.ready = self.ready or self.channel.recv(1) == READY
        except OSError:
            return


class Workers:
    """The parent. `started` is called once, when the first worker can be used."""

    def __init__(self, plan: Plan, sock: socket.socket, *, started: Callable[[], None]) -> None:
        self._plan = plan
        self._sock = sock
        self._started = started
        self._workers: dict[int, _Worker] = {}
        self._due: dict[int, float] = dict.fromkeys(range(plan.settings.server.workers), 0.0)
        self._early_deaths = 0
        self._announced = False
        self._signals: list[int] = []
        self._kill_at: float | None = None
        self._metrics: Path | None = None

    def run(self) -> None:
        """Keep the workers running until a signal says stop, and all have ended.

        Raises SystemExit with a worker's status when none could start.
        """
        for sig in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sig, lambda number, _frame: self._signals.append(number))
        with scrape_folder() as self._metrics:
            try:
                while self._kill_at is None or self._workers:
                    self._obey()
                    self._start_due()
                    time.sleep(LOOK)
                    self._look()
            finally:
                self._end()

    def _obey(self) -> None:
        while self._signals:
            sig = self._signals.pop(0)
            hurry = sig == signal.SIGINT or self._kill_at is not None
            self._stop(HURRY if hurry else DRAIN)

    def _stop(self, word: bytes) -> None:
        wait = 0 if word == HURRY else self._plan.settings.server.drain
        self._kill_at = time.monotonic() + wait + FINISH + GRACE
        self._due.clear()
        self._sock.close()  # else the port would stay open after the last worker closed it
        for worker in self._workers.values():
            worker.tell(word)

    def _start_due(self) -> None:
        now = time.monotonic()
        for number in [number for number, due in self._due.items() if due <= now]:
            del self._due[number]
            self._workers[number] = self._start(number)

    def _start(self, number: int) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [
                    *(sys.executable, "-P", "-m", "authsvc.server.worker"),
                    *(str(theirs.fileno()), str(self._sock.fileno()), str(number)),
                ],
                pass_fds=(theirs.fileno(), self._sock.fileno()),
                stdin=subprocess.DEVNULL,
                process_group=0,  # a terminal's Ctrl+C is for the parent
                env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(self._metrics)},
            )
        text = pickle.dumps(self._plan)
        worker = _Worker(process, ours, time.monotonic())
        try:
            ours.sendall(len(text).to_bytes(4, "big") + text)
        except OSError:
            _log.warning("a worker ended before it began", worker=number)
        ours.setblocking(False)
        return worker

    def _look(self) -> None:
        for number, worker in list(self._workers.items()):
            worker.look()
            status = worker.process.poll()
            if status is not None:
                del self._workers[number]
                worker.channel.close()
                self._ended(number, worker, status)
            elif self._kill_at is not None and time.monotonic() > self._kill_at:
                worker.process.kill()
        if not self._announced and any(worker.ready for worker in self._workers.values()):
            self._announced = True
            self._started()

    def _ended(self, number: int, worker: _Worker, status: int) -> None:
        if self._kill_at is not None:
            return
        if not (self._announced or worker.ready):
            raise SystemExit(status if status > 0 else 1)
        young = time.monotonic() - worker.since < YOUNG
        self._early_deaths = self._early_deaths + 1 if young else 0
        delay = min(LONGEST_DELAY, 0.1 * 2**self._early_deaths) if young else 0
        _log.error("a worker died and is replaced", worker=number, status=status, delay=delay)
        self._due[number] = time.monotonic() + delay

    def _end(self) -> None:
        for worker in self._workers.values():
            worker.process.kill()
            worker.process.wait()
            worker.channel.close()
        self._sock.close()
