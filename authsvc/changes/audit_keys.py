"""The key that signs checkpoints over the audit log: made by `init`, known by its public half."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc.audit import proof_keys
from authsvc.audit.proofs import key_id
from authsvc.audit.records import Event
from authsvc.db.engine import Database
from authsvc.keys.store import AUDIT_KEY, Folder
from authsvc.principal import Actor

from .unit_of_work import Outcome, Transaction, UnitOfWork, nothing

TOPIC = "keys"


def ensure(folder: Folder, database: Database, *, anew: bool) -> str | None:
    """See to it that there is a key in the folder; in words what is left to do by hand.

    To be called while holding the folder. A first key is made, and one in the place of a key that
    is kept as `audit-NAME.key`, which vouches for it; but no second one where the first is simply
    not here: it has to be copied. `anew` replaces a stolen one, which must vouch for nothing.
    """
    if anew:
        folder.retire_audit_keys()
    elif folder.audit_keys():
        return None
    elif _lacks(folder, database):
        return (
            f"{folder.path / AUDIT_KEY} is missing: copy it from a running replica; if it is "
            "lost, see docs/audit.md"
        )
    folder.write_audit_key()
    return None


def ensure_known(
    folder: Folder, database: Database, unit_of_work: UnitOfWork, actor: Actor
) -> None:
    """See to it that the database knows the key of the folder, if there is one."""
    keys = folder.audit_keys()
    if keys and not _is_known(database, keys[0]):
        unit_of_work.run(actor, lambda tx: record(tx, keys))


def record(tx: Transaction, keys: Sequence[Ed25519PrivateKey]) -> Outcome[None]:
    """A row for the public half of the first of `keys`, vouched for by another if it can be.

    Its record holds the public half, so that it travels with every export (threat AU-12).
    """
    made = proof_keys.register(tx.session, keys, int(tx.now.timestamp() * 1000)) if keys else None
    if made is None:
        return nothing(None)
    return Outcome(None, Event.KEY, after={"audit_key": made}, topics=frozenset({TOPIC}))


def _lacks(folder: Folder, database: Database) -> bool:
    """Whether the database knows keys and none of them is here."""
    with database.read() as session:
        known = {row.id for row in proof_keys.read(session)}
    held = {key_id(key.public_key()) for key in folder.all_audit_keys()}
    return bool(known) and not known & held


def _is_known(database: Database, key: Ed25519PrivateKey) -> bool:
    with database.read() as session:
        return key_id(key.public_key()) in {row.id for row in proof_keys.read(session)}
