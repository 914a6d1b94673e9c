"""The listening socket, and how many connections the system lets us hold."""

import errno
import resource
import socket

from authsvc import logs
from authsvc.errors import AuthsvcError, Conflict, InvalidSettings

SPARE = 64  # file descriptors for the database, logs, key files and the loop itself

_log = logs.get(__name__)


def listen_on(host: str, port: int) -> socket.socket:
    """A bound socket that a server can listen on.

    It is made with IPPROTO_TCP: asyncio sets TCP_NODELAY on connections of such a socket only,
    and without it half of all answers wait 40 ms. `::` takes IPv4 as well.
    Raises Conflict when the port is taken, InvalidSettings when there is no such address.
    """
    sock = None
    try:
        family, kind, _, _, address = _resolved(host, port)
        sock = socket.socket(family, kind, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        sock.bind(address)
        sock.setblocking(False)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise _explained(error, host, port) from None
    return sock


def connections_within_limits(wanted: int) -> int:
    """How many connections fit below the limit on open files, which is raised where possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + SPARE
    if soft != resource.RLIM_INFINITY and soft < need:
        soft = need if hard == resource.RLIM_INFINITY else min(need, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= need:
        return wanted
    fitting = max(1, soft - SPARE)
    _log.warning(
        "the limit on open files is too low for server.connections",
        limit=soft,
        connections=fitting,
        advice=f"raise it to {need} (ulimit -n, LimitNOFILE)",
    )
    return fitting


def _resolved(host: str, port: int) -> tuple[int, int, int, str, tuple[object, ...]]:
    return socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]


def _explained(error: OSError, host: str, port: int) -> AuthsvcError:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            f"port {port} of {host} is taken",
            advice="stop what listens there, or set server.port",
        )
    return InvalidSettings(
        f"cannot listen on {host} port {port}: {error.strerror}",
        faults=[("server.host, server.port", str(error.strerror))],
    )
