"""Whom a grant can be made to: people, robots, groups, and the two built-in audiences.

One table, so that a grant, a membership and an audit query refer to any of them alike, and
removing one removes all that hangs on it by foreign key.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import NEVER_TWICE, Base, RowId


class Subject(Base):
    """A person (`user`), a `robot`, a `group` of this service (source '') or of a directory.

    `name` is the stored name; `external_id` is the stable identity in its source, null until
    an entry has signed in under a name that a grant was made to. `retired` marks an identity
    whose name now belongs to another entry. `changed_in` is the version of the last change.
    """

    __tablename__ = "subjects"
    __table_args__ = (
        UniqueConstraint("kind", "source", "name"),
        Index(
            "uq_subjects_identity",
            "kind",
            "source",
            "external_id",
            unique=True,
            sqlite_where=text("external_id IS NOT NULL"),
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        CheckConstraint(
            "kind IN ('user', 'robot', 'group', 'everyone', 'authenticated')", name="kind"
        ),
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint("kind <> 'user' OR source <> ''", name="source"),
        NEVER_TWICE,
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str]
    source: Mapped[str]
    name: Mapped[str]
    external_id: Mapped[str | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    retired: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    changed_in: Mapped[int] = mapped_column(RowId)


class Password(Base):
    """The password of a local person. A table of its own, so that no list ever reads a hash."""

    __tablename__ = "passwords"

    subject_id: Mapped[int] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True
    )
    hash: Mapped[str]
    changed_at: Mapped[datetime]


class Membership(Base):
    """`member` (a person, or a group of this service or of a directory) belongs to `group`."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint("group_id <> member_id", name="not_itself"),)

    group_id: Mapped[int] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True
    )
    member_id: Mapped[int] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True, index=True
    )
