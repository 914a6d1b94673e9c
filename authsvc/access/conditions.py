"""The conditions of grants: an end, and networks (contract section 5, rules 1 and 11)."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from .model import Network, Reason, Rule, When

Address = IPv4Address | IPv6Address


def parse_address(text: str) -> Address | None:
    """The address that a text writes, an IPv4 one where it is mapped into IPv6; None for none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def parse_network(text: str) -> Network:
    """The network of a CIDR, an IPv4 one where it is mapped into IPv6; raises ValueError."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ip_network(f"{mapped}/{network.prefixlen - 96}")
    return network


class Moment:
    """When and from where a request comes. `address` is text, '' when there is none.

    An address that is not known, or is none, is outside every network of an allow and inside
    every network of a deny: an allow must be met, a deny must be escaped (rule 11).
    """

    __slots__ = ("_address", "_judged", "_known", "_text", "now")

    def __init__(self, now: float, address: str, *, known: bool) -> None:
        self.now = now
        self._text = address
        self._known = known
        self._address: Address | None = None
        # By the conditions' identity; they are held, so that no others can come to have it.
        self._judged: dict[int, tuple[When, Reason | None]] = {}

    def unmet(self, rule: Rule) -> Reason | None:
        """Why a rule does not count now; None when it does."""
        return self.outside(rule.when, allow=rule.allow)

    def outside(self, when: When | None, *, allow: bool) -> Reason | None:
        """Why conditions are not met now; None when they are. `allow`: all must be."""
        if when is None:
            return None
        if when.expires is not None and self.now >= when.expires:
            return Reason.EXPIRED
        if not when.networks:
            return None
        # Once for each rule: a request may ask for many names that one rule covers.
        judged = self._judged.get(id(when))
        if judged is None:
            judged = when, self._elsewhere(when.networks, allow=allow)
            self._judged[id(when)] = judged
        return judged[1]

    def _elsewhere(self, networks: tuple[Network, ...], *, allow: bool) -> Reason | None:
        if self._address is None and self._known:
            self._address = parse_address(self._text)
            self._known = self._address is not None
        if self._address is None:
            return Reason.ADDRESS_UNKNOWN if allow else None
        inside = any(self._address in network for network in networks)
        return None if inside else Reason.OUTSIDE_NETWORKS
