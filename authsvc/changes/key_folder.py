"""certs_dir and the rows of its keys, side by side: what is here, what is known, what is due."""

from typing import Any

from authsvc.clock import Clock
from authsvc.db.engine import Database
from authsvc.errors import Conflict, NotFound
from authsvc.keys import certificates, rotation, rows
from authsvc.keys.certificates import Issuer
from authsvc.keys.leaves import Leaf, assemble
from authsvc.keys.rotation import State
from authsvc.keys.rows import KeyRow
from authsvc.keys.shelf import Shelf, look
from authsvc.keys.store import Folder
from authsvc.settings import Settings


class KeyFolder:
    """One folder of keys. Everything here blocks, and nothing but `make` writes."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self.folder = Folder(settings.certs_dir)
        self._settings = settings
        self._database = database
        self._clock = clock
        self._shelf = Shelf()

    def look(self) -> Shelf:
        """The folder as it is now."""
        self._shelf = look(self.folder, self._shelf)
        return self._shelf

    def known_ca(self) -> str | None:
        """The fingerprint of the CA that the database knows."""
        with self._database.read() as session:
            row = rows.authority(session)
            return None if row is None else row.fingerprint

    def known(self) -> tuple[KeyRow, ...]:
        """The keys that the database knows, the newest first."""
        with self._database.read() as session:
            return rows.read(session)

    def waiting(self) -> tuple[str, ...]:
        """The libtrust registries."""
        with self._database.read() as session:
            return tuple(sorted(n for names in rows.pinned(session).values() for n in names))

    def item(self, kid: str) -> dict[str, Any]:
        """The item of a key."""
        return next(rows.item(row) for row in self.known() if row.kid == kid)

    def usable(self) -> list[Leaf]:
        """The leaves here that are valid now and not revoked, the oldest first."""
        revoked = {row.kid for row in self.known() if row.life.state is State.REVOKED}
        now = self._clock.now()
        found = [
            leaf
            for leaf in self.look().sound
            if leaf.starts <= now < leaf.ends and leaf.kid not in revoked
        ]
        return sorted(found, key=lambda leaf: (leaf.starts, leaf.ends))

    def unknown(self) -> list[Leaf]:
        """Leaves here without a row, the oldest first, so that the newest is recorded last."""
        known = {row.kid for row in self.known()}
        return [leaf for leaf in self.usable() if leaf.kid not in known]

    def due(self) -> bool:
        """Whether a leaf must be made; never without the key of the CA."""
        issuer = self.look().issuer
        if issuer is None or issuer.key is None:
            return False
        algorithm = self._settings.token.algorithm
        held = [leaf.ends for leaf in self.usable() if leaf.algorithm.name == algorithm]
        return rotation.renewal_due(
            max(held, default=None),
            self._clock.now(),
            leaf_days=self._settings.keys.leaf_days,
            ca_ends=min(certificates.ends(c).timestamp() for c in issuer.chain),
        )

    def needs_heir(self, kid: str) -> bool:
        """Whether taking out a key leaves none to sign with, or only one that it superseded.

        Raises NotFound for a key that nobody knows.
        """
        found = self.known()
        target = next((row for row in found if kid in {row.kid, row.libtrust}), None)
        if target is None:
            raise NotFound(f"there is no key '{kid}'", advice="see `authsvc keys show`")
        if target.life.state is State.REVOKED:
            return False
        others = {leaf.kid for leaf in self.usable()} - {target.kid}
        return not others or rotation.newest_of(row.life for row in found) == target.kid

    def must_hold_next(self) -> None:
        """Raises Conflict when the published key is not in this folder."""
        kid = rotation.next_of(row.life for row in self.known())
        if kid is not None and kid not in {leaf.kid for leaf in self.look().sound}:
            raise Conflict(
                f"the private key {kid} is not in {self.folder.path}",
                advice="copy its file from the replica that made it",
            )

    def issuer(self) -> Issuer:
        """The CA. Raises Conflict when there is none here."""
        issuer = self.folder.issuer()
        if issuer is None:
            raise Conflict("there is no CA for registry tokens yet", advice="run: authsvc init")
        return issuer

    def make(self, issuer: Issuer) -> Leaf:
        """A new leaf in a file of its own. Raises Conflict when the key of the CA is offline."""
        if issuer.key is None:
            raise Conflict(
                "ca.key is not here, so no signing certificate can be made here",
                advice=f"make one where the CA is and put it into {self.folder.path} "
                "(docs/keys.md)",
            )
        key, chain = certificates.make_leaf(
            issuer,
            self._settings.token.algorithm,
            self._clock.now(),
            self._settings.keys.leaf_days,
        )
        leaf = assemble(key, chain, issuer)
        self.folder.write_leaf(leaf)
        return leaf
