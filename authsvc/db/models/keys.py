"""Public halves of signing keys. No private key is ever in the database."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class Key(Base):
    """A signing key that a registry may meet, under its RFC 7638 (`kid`) and libtrust id.

    `certificate` is the chain in PEM, leaf first, without the root. `root` is the SHA-256 of the
    root's DER. `last_use` is the latest `exp` that a token signed with it can have, in effect
    when it stopped signing; JWKS lists the key until then.
    """

    __tablename__ = "keys"
    __table_args__ = (
        CheckConstraint("state IN ('next', 'active', 'retired', 'revoked')", name="state"),
        CheckConstraint("algorithm IN ('ES256', 'RS256')", name="algorithm"),
    )

    kid: Mapped[str] = mapped_column(primary_key=True)
    libtrust_id: Mapped[str] = mapped_column(unique=True)
    algorithm: Mapped[str]
    certificate: Mapped[str] = mapped_column(Text)
    root: Mapped[str]
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    state: Mapped[str]
    created_at: Mapped[datetime]
    last_use: Mapped[datetime | None]


class Authority(Base):
    """The CA that this installation knows: its certificate, and its SHA-256 as the key.

    `init` makes a CA only when this table has no active row (contract section 3).
    """

    __tablename__ = "authorities"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    certificate: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
