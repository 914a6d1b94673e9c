"""The guard that keeps tests on loopback: a test that needs the network fails on every machine."""

import ipaddress


def on_loopback(address: object) -> bool:
    """Whether a socket address stays on this machine: unix sockets, localhost, 127/8, ::1."""
    if not isinstance(address, tuple):
        return True
    host = address[0]
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """An audit hook that refuses connections elsewhere and remembers them."""

    def __init__(self) -> None:
        self.refused: list[object] = []

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            return
        address = arguments[-1]
        if not on_loopback(address):
            self.refused.append(address)
            raise PermissionError(f"tests stay on loopback: {address}")
