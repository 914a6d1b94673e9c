"""The limits a secret carries."""

from ipaddress import ip_network

import pytest
from identity.parts import NOW, here

from authsvc.identity.bounds import breach
from authsvc.identity.provider import Bounds

OFFICE = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("bounds", "circumstances", "why"),
    [
        pytest.param(Bounds(), here(""), None, id="none"),
        pytest.param(Bounds(ends=NOW + 1), here(), None, id="not ended"),
        pytest.param(Bounds(ends=NOW), here(), "expired", id="ended"),
        pytest.param(Bounds(registry="registry:5000"), here(), None, id="its registry"),
        pytest.param(Bounds(registry="other"), here(), "other_registry", id="another registry"),
        pytest.param(Bounds(networks=OFFICE), here("192.0.2.9"), None, id="within"),
        pytest.param(Bounds(networks=OFFICE), here("2001:db8::9"), None, id="within, IPv6"),
        pytest.param(Bounds(networks=OFFICE), here("198.51.100.1"), "address", id="outside"),
        pytest.param(Bounds(networks=OFFICE), here(""), "address", id="no address"),
        pytest.param(
            Bounds(networks=OFFICE),
            here("192.0.2.9", address_known=False),
            "address",
            id="true address unknown",
        ),
    ],
)
def test_a_secret_counts_only_within_its_bounds(bounds, circumstances, why):
    assert breach(bounds, circumstances) == why
