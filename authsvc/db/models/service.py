"""Bookkeeping of the service itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class SchemaVersion(Base):
    """A row that each migration writes: its number, and the oldest number that can run on it.

    A release knows the number it was made for. It serves a newer schema when `oldest` of the
    newest row is not above its own number (contract section 4, `serve`).
    """

    __tablename__ = "schema_versions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    oldest: Mapped[int]
    applied_at: Mapped[datetime]


class Lease(Base):
    """Which process runs an exclusive job, and until when that holds without a renewal."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


class Answer(Base):
    """What a request with an Idempotency-Key was answered, for a day. Never holds a secret.

    `request` is a keyed hash of the request's body: a key that comes again with another one is
    refused.
    """

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_created_at", "created_at"),)

    caller: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[bytes] = mapped_column(LargeBinary)
    value: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
