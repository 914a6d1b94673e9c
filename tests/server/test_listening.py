"""The listening socket."""

import socket

import pytest

from authsvc.errors import InvalidSettings
from authsvc.server.listener import connections_within_limits, listen_on


@pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6), ("::", socket.AF_INET6)],
)
def test_its_protocol_is_named_so_that_connections_get_tcp_nodelay(host, family):
    with listen_on(host, 0) as sock:
        assert sock.proto == socket.IPPROTO_TCP
        assert sock.family == family


def test_all_addresses_of_ipv6_are_those_of_ipv4_too():
    with listen_on("::", 0) as sock:
        sock.listen()
        socket.create_connection(("127.0.0.1", sock.getsockname()[1])).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_address_that_is_not_ours_is_a_fault_of_the_settings(host):
    with pytest.raises(InvalidSettings, match="cannot listen"):
        listen_on(host, 0)


def test_a_bound_that_fits_is_left_alone():
    assert connections_within_limits(10) == 10
