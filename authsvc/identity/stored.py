"""What is stored of people: local ones and their hashes for the `local` provider, identities."""

from sqlalchemy import select, update

from authsvc.db.engine import Database
from authsvc.db.models import Password, Subject
from authsvc.principal import LOCAL, Kind, Principal

from .provider import StoredPassword


def find(database: Database, name: str) -> StoredPassword | None:
    """The local person of that name, None when there is none. Blocks; raises Unavailable."""
    query = (
        select(Subject.name, Subject.id, Subject.enabled, Password.hash, Password.changed_at)
        .join(Password, Password.subject_id == Subject.id)
        .where(Subject.kind == Kind.USER.value, Subject.source == LOCAL, Subject.name == name)
    )
    with database.read() as session:
        row = session.execute(query).one_or_none()
    if row is None:
        return None
    return StoredPassword(row.name, str(row.id), row.enabled, row.hash, row.changed_at)


def principal_of(row: Subject) -> Principal:
    """The identity of a person's or a robot's row, without the groups that a source asserts."""
    if row.kind == Kind.ROBOT:
        return Principal(Kind.ROBOT, "", row.name, str(row.id))
    stable = str(row.id) if row.source == LOCAL else row.external_id or ""
    return Principal(Kind.USER, row.source, row.name, stable)


def rehash(database: Database, name: str, old: str, new: str) -> None:
    """Put `new` in the place of `old`, unless somebody was quicker. Blocks; raises Unavailable.

    Bookkeeping that alters no decision, so it is no change with a record of its own.
    """
    person = (
        select(Subject.id)
        .where(Subject.kind == Kind.USER.value, Subject.source == LOCAL, Subject.name == name)
        .scalar_subquery()
    )
    renewal = update(Password).where(Password.subject_id == person, Password.hash == old)
    with database.write() as session:
        session.execute(renewal.values(hash=new))
