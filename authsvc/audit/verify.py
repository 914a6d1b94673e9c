"""`audit verify`: all chains and checkpoints as of one moment, and in plain words what is open.

Any number of processes may write meanwhile: everything is read from one snapshot.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.clock import rfc3339
from authsvc.db.models import ChangeHead

from . import proof_keys, raw_pages, verify_checkpoints
from .changes import WRITER as CHANGES
from .changes import record_id
from .proofs import key_id
from .raw_pages import Row
from .verify_chains import Walked, missing, time_fits, token_fits, walk
from .verify_checkpoints import Bad, Keys, Proof

ANCHOR = "anchor"  # what stands in the place of a writer where the anchor is not there

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Held:
    """The public keys that certs_dir holds; `former` are those whose private half is no more."""

    current: Sequence[Ed25519PublicKey] = ()
    former: Sequence[Ed25519PublicKey] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. `checkpoint` is the newest: {number, time, hash}, None without any.

    `covered` is in plain words, and so is each of `gaps`: what this verdict cannot say.
    """

    bad: Bad | None
    records: int
    checkpoint: dict[str, object] | None
    covered: str
    gaps: tuple[str, ...]

    @property
    def not_covered(self) -> str:
        """All gaps as the member of that name (contract section 7)."""
        return "; ".join(self.gaps)


def verify(
    session: Session, held: Held, *, anchor: bytes | None = None, progress: Progress | None = None
) -> Verdict:
    """Walk everything. `progress` is told how many records were walked, page by page."""
    rows = proof_keys.read(session)
    proof = verify_checkpoints.read(session, _keys(rows, held))
    walked = Walked(anchor)
    if isinstance(proof, Bad):
        gap = "all records: the checkpoints over them are not sound"
        return Verdict(proof, 0, None, "", (gap,))
    commits = {number: linked for number, linked in proof.hashes.items() if linked == anchor}
    bad = _walk(session, proof, walked, progress) or _anchor_missing(walked, commits)
    newest = None
    if proof.last:
        newest = {
            "number": proof.last,
            "time": rfc3339(proof.times[proof.last] / 1000),
            "hash": proof.hashes[proof.last].hex(),
        }
    return Verdict(
        bad, walked.records, newest,
        _covered(proof, walked, commits), tuple(_gaps(proof, walked, held, commits)),
    )  # fmt: skip


def first_bad(bad: Bad | None) -> dict[str, object] | None:
    """The member `first_bad` (contract section 7)."""
    if bad is None or bad.writer == ANCHOR:
        return None
    return {"writer": bad.writer, "seq": bad.seq, "id": record_id(bad.writer, bad.seq)}


def _keys(rows: Iterable[proof_keys.KnownKey], held: Held) -> Keys:
    """Without a key at hand there is nothing to trust but what the database says of itself."""
    known = tuple(rows)
    stored = {row.id: row.public for row in known if row.public is not None}
    trusted = proof_keys.trusted(known, held.current) if held.current else stored
    return Keys(trusted, {key_id(each): each for each in held.former}, stored)


def _walk(session: Session, proof: Proof, walked: Walked, progress: Progress | None) -> Bad | None:
    def watched(pages: Iterable[list[Row]]) -> Iterator[list[Row]]:
        for page in pages:
            yield page
            if progress is not None:
                progress(walked.records)

    edits = proof.commits.pop(CHANGES, [])
    bad = walk(watched(raw_pages.token_records(session)), proof, walked, token_fits)
    if bad is not None:
        return bad
    if edits:
        proof.commits[CHANGES] = edits
    last: list[Row] = []

    def remembered() -> Iterator[list[Row]]:
        for page in raw_pages.changes(session):
            last[:] = page[-1:]
            yield page

    bad = walk(watched(remembered()), proof, walked, _edit_fits)
    return bad or missing(proof) or _head_differs(session, last[0] if last else None)


def _edit_fits(row: Row) -> bool:
    return row[0] == CHANGES and row[7] == record_id(CHANGES, row[1]) and time_fits(row)


def _head_differs(session: Session, last: Row | None) -> Bad | None:
    """Whether the row that every edit locks names another edit than the last that is there."""
    seq, linked = session.execute(select(ChangeHead.seq, ChangeHead.hash)).one()
    there = (last[1], last[4]) if last else (0, bytes(linked))
    if (seq, bytes(linked)) == there:
        return None
    return Bad(CHANGES, there[0] + 1 if seq > there[0] else there[0], "it is not the last edit")


def _anchor_missing(walked: Walked, commits: dict[int, bytes]) -> Bad | None:
    if walked.anchor is None or walked.anchored is not None or commits:
        return None
    return Bad(ANCHOR, 0, "nothing has this hash: what had it was cut off, or removed")


def _covered(proof: Proof, walked: Walked, commits: dict[int, bytes]) -> str:
    said = []
    if walked.anchored is not None:
        writer, seq = walked.anchored
        said.append(
            f"the anchor is record {seq} of {writer}: what this writer wrote up to it is what it "
            "was when somebody saw that hash"
        )
    said += [
        f"the anchor is checkpoint {number}: what all writers wrote up to it is what it was when "
        "somebody saw that hash"
        for number in commits
    ]
    if proof.removed:
        said.append(
            f"records that checkpoint {proof.removed} covers were removed as audit.retention and "
            "audit.max_bytes say; what is left begins where these end"
        )
    return "; ".join(said)


def _gaps(proof: Proof, walked: Walked, held: Held, commits: dict[int, bytes]) -> Iterator[str]:
    if walked.uncovered:
        yield _tail(proof, walked)
    if not held.current and proof.last:
        yield (
            "all signatures, as to whose they are: certs_dir holds no audit.key, so the keys were "
            "taken from the database, and whoever can write there may have made all of it"
        )
    if proof.unknown:
        yield (
            f"what checkpoints up to {proof.unknown} cover, as to who signed it: certs_dir does "
            "not hold their key (any more); it is what it was when the first checkpoint after "
            "them was made"
        )
    if walked.anchored is None and not commits:
        yield (
            "an end that was cut off together with its checkpoints, as by a backup that was put "
            "back: only --anchor with a hash that somebody else saw can tell"
        )
    yield "a whole log written anew by somebody who holds database and certs_dir"


def _tail(proof: Proof, walked: Walked) -> str:
    """What was written after the last checkpoint."""
    since = rfc3339((walked.since or 0) / 1000)
    after = f"after checkpoint {proof.last}" if proof.last else "without any checkpoint"
    return (
        f"{walked.uncovered} {'record' if walked.uncovered == 1 else 'records'} since {since}, "
        f"{after}: who can write to the database can still change, add or cut off these"
    )
