"""Where a request comes from: PX-02, PX-04, PX-05, PX-15 and what is said about proxies."""

import asyncio
import ipaddress
import json

import pytest

from authsvc.web.middleware import Shell

NET = ipaddress.ip_network
PROXIES = (NET("10.0.0.0/8"), NET("fd00::/8"))


def state_of(peer, *headers, trusted=PROXIES, shell=None):
    """What an application inside the shell finds in the state of its request."""
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope["state"])

    if shell is None:
        shell = Shell(app, trusted_proxies=trusted)
    else:
        shell._app = app
    scope = {"type": "http", "path": "/", "headers": list(headers), "state": {},
             "client": (peer, 5) if peer else None}  # fmt: skip
    asyncio.run(shell(scope, None, None))
    return seen


def forwarded(*values):
    return [(b"x-forwarded-for", value.encode()) for value in values]


@pytest.mark.parametrize(
    ("values", "address"),
    [
        pytest.param(["203.0.113.9"], "203.0.113.9", id="PX-02-one"),
        pytest.param(["1.1.1.1, 203.0.113.9"], "203.0.113.9", id="PX-02-left-most-spoof"),
        pytest.param(["1.1.1.1", "203.0.113.9"], "203.0.113.9", id="PX-02-two-headers"),
        pytest.param(["203.0.113.9, 10.1.2.3"], "203.0.113.9", id="PX-02-over-two-proxies"),
        pytest.param(["203.0.113.9", "10.1.2.3 , 10.0.0.7"], "203.0.113.9", id="PX-02-three"),
        pytest.param(["203.0.113.9:4711"], "203.0.113.9", id="PX-02-port"),
        pytest.param(["2001:db8::1"], "2001:db8::1", id="PX-02-ipv6"),
        pytest.param(["[2001:DB8::1]"], "2001:db8::1", id="PX-02-ipv6-brackets"),
        pytest.param(["[2001:db8:0:0::1]:443"], "2001:db8::1", id="PX-02-ipv6-port"),
        pytest.param(["::ffff:203.0.113.9"], "203.0.113.9", id="PX-02-mapped"),
        pytest.param(["::ffff:10.1.1.1, fd00::5"], "10.1.1.1", id="PX-02-all-trusted"),
        pytest.param([f"{'1.1.1.1, ' * 1000}203.0.113.9"], "203.0.113.9", id="PX-02-1000-hops"),
        pytest.param(["203.0.113.9, ,"], "203.0.113.9", id="PX-02-blank-entries"),
        pytest.param(["garbage, 203.0.113.9"], "203.0.113.9", id="PX-02-garbage-to-the-left"),
    ],
)
def test_from_a_trusted_peer_it_is_the_right_most_hop_that_is_no_proxy(values, address):
    state = state_of("10.0.0.1", *forwarded(*values))
    assert (state["address"], state["address_known"], state["peer"]) == (address, True, "10.0.0.1")


@pytest.mark.parametrize(
    "value",
    ["garbage", "unknown, 10.0.0.2", "203.0.113.9.", "[::1", "1.2.3.4:port", "[::1]x", "1.2.3.4:",
     f"203.0.113.9{', 10.0.0.2' * 1000}", "\xff"],
)  # fmt: skip
def test_garbage_in_the_place_that_counts_leaves_the_address_unknown(value):
    state = state_of("10.0.0.1", *forwarded(value))
    assert state["address"].startswith("10.0.0.")
    assert state["address_known"] is False


@pytest.mark.parametrize(
    ("peer", "address"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"),
     ("10.0.0.1", "10.0.0.1")],
)  # fmt: skip
def test_without_the_header_it_is_the_peer(peer, address):
    state = state_of(peer)
    assert (state["address"], state["address_known"], state["peer"]) == (address, True, address)


def test_a_peer_without_an_address_is_nobody_known():
    state = state_of(None, *forwarded("203.0.113.9"))
    assert (state["address"], state["address_known"], state["peer"]) == ("", False, "")
    assert state_of(None)["address_known"] is False


def test_from_a_peer_that_is_not_trusted_the_address_is_the_peer_and_not_known():
    """PX-15: no CIDR of an allow is met, every CIDR of a deny is."""
    state = state_of("192.0.2.1", *forwarded("203.0.113.9"))
    assert (state["address"], state["address_known"]) == ("192.0.2.1", False)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param((b"connection", b"X-Forwarded-For, Authorization"), id="PX-04"),
        pytest.param((b"x_forwarded_for", b"203.0.113.9"), id="PX-05-underscore"),
        pytest.param((b"x-real-ip", b"203.0.113.9"), id="PX-05-real-ip"),
        pytest.param((b"forwarded", b"for=203.0.113.9"), id="PX-05-forwarded"),
        pytest.param((b"x-remote-user", b"admin"), id="PX-05-remote-user"),
        pytest.param((b"x-forwarded-host", b"evil.example"), id="PX-03"),
    ],
)
def test_other_headers_change_nothing(header):
    with_it, without = state_of("10.0.0.1", header), state_of("10.0.0.1")
    del with_it["request_id"], without["request_id"]
    assert with_it == without


def test_each_untrusted_peer_is_named_once_with_advice_where_it_may_be_ours(capfd):
    shell = Shell(None)
    assert shell.proxy_state() == "ok"
    for peer in ["192.168.1.5", "203.0.113.1", "192.168.1.5", "203.0.113.1", "::1"]:
        state_of(peer, *forwarded("1.1.1.1"), shell=shell)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    advice = {line["peer"]: line["advice"] for line in lines}
    assert len(lines) == 3
    assert (
        'if this is your proxy, set server.trusted_proxies = ["192.168.1.5"]'
        in (advice["192.168.1.5"])
    )
    assert "if this is your proxy" in advice["::1"]
    assert "if this is your proxy" not in advice["203.0.113.1"]
    assert shell.proxy_state() == "degraded"


def test_no_more_than_a_thousand_peers_are_named_and_every_request_is_counted(capfd):
    from authsvc import metrics

    shell, before = Shell(None), metrics.UNTRUSTED_FORWARDED._value.get()
    for number in range(1_100):
        state_of(f"198.18.{number // 250}.{number % 250}", *forwarded("1.1.1.1"), shell=shell)
    assert len(capfd.readouterr().err.splitlines()) == 1_000
    assert metrics.UNTRUSTED_FORWARDED._value.get() == before + 1_100


def test_addresses_are_remembered_within_a_bound():
    shell = Shell(None, trusted_proxies=PROXIES)
    for number in range(10_000):
        state_of("10.0.0.1", *forwarded(f"203.0.113.{number % 250}:{number}"), shell=shell)
    assert len(shell._proxies._hops) <= 4_096
