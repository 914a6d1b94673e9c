"""A real Redis on loopback, started, frozen, thawed, stopped and emptied."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from db_fixtures import die_with_parent, free_port


@dataclass
class RedisServer:
    """A Redis that keeps nothing on disk; `stop` and `start` keep its port."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = {
            "port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no",
            "dir": self.folder, "logfile": self.folder / "log", "daemonize": "no",
        }  # fmt: skip
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self.process = subprocess.Popen(
            ["redis-server", *arguments],
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, no locks
        )
        deadline = time.monotonic() + 20
        while self.say("PING") != b"+PONG\r\n":
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "Redis does not answer"
            time.sleep(0.02)

    def say(self, command: str) -> bytes:
        """The first piece of what Redis answers to a command, b"" when it does not answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.sendall(command.encode() + b"\r\n")
                return connection.recv(1 << 16)
        except OSError:
            return b""

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process is not None:
            self.thaw()
            self.process.terminate()
            self.process.wait(20)
            self.process = None


@contextmanager
def running() -> Iterator[RedisServer]:
    """A server in a folder of its own, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="asv-redis-", dir="/tmp"))
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
