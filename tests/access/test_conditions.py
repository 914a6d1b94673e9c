"""Ends and networks of grants (contract section 5, rules 1 and 11)."""

import pytest

from authsvc.access.conditions import Moment, parse_address, parse_network
from authsvc.access.model import Reason, Rule, When

NOW = 1_800_000_000.0


def rule(*, allow: bool, expires: float | None = None, cidrs: tuple[str, ...] = ()) -> Rule:
    when = When(expires, tuple(map(parse_network, cidrs)))
    return Rule(1, "reader", allow, None, "team", "everyone", when)


NETWORKS = [
    ("10.0.0.0/8", "10.1.2.3", True),
    ("10.0.0.0/8", "11.1.2.3", False),
    ("10.0.0.0/8", "::ffff:10.1.2.3", True),
    ("::ffff:10.0.0.0/104", "10.1.2.3", True),
    ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", True),
    ("2001:db8::/32", "2001:db8::9", True),
    ("2001:db8::/32", "10.1.2.3", False),
    ("::/0", "10.1.2.3", False),
    ("0.0.0.0/0", "2001:db8::9", False),
    ("fe80::/10", "fe80::1%eth0", True),
    ("192.0.2.7/32", "192.0.2.7", True),
]


@pytest.mark.parametrize(("network", "address", "inside"), NETWORKS)
def test_an_address_is_inside_its_network_however_it_is_written(network, address, inside):
    moment = Moment(NOW, address, known=True)
    expected = None if inside else Reason.OUTSIDE_NETWORKS
    assert moment.unmet(rule(allow=True, cidrs=(network,))) is expected
    assert moment.unmet(rule(allow=False, cidrs=(network,))) is expected


@pytest.mark.parametrize(
    ("address", "known"),
    [
        pytest.param("10.1.2.3", False, id="PX-15"),
        pytest.param("", True, id="no-address"),
        pytest.param("unix:", True, id="no-address-at-all"),
        pytest.param("10.1.2.3.4", True, id="garbage"),
    ],
)
def test_an_unknown_address_is_outside_every_allow_and_inside_every_deny(address, known):
    moment = Moment(NOW, address, known=known)
    for cidrs in (("10.0.0.0/8",), ("192.0.2.0/24",), ("0.0.0.0/0", "::/0")):
        assert moment.unmet(rule(allow=True, cidrs=cidrs)) is Reason.ADDRESS_UNKNOWN
        assert moment.unmet(rule(allow=False, cidrs=cidrs)) is None


@pytest.mark.parametrize(("left", "reason"), [(1, None), (0, Reason.EXPIRED), (-1, Reason.EXPIRED)])
def test_a_grant_ends_at_its_end(left, reason):
    moment = Moment(NOW, "10.1.2.3", known=True)
    assert moment.unmet(rule(allow=True, expires=NOW + left)) is reason
    assert moment.unmet(rule(allow=False, expires=NOW + left)) is reason


def test_an_end_that_has_come_is_said_before_networks():
    moment = Moment(NOW, "10.1.2.3", known=False)
    assert moment.unmet(rule(allow=False, expires=NOW, cidrs=("10.0.0.0/8",))) is Reason.EXPIRED


def test_text_that_is_no_address_is_none():
    assert parse_address("10.1.2.3:80") is None
    assert str(parse_address("::ffff:192.0.2.1")) == "192.0.2.1"
