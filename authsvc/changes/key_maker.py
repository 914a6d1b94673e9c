"""Making keys: first the file in certs_dir, then its row, while holding the folder.

A file without a row signs nothing and is found later; a row without its file would be published
for nothing.
"""

from dataclasses import dataclass, replace
from typing import Any

from authsvc.audit.records import Event
from authsvc.clock import Clock
from authsvc.db.engine import Database
from authsvc.jobs import Job
from authsvc.keys import certificates, readiness, store
from authsvc.keys.certificates import Issuer, fingerprint
from authsvc.keys.leaves import Leaf
from authsvc.keys.rotation import State
from authsvc.principal import SYSTEM, Actor
from authsvc.settings import Settings

from . import audit_keys, keys
from .key_folder import KeyFolder
from .unit_of_work import Outcome, Transaction, UnitOfWork, joined

RENEWAL_EVERY = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `init` did: the fingerprint of the CA, and whether CA and leaf were made now.

    `registries` are the libtrust registries that must read their file again; `notes` are what is
    left to do by hand.
    """

    authority: str
    made_ca: bool
    made_leaf: bool
    registries: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rotated:
    """What `keys rotate` did, as items of keys; `registries` must read their file again."""

    made: dict[str, Any] | None = None
    activated: dict[str, Any] | None = None
    revoked: dict[str, Any] | None = None
    registries: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class KeyMaker:
    """Makes the keys of one folder. Everything here blocks."""

    def __init__(
        self, settings: Settings, database: Database, unit_of_work: UnitOfWork, clock: Clock
    ) -> None:
        self._settings = settings
        self._database = database
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._keys = KeyFolder(settings, database, clock)

    def initialise(self, actor: Actor, *, new_ca: bool = False) -> Initialised:
        """Make or take over the CA and a leaf where there is none; a second call changes nothing.

        With `new_ca` another CA takes the place of the known one: a new one, or one that was put
        into the folder. Raises Conflict when the folder lacks the CA that the database knows, and
        InvalidSettings for files that cannot be used.
        """
        folder = self._keys.folder
        with folder.lock():
            store.check_readers(folder)
            known = self._keys.known_ca()
            replacing = new_ca and known is not None
            if not replacing:
                store.check_against(folder, known)
            folder.ensure_secret()  # not before: a folder that is refused stays as it was
            left = audit_keys.ensure(folder, self._database, anew=replacing)
            if replacing and known is not None:
                made = self._replace(actor, known)
            else:
                made = self._complete(actor, known)
            audit_keys.ensure_known(folder, self._database, self._unit_of_work, actor)
            return made if left is None else replace(made, notes=(left,))

    def _complete(self, actor: Actor, known: str | None) -> Initialised:
        """See to it that the database knows the CA of the folder and that a leaf can sign."""
        issuer, made_ca = self._issuer(None)
        held = self._keys.usable()
        leaf = held[-1] if held else self._keys.make(issuer)
        if known is None:
            self._unit_of_work.run(actor, lambda tx: self._first_keys(tx, issuer, leaf))
        else:
            self._unit_of_work.run(actor, lambda tx: keys.record_leaf(tx, leaf))
        return Initialised(fingerprint(issuer.root), made_ca, made_leaf=not held)

    def _first_keys(self, tx: Transaction, issuer: Issuer, leaf: Leaf) -> Outcome[dict[str, Any]]:
        """All keys of a new installation, in one change."""
        first = keys.first_key(tx, issuer, leaf)
        audit = audit_keys.record(tx, self._keys.folder.audit_keys())
        return replace(first, after={**first.after, **(audit.after or {})})

    def _replace(self, actor: Actor, known: str) -> Initialised:
        issuer, made_ca = self._issuer(known)
        held = self._keys.usable()
        leaf = held[-1] if held else self._keys.make(issuer)
        value = self._unit_of_work.run(actor, lambda tx: keys.replace_authority(tx, issuer, leaf))
        for path in self._keys.look().faulty:  # keys below the CA before: revoked, of no use
            path.unlink(missing_ok=True)
        told = tuple(value["registries"])
        return Initialised(fingerprint(issuer.root), made_ca, made_leaf=not held, registries=told)

    def _issuer(self, unwanted: str | None) -> tuple[Issuer, bool]:
        """The CA of the folder, made now when there is none but the unwanted one."""
        issuer = self._keys.folder.issuer()
        made = issuer is None or fingerprint(issuer.root) == unwanted
        if issuer is None or made:
            issuer = certificates.make_issuer(self._clock.now())
            self._keys.folder.write_issuer(issuer)
        readiness.check_root(self._settings, issuer)
        return issuer, made

    def rotate(self, actor: Actor, *, activate: bool = False, revoke: str | None = None) -> Rotated:
        """Make a new leaf; or switch libtrust registries to the published key; or take one out.

        Taking out the newest key makes another first. Raises Conflict and NotFound as
        changes/keys does, and Conflict when a leaf is needed and the key of the CA is offline.
        """
        with self._keys.folder.lock():
            readiness.check(self._settings, self._keys.known_ca())
            activated = self._activate(actor) if activate else None
            if revoke is not None:
                return self._revoke(actor, revoke, activated)
            return Rotated(activated=activated) if activate else self._rotate(actor)

    def _rotate(self, actor: Actor) -> Rotated:
        found = self._record_found(actor, by_hand=True)
        if found:  # made elsewhere and put here, as with an offline CA
            item = found[-1]
        else:
            item = self._record(actor, self._keys.make(self._keys.issuer()), by_hand=True)
        if item["state"] != State.NEXT:
            return Rotated(made=item)
        note = (
            "write the files of these registries again (authsvc registry config NAME "
            "--write-bundle FILE), restart them, then run: authsvc keys rotate --activate"
        )
        return Rotated(made=item, registries=self._keys.waiting(), notes=(note,))

    def _activate(self, actor: Actor) -> dict[str, Any]:
        self._keys.must_hold_next()
        item: dict[str, Any] = self._unit_of_work.run(actor, keys.activate)["key"]
        return item

    def _revoke(self, actor: Actor, kid: str, activated: dict[str, Any] | None) -> Rotated:
        heir = self._keys.make(self._keys.issuer()) if self._keys.needs_heir(kid) else None

        def edit(tx: Transaction) -> Outcome[dict[str, Any]]:
            made = [] if heir is None else [keys.record_leaf(tx, heir)]
            revoked = keys.revoke(tx, kid)
            return joined(revoked.value, Event.KEY, [*made, revoked])

        value = self._unit_of_work.run(actor, edit)
        return Rotated(
            made=None if heir is None else self._keys.item(heir.kid),
            activated=activated,
            revoked=value["key"],
            registries=tuple(value["registries"]),
            notes=_after_revocation(value),
        )

    def renew_if_due(self) -> bool:
        """Make a leaf when the newest of this folder has lived half of its life.

        Also gives a row to a leaf that somebody put here. True when anything was done.
        """
        if not self._keys.due() and not self._keys.unknown():
            return False
        with self._keys.folder.lock():
            store.check_against(self._keys.folder, self._keys.known_ca())
            found = self._record_found(SYSTEM)
            if not self._keys.due():
                return bool(found)
            self._record(SYSTEM, self._keys.make(self._keys.issuer()), by_hand=False)
            return True

    def job(self) -> Job:
        """Renewal, as work that comes round in every process; the folder's lock lets one do it."""
        return Job("key renewal", RENEWAL_EVERY, self._renew)

    def _renew(self) -> None:
        self.renew_if_due()

    def _record_found(self, actor: Actor, *, by_hand: bool = False) -> list[dict[str, Any]]:
        """A row for every leaf that was put here, each in a change of its own."""
        return [self._record(actor, leaf, by_hand=by_hand) for leaf in self._keys.unknown()]

    def _record(self, actor: Actor, leaf: Leaf, *, by_hand: bool) -> dict[str, Any]:
        return self._unit_of_work.run(actor, lambda tx: keys.record_leaf(tx, leaf, by_hand=by_hand))


def _after_revocation(value: dict[str, Any]) -> tuple[str, ...]:
    """What taking out a key does not do by itself."""
    chain = (
        f"x5c registries take tokens of it until its certificate ends, "
        f"{value['key']['not_after']}: if the key was stolen, replace the CA (authsvc init "
        "--new-ca)"
    )
    if not value["registries"]:
        return (chain,)
    return (chain, "these registries trust it until they have read their file again")
