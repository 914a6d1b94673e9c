"""What counts as one account and one address, and the keyed hashes that stand for them."""

import hashlib
import unicodedata
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network
from typing import NamedTuple

PART = 12  # bytes of a hash; nobody finds two accounts that share one without the key


def account_of(name: str) -> str:
    """The account that a typed name means for limits: NFKC, case-folded, without outer blanks.

    Folding may undo the normal form, hence the second round.
    """
    folded = unicodedata.normalize("NFKC", name).strip().casefold()
    return unicodedata.normalize("NFKC", folded).strip()


@lru_cache(maxsize=16_384)
def address_of(address: str) -> str:
    """One IPv4 address, or the /64 of an IPv6 one; what is neither stands for itself."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, 64), strict=False))


class Attempted(NamedTuple):
    """Hashes of an account, an address, and a password shown for that account."""

    account: bytes
    address: bytes
    password: bytes

    @property
    def pair(self) -> bytes:
        """The key of (account, address)."""
        return self.account + self.address


class Keys:
    """Hashes by a key that all replicas share: what Redis holds names nobody.

    `secret` is that of the installation; the key for limits is its own.
    """

    def __init__(self, secret: bytes) -> None:
        key = hashlib.blake2b(secret, digest_size=32, person=b"authsvc limits").digest()
        self._keyed = hashlib.blake2b(key=key, digest_size=PART)
        self.address = lru_cache(maxsize=16_384)(self._address)  # asked for at every request

    def of(self, kind: str, text: str) -> bytes:
        """The hash of a text of that kind."""
        keyed = self._keyed.copy()
        keyed.update(f"{kind}\0{text}".encode("utf-8", "surrogatepass"))
        return keyed.digest()

    def account(self, name: str) -> bytes:
        """The hash of the account that a typed name means."""
        return self.of("account", account_of(name))

    def _address(self, address: str) -> bytes:
        """The hash of what counts as one address."""
        return self.of("address", address_of(address))

    def attempted(self, name: str, address: str, password: str) -> Attempted:
        """The hashes of one attempt."""
        account = account_of(name)
        return Attempted(
            self.of("account", account),
            self.address(address),
            self.of("password", f"{account}\0{password}"),
        )
