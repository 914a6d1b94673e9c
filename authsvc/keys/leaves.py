"""A signing certificate with its private key, as one file of certs_dir holds them."""

import base64
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from authsvc.errors import Invalid

from .algorithms import Algorithm, PrivateKey, algorithm_of
from .certificates import (
    Issuer,
    chain_pem,
    ends,
    fingerprint,
    path_length,
    read_chain,
    read_key,
    signed,
    starts,
)
from .jwks import libtrust_id, thumbprint


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A key that can sign. Times in seconds since the epoch; `chain` is without the root.

    `root` is the fingerprint of the CA that registries trust. A leaf is compared by identity:
    it stays the same object as long as its file stays the same.
    """

    kid: str
    libtrust: str
    algorithm: Algorithm
    key: PrivateKey
    chain: tuple[x509.Certificate, ...]
    root: str
    starts: float
    ends: float

    @property
    def x5c(self) -> list[str]:
        """The chain as a JOSE header carries it: standard base64, padded (RFC 7515 4.1.6)."""
        return [base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in self.chain]

    @property
    def pem(self) -> str:
        """The chain as PEM, for the row of the public half."""
        return chain_pem(self.chain).decode("ascii")


def load(pem: bytes, issuer: Issuer) -> Leaf:
    """The leaf that a file holds. Raises Invalid with what is wrong with it.

    The key must be the certificate's, fit for an algorithm of ours, and the chain must lead to
    the CA. Whether its dates fit is judged when it signs.
    """
    key, chain = read_key(pem), read_chain(pem)
    return assemble(key, chain, issuer)


def assemble(key: PrivateKey, chain: tuple[x509.Certificate, ...], issuer: Issuer) -> Leaf:
    """The leaf of a key and its chain, checked as `load` says."""
    public = key.public_key()
    algorithm = algorithm_of(public)
    if chain[0].public_key() != public:
        raise Invalid("its private key does not belong to its first certificate")
    trimmed = _to_root(chain, issuer)
    return Leaf(
        kid=thumbprint(public),
        libtrust=libtrust_id(public),
        algorithm=algorithm,
        key=key,
        chain=trimmed,
        root=fingerprint(issuer.root),
        starts=max(starts(c).timestamp() for c in (*trimmed, issuer.root)),
        ends=min(ends(c).timestamp() for c in (*trimmed, issuer.root)),
    )


def _to_root(chain: tuple[x509.Certificate, ...], issuer: Issuer) -> tuple[x509.Certificate, ...]:
    """The chain from the leaf up to, but not including, the root.

    What the file lacks between the two is taken from ca.crt.
    """
    known = [*chain[1:], *issuer.chain]
    found = [chain[0]]
    while not signed(found[-1], issuer.root):
        above = next((c for c in known if c not in found and signed(found[-1], c)), None)
        if above is None:
            raise Invalid("its chain does not lead to the CA in ca.crt")
        found.append(above)
    for depth, ca in enumerate((*found[1:], issuer.root)):
        allowed = path_length(ca)
        if allowed is not None and allowed < depth:
            raise Invalid("a CA of its chain has more CAs below it than its path length allows")
    return tuple(found)


def file_bytes(key_pem: bytes, leaf: Leaf) -> bytes:
    """What the file of a leaf holds: key first, then the chain."""
    return key_pem + leaf.pem.encode("ascii")


def file_name(leaf: Leaf) -> str:
    """The name of the file that a leaf of ours is kept in."""
    return f"leaf-{leaf.kid}.pem"
