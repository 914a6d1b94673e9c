"""Which key signs now. Looking is blocking and comes round; signing is quick and does no I/O."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from authsvc import logs
from authsvc.clock import Clock
from authsvc.db.engine import Database
from authsvc.errors import Unavailable

from . import rows as stored
from .algorithms import Sign, base64url
from .jwks import document
from .leaves import Leaf
from .rotation import State
from .rows import KeyRow
from .shelf import Shelf, look
from .store import Folder

_log = logs.get("keys")

LEAST_LIFE = 60.0  # seconds; no token lives shorter (distribution's token specification)
WARN_BEFORE = 14 * 86400.0
OVERDUE = 0.25  # of its life left, and no renewal: something keeps us from renewing


@dataclass(frozen=True, slots=True, eq=False)
class Signer:
    """A key with the header that goes with it; the same object while nothing changed.

    `kid` is the id in the header. `ends` (seconds since the epoch) bounds the tokens it signs.
    `header` is the JOSE header as base64url, `sign` gives the signature of a signing input so.
    """

    kid: str
    ends: float
    header: bytes
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A signer for `x5c`; `starts` as its chain says, `aged` when every worker knows its row."""

    signer: Signer
    starts: float
    aged: float


@dataclass(frozen=True, slots=True)
class _Ring:
    """All that signing needs, swapped whole."""

    x5c: tuple[_Candidate, ...] = ()  # the newest first
    libtrust: Mapping[str, Signer] = field(default_factory=dict)
    jwks: bytes = b'{"keys":[]}'
    warnings: tuple[str, ...] = ()


class Keyring:
    """The keys of one folder whose public halves are rows.

    `refresh` runs in a worker thread every `staleness` seconds and puts a new `_Ring` in place
    with one assignment; everything else only reads it.
    """

    def __init__(self, database: Database, folder: Folder, clock: Clock, staleness: float) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._staleness = staleness
        self._shelf = Shelf()
        self._ring = _Ring()
        self._seen: dict[str, float] = {}
        self._signers: dict[tuple[str, str], tuple[Leaf, Signer]] = {}

    def refresh(self) -> None:
        """Look at the folder and the rows. Blocks; raises Unavailable without the database."""
        self._shelf = look(self._folder, self._shelf)
        with self._database.read() as session:
            rows = stored.read(session)
        now = self._clock.now()
        held = set(self._shelf.leaves)
        self._signers = {name: made for name, made in self._signers.items() if made[0] in held}
        for row in rows:
            self._seen.setdefault(row.kid, now)
        warnings = (*self._shelf.faults, *self._ending(rows, now))
        for text in warnings:
            if text not in self._ring.warnings:  # each once, and the days left once a day
                _log.warning("a signing key needs attention", fault=text)
        self._ring = _Ring(
            x5c=self._x5c(rows),
            libtrust=self._libtrust(rows),
            jwks=document(row.public_key for row in stored.listed_now(rows, now)),
            warnings=warnings,
        )

    def signer(self, key_header: str, libtrust_kid: str | None, now: float, ttl: float) -> Signer:
        """The key that signs a token of `ttl` seconds for a registry, by its key header.

        Raises Unavailable when none of the keys here may sign it.
        """
        if key_header == "libtrust":
            return self._pinned(libtrust_kid)
        ring, clipped = self._ring.x5c, None
        for candidate in ring:
            left = candidate.signer.ends - now
            if left >= LEAST_LIFE and candidate.aged <= now and candidate.starts <= now:
                if left >= ttl:
                    return candidate.signer
                if clipped is None or candidate.signer.ends > clipped.ends:
                    clipped = candidate.signer
        if clipped is None:
            clipped = self._unaged(now)
        return clipped

    def _unaged(self, now: float) -> Signer:
        """A key whose row is younger than `staleness`, when there is no older one at all."""
        for candidate in self._ring.x5c:
            if candidate.signer.ends - now >= LEAST_LIFE and candidate.starts <= now:
                return candidate.signer
        raise Unavailable(
            "no signing key can be used",
            what="keys",
            retry_after=5,
            advice="see `authsvc keys show`; a new one is made by `authsvc keys rotate`",
        )

    def _pinned(self, kid: str | None) -> Signer:
        signer = self._ring.libtrust.get(kid or "")
        if signer is None:
            raise Unavailable(
                "the key that this registry is on is not here",
                what="keys",
                retry_after=5,
                advice="copy its file from the replica that has it, or switch by "
                "`authsvc keys rotate --activate`",
            )
        return signer

    def jwks(self) -> bytes:
        """The public key set, as of the last look."""
        return self._ring.jwks

    def expires(self) -> float | None:
        """When the last of the certificates that sign `x5c` tokens ends; None without any."""
        return max((c.signer.ends for c in self._ring.x5c), default=None)

    def warnings(self) -> tuple[str, ...]:
        """What an operator must see to, as of the last look."""
        return self._ring.warnings

    def _x5c(self, rows: tuple[KeyRow, ...]) -> tuple[_Candidate, ...]:
        leaves = {leaf.kid: leaf for leaf in self._shelf.leaves}
        found = []
        for row in rows:
            leaf = leaves.get(row.kid)
            if leaf is not None and row.life.state is not State.REVOKED:
                aged = min(self._seen[row.kid], row.life.created) + self._staleness
                found.append(_Candidate(self._signer(leaf, "x5c"), leaf.starts, aged))
        return tuple(found)

    def _libtrust(self, rows: tuple[KeyRow, ...]) -> Mapping[str, Signer]:
        usable = {row.kid for row in rows if row.life.state is not State.REVOKED}
        return {
            leaf.kid: self._signer(leaf, "libtrust")
            for leaf in self._shelf.leaves
            if leaf.kid in usable
        }

    def _signer(self, leaf: Leaf, header: str) -> Signer:
        held = self._signers.get((leaf.kid, header))
        if held is not None and held[0] is leaf:
            return held[1]
        made = signer_for(leaf, header)
        self._signers[leaf.kid, header] = (leaf, made)
        return made

    def _ending(self, rows: tuple[KeyRow, ...], now: float) -> list[str]:
        """Certificates that nobody renews in time (design: from 14 days before the end)."""
        issuer = self._shelf.issuer
        held = [leaf for leaf in self._shelf.leaves if leaf.kid in {row.kid for row in rows}]
        if issuer is None or not held:
            return []
        newest = max(held, key=lambda leaf: leaf.ends)
        found = []
        life = newest.ends - newest.starts
        bound = WARN_BEFORE if issuer.key is None else min(WARN_BEFORE, OVERDUE * life)
        if newest.ends - now < bound:
            found.append(f"the signing certificate {newest.kid} {_ends_in(newest.ends - now)}")
        root = issuer.root.not_valid_after_utc.timestamp()
        if root - now < WARN_BEFORE:
            found.append(f"the CA {_ends_in(root - now)}")
        return found


def _ends_in(seconds: float) -> str:
    return f"ends in {seconds / 86400:.0f} days" if seconds > 0 else "has ended"


def signer_for(leaf: Leaf, key_header: str) -> Signer:
    """The signer of a leaf, with the header that `key_header` says (contract section 4, JWT)."""
    header: dict[str, object] = {"alg": leaf.algorithm.name, "typ": "JWT"}
    if key_header == "x5c":
        header |= {"kid": leaf.kid, "x5c": leaf.x5c}
        ends, kid = leaf.ends, leaf.kid
    else:
        header |= {"kid": leaf.libtrust}
        ends, kid = float("inf"), leaf.libtrust  # a look-up by kid checks no dates
    text = json.dumps(header, separators=(",", ":")).encode()
    sign = _encoded(leaf.algorithm.sign(leaf.key))
    return Signer(kid, ends, base64url(text).encode(), sign)


def _encoded(raw: Sign) -> Sign:
    """The signature as base64url without padding."""

    def sign(data: bytes) -> bytes:
        return urlsafe_b64encode(raw(data)).rstrip(b"=")

    return sign
