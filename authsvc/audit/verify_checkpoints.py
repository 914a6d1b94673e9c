"""Whether the checkpoints are what was signed, and what they say of the chains.

A run of checkpoints by one key is one signature to check, its last, since each covers the one
before. Of those whose ranges were removed some stay, each for the beginning of a chain: they stand
alone, and each is checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.db.models import Checkpoint

from .chain import ZERO
from .proofs import Statement, checkpoint_hash, is_signed, parse_body

CHECKPOINTS = "checkpoints"  # what stands in the place of a writer where one of these is bad
PAGE = 2_000


class Bad(NamedTuple):
    """The first thing that is not as it was written: a record that is there, or should be."""

    writer: str
    seq: int
    why: str


class Commit(NamedTuple):
    """What checkpoint `number` says of a chain: its record `seq` has this hash."""

    seq: int
    hash: bytes
    number: int


class Sealed(NamedTuple):
    """A checkpoint as far as its signature needs it."""

    number: int
    key: str
    body: bytes
    prev: bytes
    hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """Whose signatures count.

    Those of `trusted` do always; those of `former` only before the first of these, since their
    private halves may be in other hands. `stored` are all that the database itself names.
    """

    trusted: Mapping[str, Ed25519PublicKey]
    former: Mapping[str, Ed25519PublicKey]
    stored: Mapping[str, Ed25519PublicKey]


@dataclass(slots=True)
class Proof:
    """What the checkpoints say: `commits` by writer, `times` (in ms) and hashes by number.

    Ranges up to checkpoint `removed` may be gone; `last` is 0 when there is none. Those up to
    `unknown` are signed by a key that is not trusted, and covered by the one after alone.
    """

    removed: int = 0
    last: int = 0
    unknown: int = 0
    commits: dict[str, list[Commit]] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    hashes: dict[int, bytes] = field(default_factory=dict)

    def add(self, said: Statement, linked: bytes) -> str | None:
        """Take what a checkpoint says; what is wrong with it in view of those before."""
        self.last = said.number
        self.times[said.number], self.hashes[said.number] = said.time, linked
        for head in said.heads:
            held = self.commits.setdefault(head.writer, [])
            if held and held[-1].seq > head.seq:
                return f"goes back behind record {held[-1].seq} of {head.writer}"
            if held and held[-1].seq == head.seq and held[-1].hash != head.hash:
                return f"names another record {head.seq} of {head.writer} than the one before"
            held.append(Commit(head.seq, head.hash, said.number))
        return None


def read(session: Session, keys: Keys) -> Proof | Bad:
    """What the checkpoints prove, or which is bad."""
    try:
        return _read(session, keys)
    except TypeError:  # SQLite takes texts in columns of bytes
        return Bad(CHECKPOINTS, 0, "there is one whose columns are of no kind that is written")


def _read(session: Session, keys: Keys) -> Proof | Bad:
    proof = Proof()
    sealed: list[Sealed] = []
    newest = session.scalars(select(Checkpoint).order_by(Checkpoint.number.desc()).limit(1)).first()
    if newest is None:
        return proof
    said = _said(newest)
    if isinstance(said, str):
        return Bad(CHECKPOINTS, newest.number, said)
    proof.removed = said.removed
    before: Statement | None = None
    for row in _rows(session):
        said = _said(row)
        why = said if isinstance(said, str) else _follows(said, before, sealed, row, proof.removed)
        if why is None and isinstance(said, Statement):
            why, before = proof.add(said, bytes(row.hash)), said
        if why is not None:
            return Bad(CHECKPOINTS, row.number, why)
        sealed.append(_sealed(row))
    return _signed(sealed, keys, proof) or proof


def _rows(session: Session) -> Iterator[Checkpoint]:
    query = select(Checkpoint).order_by(Checkpoint.number).limit(PAGE)
    page = session.scalars(query).all()
    while page:
        yield from page
        last = page[-1].number
        session.expunge_all()
        page = session.scalars(query.where(Checkpoint.number > last)).all()


def _sealed(row: Checkpoint) -> Sealed:
    return Sealed(
        row.number, row.key_id, bytes(row.body), bytes(row.prev), bytes(row.hash),
        bytes(row.signature),
    )  # fmt: skip


def _said(row: Checkpoint) -> Statement | str:
    """What a checkpoint says, or what is wrong with it alone."""
    body = bytes(row.body)
    try:
        said = parse_body(body)
    except ValueError as fault:
        return str(fault)
    columns = (row.number, row.time, row.records, row.size, row.key_id)
    if columns != (said.number, said.time, said.records, said.size, said.key):
        return "its columns are not what its body says"
    if checkpoint_hash(bytes(row.prev), body, bytes(row.signature)) != bytes(row.hash):
        return "its hash is not that of what it holds"
    return said


def _follows(
    said: Statement, before: Statement | None, sealed: list[Sealed], row: Checkpoint, removed: int
) -> str | None:
    """What is wrong with a checkpoint in its place, as far as there must be one before it."""
    if said.removed > removed or (before is not None and said.removed < before.removed):
        return "says that other records were removed than the ones around it"
    if said.number == 1:
        return None if bytes(row.prev) == ZERO else "is the first and names one before it"
    number = before.number if before else 0
    if number == said.number - 1:
        return None if sealed[-1].hash == bytes(row.prev) else "does not follow the one before it"
    return None if said.number <= removed else f"checkpoint {number + 1} is missing before it"


def _signed(sealed: list[Sealed], keys: Keys, proof: Proof) -> Bad | None:
    """See to the signatures: of the last of each run by one key, and of those that stand alone."""
    since: int | None = None  # the first that a trusted key signed
    for place, one in enumerate(sealed):
        after = sealed[place + 1] if place + 1 < len(sealed) else None
        follows = after is not None and after.number == one.number + 1
        if one.key in keys.trusted:
            since = one.number if since is None else since
        elif since is not None:
            return Bad(CHECKPOINTS, one.number, "it is signed by a key that is not trusted")
        if follows and after is not None and after.key == one.key:
            continue
        if one.key not in keys.trusted:
            proof.unknown = one.number
        public = keys.trusted.get(one.key) or keys.former.get(one.key)
        if public is None and follows:  # the one after covers it
            public = keys.stored.get(one.key)
            if public is None:
                continue
        if public is None or not is_signed(public, one.signature, one.prev, one.body):
            return Bad(CHECKPOINTS, one.number, "its signature is by no key that is trusted")
    return None
