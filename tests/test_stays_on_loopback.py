"""The guard of the tests themselves."""

import socket

import pytest
from loopback import Guard, on_loopback


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        pytest.param(("127.0.0.1", 80), True, id="ipv4"),
        pytest.param(("127.9.9.9", 80), True, id="all-of-127"),
        pytest.param(("::1", 80, 0, 0), True, id="ipv6"),
        pytest.param(("localhost", 80), True, id="by-name"),
        pytest.param("/run/some.sock", True, id="unix-socket"),
        pytest.param(("192.0.2.1", 80), False, id="elsewhere"),
        pytest.param(("2001:db8::1", 80, 0, 0), False, id="elsewhere-ipv6"),
        pytest.param(("example.com", 80), False, id="a-name-to-look-up"),
    ],
)
def test_only_loopback_is_let_through(address, stays):
    assert on_loopback(address) is stays


def test_a_connection_elsewhere_is_refused_and_remembered():
    guard = Guard()
    with socket.socket() as sock, pytest.raises(PermissionError):
        guard.hook("socket.connect", (sock, ("192.0.2.1", 80)))
    assert guard.refused == [("192.0.2.1", 80)]
