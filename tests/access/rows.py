"""Policy rows, written straight into the tables."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import insert, select, update

from authsvc.db.engine import Database
from authsvc.db.models import (
    Change,
    ChangeHead,
    Grant,
    Membership,
    Namespace,
    Registry,
    Role,
    Subject,
)

TIME = datetime(2030, 1, 1, tzinfo=UTC)


def change(database: Database, *topics: str, edit=lambda rows: None) -> int:
    """One edit with its news, as the change feed hears it; gives its number."""
    with database.write() as session:
        seq = session.scalar(select(ChangeHead.seq)) + 1
        edit(Rows(session))
        mark = seq.to_bytes(32, "big")
        session.add(
            Change(
                seq=seq, writer="w", id=str(uuid4()), time=0, topics=list(topics),
                body=b"{}", prev=mark, hash=mark,
            )
        )  # fmt: skip
        session.execute(update(ChangeHead).values(seq=seq, hash=mark))
    return seq


class Rows:
    """Makes rows and gives their ids."""

    def __init__(self, session):
        self.session = session

    def subject(self, kind, name, source="", **more):
        return self._made(
            Subject, kind=kind, source=source, name=name, created_at=TIME, changed_in=1, **more
        )

    def registry(self, name, **more):
        return self._made(Registry, name=name, changed_in=1, **more)

    def namespace(self, path, registry_id=None, visibility="private"):
        return self._made(
            Namespace, path=path, registry_id=registry_id, visibility=visibility, changed_in=1
        )

    def role(self, name, allow=(), *, builtin=False):
        found = self.session.scalar(select(Role.id).where(Role.name == name))
        return found or self._made(
            Role, name=name, builtin=builtin, allow=list(allow), changed_in=1
        )

    def grant(self, subject_id, role, pattern, **more):
        values = {"cidrs": [], "effect": "allow", "fingerprint": str(uuid4()), **more}
        return self._made(
            Grant, subject_id=subject_id, role_id=self.role(role), pattern=pattern,
            created_at=TIME, changed_in=1, **values,
        )  # fmt: skip

    def member(self, group_id, member_id):
        self.session.execute(insert(Membership).values(group_id=group_id, member_id=member_id))

    def _made(self, table, **values):
        row = table(**values)
        self.session.add(row)
        self.session.flush()
        return row.id

    def found(self, kind, name, source=""):
        return self.session.scalar(
            select(Subject.id).where(
                Subject.kind == kind, Subject.source == source, Subject.name == name
            )
        )
