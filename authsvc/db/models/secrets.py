"""Robots, and the secrets that this service mints: those of robots, personal ones, refresh tokens.

Of a secret its SHA-256 is stored and nothing else (contract section 6).
"""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .base import NEVER_TWICE, Base, RowId

_PERSONAL = text("kind = 'pat'")
_JSON = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Robot(Base):
    """What a robot has beside its row of `subjects`.

    `grant_id` is the grant that it was made with: where that counts is the namespace and the
    registry that the robot belongs to, its role is the robot's. `expires_at` and `cidrs` bound
    every use of its secrets. `warned` is how many days before its end it was last warned of.
    """

    __tablename__ = "robots"

    subject_id: Mapped[int] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True
    )
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"), unique=True)
    expires_at: Mapped[datetime | None]
    cidrs: Mapped[list[str]]
    warned: Mapped[int | None]


class Secret(Base):
    """A secret of `subject_id`. `kind` is as its text says: `rob`, `pat` or `ref`.

    A personal one has its label as `name`, and `manages` when it carries its owner's management
    rights; `scopes` null is not narrowed. A refresh token has the registry that it is for, and in
    `password` what stands for the password that was shown for it, '' where nothing does.
    """

    __tablename__ = "secrets"
    __table_args__ = (
        CheckConstraint("kind IN ('rob', 'pat', 'ref')", name="kind"),
        Index(
            "uq_secrets_subject_name",
            "subject_id",
            "name",
            unique=True,
            sqlite_where=_PERSONAL,
            postgresql_where=_PERSONAL,
        ),
        Index("ix_secrets_subject_registry", "subject_id", "kind", "registry_id"),
        NEVER_TWICE,
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    registry_id: Mapped[int | None] = mapped_column(
        ForeignKey("registries.id", ondelete="CASCADE"), index=True
    )
    scopes: Mapped[list[str] | None] = mapped_column(_JSON)
    manages: Mapped[bool] = mapped_column(default=False)
    password: Mapped[str] = mapped_column(default="")
