"""What checkpoints say and how they are signed: pure, and all that another verifier must know.

The body of a checkpoint is canonical JSON. Signed (Ed25519, by a key made for that alone) are
LABEL, the hash of the checkpoint before, and the body; a checkpoint's own hash covers the signature
too, so the last signature of a run by one key vouches for the whole run. docs/audit.md has it all.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

LABEL = b"authsvc audit checkpoint\n"
KEY_LABEL = b"authsvc audit key\n"  # what is signed about a key can never be taken for a checkpoint

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Head(NamedTuple):
    """The last record of a chain at one moment, by number and hash."""

    writer: str
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """What a checkpoint says.

    `time` is in milliseconds since the epoch; `key` is the id of the key that signs. Records that
    checkpoints up to `removed` cover may have been removed; 0 for none. `records` and `size`, in
    bytes, are what all checkpoints so far cover, removed or not. `heads` are those of the chains
    that moved since the checkpoint before, by writer.
    """

    number: int
    time: int
    key: str
    removed: int
    records: int
    size: int
    heads: tuple[Head, ...]


def print_body(statement: Statement) -> bytes:
    """The body: compact ASCII JSON, its members in this order."""
    return _encode(
        {
            "number": statement.number,
            "time": statement.time,
            "key": statement.key,
            "removed": statement.removed,
            "records": statement.records,
            "size": statement.size,
            "heads": [[writer, seq, linked.hex()] for writer, seq, linked in statement.heads],
        }
    ).encode("ascii")


def parse_body(body: bytes) -> Statement:
    """What a body says; raises ValueError unless it is one, letter by letter."""
    try:
        held = json.loads(body)
        heads = tuple(Head(w, s, bytes.fromhex(h)) for w, s, h in held.pop("heads"))
        statement = Statement(**held, heads=heads)
        same = print_body(statement) == body
    except (TypeError, KeyError, AttributeError) as fault:
        raise ValueError("no body of a checkpoint") from fault
    if not same:
        raise ValueError("no canonical body of a checkpoint")
    return statement


def checkpoint_hash(prev: bytes, body: bytes, signature: bytes) -> bytes:
    """The hash of a checkpoint: SHA-256 of the hash before, the body and the signature."""
    return sha256(prev + body + signature).digest()


def sign(key: Ed25519PrivateKey, prev: bytes, body: bytes) -> bytes:
    """The signature of a checkpoint."""
    return key.sign(LABEL + prev + body)


def is_signed(public: Ed25519PublicKey, signature: bytes, prev: bytes, body: bytes) -> bool:
    """Whether a checkpoint was signed by this key."""
    return _holds(public, signature, LABEL + prev + body)


def vouch(key: Ed25519PrivateKey, later: Ed25519PublicKey) -> bytes:
    """The signature by which a key says that a later one goes on in its place."""
    return key.sign(KEY_LABEL + der(later))


def is_vouched(public: Ed25519PublicKey, signature: bytes, later: Ed25519PublicKey) -> bool:
    """Whether `public` said that `later` goes on in its place."""
    return _holds(public, signature, KEY_LABEL + der(later))


def _holds(public: Ed25519PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        public.verify(signature, text)
    except InvalidSignature:
        return False
    return True


def der(public: Ed25519PublicKey) -> bytes:
    """A public key as a SubjectPublicKeyInfo (RFC 8410)."""
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(public: Ed25519PublicKey) -> str:
    """The same as text."""
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def key_id(public: Ed25519PublicKey) -> str:
    """What a key is known by: SHA-256 over its DER, in hex."""
    return sha256(der(public)).hexdigest()


def read_public(text: str) -> Ed25519PublicKey:
    """A public key out of its PEM; raises ValueError when it is none, or of another kind."""
    found = load_pem_public_key(text.encode())
    if not isinstance(found, Ed25519PublicKey):
        raise ValueError("is no Ed25519 key")  # noqa: TRY004 - one error for all that is no such key
    return found
