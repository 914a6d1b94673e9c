"""The two names of a key, and the public key set under both (RFC 7517, RFC 7638)."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .algorithms import PublicKey, algorithm_of, base64url


def thumbprint(key: PublicKey) -> str:
    """The RFC 7638 id: SHA-256 over the required members, in lexical order, without blanks."""
    members = algorithm_of(key).members(key)
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64url(hashlib.sha256(text.encode()).digest())


def libtrust_id(key: PublicKey) -> str:
    """The id that distribution 2.8 knows a key by: `ABCD:EFGH:…`, 12 groups (protocol.md 1.4)."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode("ascii")
    return ":".join(text[at : at + 4] for at in range(0, len(text), 4))


def entries(key: PublicKey) -> list[dict[str, str]]:
    """The key under its RFC 7638 and under its libtrust id; public members only."""
    algorithm = algorithm_of(key)
    common: Mapping[str, str] = {
        **algorithm.members(key),
        "use": "sig",
        "alg": algorithm.name,
    }
    return [{"kid": kid, **common} for kid in (thumbprint(key), libtrust_id(key))]


def document(keys: Iterable[PublicKey]) -> bytes:
    """The key set of `keys`, as registries read it from a file and clients from our address."""
    listed = [entry for key in keys for entry in entries(key)]
    return json.dumps({"keys": listed}, separators=(",", ":")).encode()
