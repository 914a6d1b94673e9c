"""The public halves of keys, as rows: reading them, and the item that interfaces show."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.clock import rfc3339, utc
from authsvc.db.models import Authority, Key, Registry

from .algorithms import PublicKey, algorithm_of
from .certificates import read_chain
from .rotation import KeyLife, State, listed


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One row as a value; `created` in seconds since the epoch."""

    life: KeyLife
    libtrust: str
    algorithm: str
    certificate: str
    root: str

    @property
    def kid(self) -> str:
        """The RFC 7638 id."""
        return self.life.kid

    @property
    def public_key(self) -> PublicKey:
        """The public half, out of the certificate."""
        key = read_chain(self.certificate.encode())[0].public_key()
        algorithm_of(key)
        return key  # type: ignore[return-value] # algorithm_of refuses every other kind


def life_of(row: Key) -> KeyLife:
    """A stored key as rotation sees it."""
    return KeyLife(
        kid=row.kid,
        state=State(row.state),
        created=row.created_at.timestamp(),
        ends=row.not_after.timestamp(),
        last_use=row.last_use.timestamp() if row.last_use else None,
    )


def row_of(row: Key) -> KeyRow:
    """A stored key as a value."""
    return KeyRow(life_of(row), row.libtrust_id, row.algorithm, row.certificate, row.root)


def read(session: Session) -> tuple[KeyRow, ...]:
    """All keys, the newest first."""
    found = [row_of(row) for row in session.scalars(select(Key))]
    return tuple(sorted(found, key=lambda row: row.life.order, reverse=True))


def listed_now(rows: Iterable[KeyRow], now: float) -> tuple[KeyRow, ...]:
    """Those whose tokens can be valid, now or later."""
    return tuple(row for row in rows if listed(row.life, now))


def authority(session: Session) -> Authority | None:
    """The CA that this installation knows, None before `init`."""
    return session.scalar(select(Authority).where(Authority.active.is_(True)))


def pinned(session: Session) -> dict[str, list[str]]:
    """The keys that libtrust registries are on, each with the names of those registries."""
    found: dict[str, list[str]] = {}
    for kid, name in session.execute(
        select(Registry.libtrust_kid, Registry.name).order_by(Registry.name)
    ):
        if kid is not None:
            found.setdefault(kid, []).append(name)
    return found


def item(row: KeyRow) -> dict[str, Any]:
    """The item of a key (contract section 4)."""
    return {
        "id": row.kid,
        "kid": row.kid,
        "libtrust_id": row.libtrust,
        "algorithm": row.algorithm,
        "not_after": rfc3339(row.life.ends),
        "state": row.life.state.value,
    }


def items(session: Session) -> list[dict[str, Any]]:
    """All keys as items, the newest first."""
    return [item(row) for row in read(session)]


def write_lives(session: Session, lives: Iterable[KeyLife]) -> None:
    """Bring the rows of keys to the states given."""
    for life in lives:
        row = session.get_one(Key, life.kid)
        row.state = life.state.value
        row.last_use = None if life.last_use is None else utc(life.last_use)
