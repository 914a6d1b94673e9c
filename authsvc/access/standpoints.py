"""Addresses that stand for all others, so that two policies can be compared. Pure.

Two addresses in the same networks are decided alike (contract section 5, rule 11).
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from itertools import islice
from typing import NamedTuple

from .conditions import Address
from .model import Network

MOST_NETWORKS = 64  # that are told apart; a grant has no more of them


class Standpoint(NamedTuple):
    """Where a request comes from; `address` None when the true one is not known.

    `network` is one that the address is in; None for those that are in no network at all.
    """

    network: Network | None
    address: Address | None


def standpoints(conditions: Iterable[tuple[Network, ...]]) -> list[Standpoint]:
    """One for each way to meet some of `conditions` (networks of grants) and others not.

    First comes an address outside all of them, or one that is not known where none is outside.
    """
    each = list(dict.fromkeys(filter(None, conditions)))
    networks = list(islice(dict.fromkeys(net for nets in each for net in nets), MOST_NETWORKS))
    outside = [_in(ip_network(every), networks) for every in ("0.0.0.0/0", "::/0")]
    first = Standpoint(None, outside[0] or outside[1])
    found = {_met(first.address, each): first}
    for network in networks:
        address = _in(network, [other for other in networks if other != network])
        if address is not None:
            found.setdefault(_met(address, each), Standpoint(network, address))
    return list(found.values())


def _in(network: Network, holes: Iterable[Network]) -> Address | None:
    """An address of a network that is in none of the holes."""
    own = [hole for hole in holes if _within(hole, network)]
    last = int(network.broadcast_address)
    ends = [int(hole.broadcast_address) for hole in own]
    for number in (0, *(end + 1 - int(network.network_address) for end in ends if end < last)):
        address = network[number]
        if not any(address in hole for hole in own):
            return address
    return None


def _within(one: Network, other: Network) -> bool:
    """Whether all addresses of one network are of the other; two networks never just overlap."""
    return (
        one.version == other.version
        and one.prefixlen >= other.prefixlen
        and one.network_address in other
    )


def _met(address: Address | None, conditions: Sequence[tuple[Network, ...]]) -> tuple[bool, ...]:
    if address is None:
        return ()
    return tuple(any(address in network for network in each) for each in conditions)
