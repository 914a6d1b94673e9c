"""Where a request comes from: the peer, or the client behind proxies that are trusted.

X-Forwarded-For is believed from a trusted peer only, and read from its right end, where the
nearest proxy writes: the address is the right-most hop that is not a trusted proxy itself.
All headers of that name count as one list (RFC 9110, 5.2). `Forwarded`, `X-Real-IP` and other
spellings are never read.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from authsvc import logs, metrics

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PEERS_NAMED = 1_000  # untrusted peers that the log names
REMEMBERED = 4_096  # texts whose meaning is kept
LONGEST = 64  # characters of a text whose meaning is kept; addresses with a port have 53
HOPS = 64  # trusted proxies in a row; nobody has more

# Where a proxy of one's own may stand: loopback, RFC 1918, 6598 and 4193, link-local.
NEAR = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
    )
)

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Hop:
    """One address on the way. `near`: loopback or private, so it may well be a proxy of ours."""

    text: str
    trusted: bool
    near: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent a request. `known` is False when the true address cannot be told."""

    address: str
    known: bool


class Proxies:
    """Judges peers and what they forward; names each untrusted one that forwards once."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._hops: dict[str, Hop | None] = {}
        self._named: set[str] = set()

    def hop(self, text: str) -> Hop | None:
        """What an address text means; None when it is none."""
        try:
            return self._hops[text]
        except KeyError:
            if len(text) > LONGEST:
                return self._judged(text)  # no address is so long; kept, it would only fill memory
            if len(self._hops) >= REMEMBERED:
                self._hops.clear()
            found = self._hops[text] = self._judged(text)
            return found

    def state(self) -> str:
        """`degraded` once somebody who is not trusted has forwarded (for /readyz)."""
        return "degraded" if self._named else "ok"

    def origin(self, peer: Hop, forwarded: Sequence[bytes]) -> Origin:
        """The origin of a request that carries X-Forwarded-For headers."""
        if not peer.trusted:
            self._tell(peer)
            return Origin(peer.text, known=False)
        last = peer
        for count, text in enumerate(_from_the_right(forwarded)):
            found = self.hop(text) if count < HOPS else None
            if found is None:
                return Origin(last.text, known=False)
            if not found.trusted:
                return Origin(found.text, known=True)
            last = found
        return Origin(last.text, known=True)

    def _judged(self, text: str) -> Hop | None:
        address = _address(text)
        if address is None:
            return None
        trusted = any(address in network for network in self._trusted)
        return Hop(str(address), trusted, any(address in network for network in NEAR))

    def _tell(self, peer: Hop) -> None:
        metrics.UNTRUSTED_FORWARDED.inc()
        if peer.text in self._named or len(self._named) >= PEERS_NAMED:
            return
        self._named.add(peer.text)
        advice = (
            f'if this is your proxy, set server.trusted_proxies = ["{peer.text}"]'
            if peer.near
            else "no grant that is bound to addresses counts for it"
        )
        _log.warning(
            "X-Forwarded-For from a peer that is not trusted", peer=peer.text, advice=advice
        )


def _from_the_right(forwarded: Sequence[bytes]) -> Iterator[str]:
    for value in reversed(forwarded):
        # Whatever is left of the last HOPS entries stays one piece, which is no address.
        for entry in reversed(value.decode("latin-1").rsplit(",", HOPS)):
            if entry.strip():
                yield entry.strip()


def _address(text: str) -> Address | None:
    """An address out of `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`."""
    if text.startswith("["):
        text, closed, port = text[1:].partition("]")
        if not closed or (port and not (port[0] == ":" and port[1:].isdecimal())):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not port.isdecimal():
            return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
