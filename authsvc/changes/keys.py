"""Signing keys as rows: made, switched to, taken out; and the libtrust registries on them.

Which state a key is in follows from the others (keys/rotation); the files of private keys are
changes/key_folder's.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authsvc.audit.records import Event
from authsvc.clock import utc
from authsvc.db.models import Authority, Key, Registry
from authsvc.errors import Conflict, NotFound
from authsvc.keys import rotation, rows
from authsvc.keys.certificates import Issuer, chain_pem, fingerprint
from authsvc.keys.leaves import Leaf
from authsvc.keys.rotation import KeyLife, State

from . import guard
from .unit_of_work import Outcome, Transaction, nothing

KEYS = frozenset({"keys"})
KEYS_AND_REGISTRIES = frozenset({"keys", "base"})


def first_key(tx: Transaction, issuer: Issuer, leaf: Leaf) -> Outcome[dict[str, Any]]:
    """The CA of this installation with its first leaf. Raises Conflict when there is a CA."""
    guard.administer(tx.rights, "key")
    if rows.authority(tx.session) is not None:
        raise Conflict("there is a CA already", advice="run: authsvc init again")
    item = record_leaf(tx, leaf).value
    after = {"authority": _new_authority(tx, issuer), "key": item}
    return Outcome(item, Event.KEY, after=after, topics=KEYS)


def replace_authority(tx: Transaction, issuer: Issuer, leaf: Leaf) -> Outcome[dict[str, Any]]:
    """Another CA in the place of a stolen one.

    All keys so far are revoked: whoever has the CA's key had the folder, and so may have them.
    """
    guard.administer(tx.rights, "key")
    old = rows.authority(tx.session)
    if old is not None:
        old.active = False
    stolen = [row.life for row in rows.read(tx.session)]
    rows.write_lives(tx.session, (_revoked(life) for life in stolen))
    item = record_leaf(tx, leaf).value
    told = _repin(tx, leaf.kid, _libtrust(tx.session))
    _settle(tx)
    return Outcome(
        {"key": item, "registries": told},
        Event.KEY,
        before={"authority": old.fingerprint if old else None, "keys": [k.kid for k in stolen]},
        after={
            "authority": _new_authority(tx, issuer),
            "key": item,
            "revoked": [k.kid for k in stolen],
            "libtrust": told,
        },
        topics=KEYS_AND_REGISTRIES,
    )


def _new_authority(tx: Transaction, issuer: Issuer) -> str:
    """The row of the CA that counts from now on; its fingerprint."""
    print_ = fingerprint(issuer.root)
    held = tx.session.get(Authority, print_)
    if held is not None:
        held.active = True
    else:
        pem = chain_pem((issuer.root,)).decode("ascii")
        row = Authority(fingerprint=print_, certificate=pem, active=True, created_at=tx.now)
        tx.session.add(row)
    tx.session.flush()
    return print_


def record_leaf(tx: Transaction, leaf: Leaf, *, by_hand: bool = False) -> Outcome[dict[str, Any]]:
    """The public half of a new leaf. `by_hand` publishes it for libtrust registries first."""
    guard.administer(tx.rights, "key")
    if (held := tx.session.get(Key, leaf.kid)) is not None:
        return nothing(rows.item(_row(held)))
    pinned = rows.pinned(tx.session)
    if by_hand and pinned:
        before = _lives(tx.session)
        _write(tx.session, before, rotation.superseded(before, pinned, tx.now.timestamp()))
    state = rotation.state_of_new(by_hand=by_hand, pinned=pinned)
    row = _new_row(_after_all(tx), leaf, state)
    tx.session.add(row)
    tx.session.flush()
    _settle(tx)
    item = rows.item(_row(row))
    return Outcome(item, Event.KEY, after={"key": item}, topics=KEYS)


def _after_all(tx: Transaction) -> datetime:
    """Now, but later than every key so far.

    What is recorded last is the newest, whatever the clocks of the replicas say.
    """
    latest = tx.session.scalar(select(func.max(Key.created_at)))
    return tx.now if latest is None else max(tx.now, latest + timedelta(microseconds=1))


def _new_row(now: datetime, leaf: Leaf, state: State) -> Key:
    return Key(
        kid=leaf.kid,
        libtrust_id=leaf.libtrust,
        algorithm=leaf.algorithm.name,
        certificate=leaf.pem,
        root=leaf.root,
        not_before=utc(leaf.starts),
        not_after=utc(leaf.ends),
        state=state.value,
        created_at=now,
        last_use=None,
    )


def activate(tx: Transaction) -> Outcome[dict[str, Any]]:
    """Switch all libtrust registries to the published key.

    Raises Conflict when there is none: registries must have read the key before.
    """
    guard.administer(tx.rights, "key")
    kid = rotation.next_of(_lives(tx.session))
    if kid is None:
        raise Conflict(
            "no key is published to switch to",
            advice="run: authsvc keys rotate, let the libtrust registries read their file again, "
            "then authsvc keys rotate --activate",
        )
    before = rows.pinned(tx.session)
    told = _repin(tx, kid, _libtrust(tx.session))
    _settle(tx)
    item = _item(tx.session, kid)
    value = {"key": item, "registries": told}
    return Outcome(
        value, Event.KEY, before={"libtrust": before}, after=value, topics=KEYS_AND_REGISTRIES
    )


def revoke(tx: Transaction, kid: str) -> Outcome[dict[str, Any]]:
    """Take a key out for good. Registries that are on it move to the published or newest key.

    Raises NotFound for an unknown id and Conflict when no other key is left. The value names
    the libtrust registries whose files still list the key.
    """
    guard.administer(tx.rights, "key")
    row = _found(tx.session, kid)
    before = _item(tx.session, row.kid)
    if row.state == State.REVOKED:
        return nothing({"key": before, "registries": []})
    lives = [life for life in _lives(tx.session) if life.kid != row.kid]
    heir = rotation.next_of(lives) or rotation.newest_of(lives)
    if heir is None:
        raise Conflict("it is the only key", advice="make another first: authsvc keys rotate")
    registries = _libtrust(tx.session)
    moved = _repin(tx, heir, [each for each in registries if each.libtrust_kid == row.kid])
    row.state, row.last_use = State.REVOKED.value, None
    tx.session.flush()
    _settle(tx)
    after = _item(tx.session, row.kid)
    value = {"key": after, "registries": [each.name for each in registries]}
    return Outcome(
        value,
        Event.KEY,
        before={"key": before},
        after={"key": after, "libtrust": moved},
        topics=KEYS_AND_REGISTRIES,
    )


def newest_active(session: Session) -> str | None:
    """The id of the newest key that is not revoked, which a new libtrust registry is put on."""
    return rotation.newest_of(_lives(session))


def pin_libtrust(tx: Transaction, registry: Registry) -> None:
    """Keep a libtrust registry on the newest key, or free one that is libtrust no longer.

    Raises Conflict when there is no key yet.
    """
    registry.libtrust_kid = None
    if registry.key_header == "libtrust":
        registry.libtrust_kid = newest_active(tx.session)
        if registry.libtrust_kid is None:
            raise Conflict("there is no signing key yet", advice="run: authsvc init")
    tx.session.flush()
    _settle(tx)


def _libtrust(session: Session) -> list[Registry]:
    query = select(Registry).where(Registry.key_header == "libtrust").order_by(Registry.name)
    return list(session.scalars(query))


def _repin(tx: Transaction, kid: str, registries: Iterable[Registry]) -> list[str]:
    """Put these registries on a key; their names."""
    names = []
    for registry in registries:
        registry.libtrust_kid = kid
        registry.changed_in = tx.version
        names.append(registry.name)
    tx.session.flush()
    return names


def _settle(tx: Transaction) -> None:
    """Bring every key to the state that follows from the others."""
    before = _lives(tx.session)
    after = rotation.settle(before, rows.pinned(tx.session), tx.now.timestamp())
    _write(tx.session, before, after)


def _write(session: Session, before: list[KeyLife], after: Iterable[KeyLife]) -> None:
    rows.write_lives(session, rotation.changed(before, after))
    session.flush()


def _lives(session: Session) -> list[KeyLife]:
    return [row.life for row in rows.read(session)]


def _revoked(life: KeyLife) -> KeyLife:
    return KeyLife(life.kid, State.REVOKED, life.created, life.ends)


def _found(session: Session, kid: str) -> Key:
    """A key by either of its ids."""
    row = session.get(Key, kid) or session.scalar(select(Key).where(Key.libtrust_id == kid))
    if row is None:
        raise NotFound(f"there is no key '{kid}'", advice="see `authsvc keys show`")
    return row


def _row(row: Key) -> rows.KeyRow:
    return rows.KeyRow(rows.life_of(row), row.libtrust_id, row.algorithm, row.certificate, row.root)


def _item(session: Session, kid: str) -> dict[str, Any]:
    return rows.item(_row(session.get_one(Key, kid)))
