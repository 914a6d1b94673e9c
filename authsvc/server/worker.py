"""The program that a worker is: `python -m authsvc.server.worker CHANNEL SOCKET NUMBER`.

It ends with its parent, however that dies: the kernel kills it where it can (Linux), and the end
of the channel does elsewhere.
"""

# Nothing of ours may be imported before `_share_metrics`: the metrics are made at import.
# ruff: noqa: PLC0415
import ctypes
import os
import pickle
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lifecycle import Server
    from .plan import Plan

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Serve until the parent says stop; the exit status says why a start failed."""
    channel_fd, socket_fd, number = (int(argument) for argument in sys.argv[1:4])
    _die_with_parent()
    channel = socket.socket(fileno=channel_fd)
    _share_metrics(number)
    plan = _received(channel)
    from authsvc import logs

    logs.configure(plan.style, plan.level)
    sys.exit(_serve(plan, socket.socket(fileno=socket_fd), channel))


def _serve(plan: "Plan", sock: socket.socket, channel: socket.socket) -> int:
    from authsvc import logs
    from authsvc.errors import AuthsvcError, Invalid, Unavailable

    from .plan import server_of
    from .workers import READY

    try:
        server = server_of(plan, started=lambda: channel.sendall(READY), alone=False)
        threading.Thread(target=_obey, args=(channel, server), daemon=True).start()
        server.run(sockets=[sock])
    except AuthsvcError as error:
        logs.get(__name__).error("a worker could not start", why=str(error))
        return 2 if isinstance(error, Invalid) else 3 if isinstance(error, Unavailable) else 1
    return 0


def _obey(channel: socket.socket, server: "Server") -> None:
    from .workers import DRAIN, HURRY

    while word := channel.recv(1):
        if word == DRAIN:
            server.drain()
        elif word == HURRY:
            server.hurry()
    os._exit(1)


def _received(channel: socket.socket) -> "Plan":
    size = int.from_bytes(channel.recv(4, socket.MSG_WAITALL), "big")
    plan: Plan = pickle.loads(channel.recv(size, socket.MSG_WAITALL))  # noqa: S301 - our parent's
    return plan


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _share_metrics(number: int) -> None:
    """Keep the metrics in files named by the worker's number: its replacement goes on."""
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
    from authsvc import metrics

    metrics.share(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]), number)


if __name__ == "__main__":
    main()
