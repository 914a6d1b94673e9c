"""The keys that sign checkpoints: their public halves as rows, and which of them are trusted.

The private halves are in certs_dir, so whoever holds that folder trusts what it holds, and the
keys that one of those vouched for when it was replaced.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.db.models import AuditKey

from .proofs import is_vouched, key_id, pem, read_public, vouch


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A row of `audit_keys`; `public` is None when the row does not hold the key that it names."""

    id: str
    public: Ed25519PublicKey | None
    vouched_by: str | None
    signature: bytes | None


def read(session: Session) -> tuple[KnownKey, ...]:
    """All rows, by id."""
    rows = session.scalars(select(AuditKey).order_by(AuditKey.key_id))
    return tuple(
        KnownKey(row.key_id, _public(row), row.vouched_by, row.signature and bytes(row.signature))
        for row in rows
    )


def _public(row: AuditKey) -> Ed25519PublicKey | None:
    try:
        found = read_public(row.public)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return found if key_id(found) == row.key_id else None


def register(
    session: Session, keys: Sequence[Ed25519PrivateKey], now_ms: int
) -> dict[str, str | None] | None:
    """A row for the first of `keys`, vouched for by another of them that has one.

    Returns it as `{id, public, vouched_by}`, None when it has a row already.
    """
    known = {row.id for row in read(session)}
    new, *others = keys
    public = new.public_key()
    if key_id(public) in known:
        return None
    before = next((each for each in others if key_id(each.public_key()) in known), None)
    row = AuditKey(
        key_id=key_id(public),
        public=pem(public),
        made_at=now_ms,
        vouched_by=None if before is None else key_id(before.public_key()),
        signature=None if before is None else vouch(before, public),
    )
    session.add(row)
    session.flush()
    return {"id": row.key_id, "public": row.public, "vouched_by": row.vouched_by}


def trusted(
    rows: Iterable[KnownKey], held: Iterable[Ed25519PublicKey]
) -> Mapping[str, Ed25519PublicKey]:
    """The keys of certs_dir, and those that they vouched for, one after another."""
    found = {key_id(public): public for public in held}
    left = {row.id: row for row in rows if row.public is not None}
    while True:
        new = {row.id: row.public for row in left.values() if _is_vouched(row, found)}
        left = {id_: row for id_, row in left.items() if id_ not in new}
        if not new:
            return found
        found |= {id_: public for id_, public in new.items() if public is not None}


def _is_vouched(row: KnownKey, by: Mapping[str, Ed25519PublicKey]) -> bool:
    before = by.get(row.vouched_by or "")
    if before is None or row.signature is None or row.public is None:
        return False
    return is_vouched(before, row.signature, row.public)
