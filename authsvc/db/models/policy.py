"""Registries, namespaces, roles and grants."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import NEVER_TWICE, Base, RowId


class Registry(Base):
    """One audience: `name` is the `service` that the registry puts into its challenge.

    `ttl` in seconds, null = the setting. `libtrust_kid` is the key (its RFC 7638 id) that a
    `libtrust` registry is on, null for `x5c`.
    """

    __tablename__ = "registries"
    __table_args__ = (
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint("ttl IS NULL OR (ttl >= 60 AND ttl <= 3600)", name="ttl"),
        CheckConstraint("key_header IN ('x5c', 'libtrust')", name="key_header"),
        NEVER_TWICE,
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    read_only: Mapped[bool] = mapped_column(default=False)
    ttl: Mapped[int | None]
    key_header: Mapped[str] = mapped_column(default="x5c")
    refresh_tokens: Mapped[bool] = mapped_column(default=False)
    libtrust_kid: Mapped[str | None] = mapped_column(ForeignKey("keys.kid", ondelete="RESTRICT"))
    changed_in: Mapped[int] = mapped_column(RowId)


class Namespace(Base):
    """A registered path prefix and its visibility; `registry_id` null means all registries."""

    __tablename__ = "namespaces"
    __table_args__ = (
        CheckConstraint("path <> ''", name="path"),
        CheckConstraint("visibility IN ('private', 'internal', 'public')", name="visibility"),
        Index(
            "uq_namespaces_path_registry",
            "path",
            "registry_id",
            unique=True,
            sqlite_where=text("registry_id IS NOT NULL"),
            postgresql_where=text("registry_id IS NOT NULL"),
        ),
        Index(
            "uq_namespaces_path_everywhere",
            "path",
            unique=True,
            sqlite_where=text("registry_id IS NULL"),
            postgresql_where=text("registry_id IS NULL"),
        ),
        NEVER_TWICE,
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    path: Mapped[str]
    registry_id: Mapped[int | None] = mapped_column(ForeignKey("registries.id", ondelete="CASCADE"))
    visibility: Mapped[str] = mapped_column(default="private")
    changed_in: Mapped[int] = mapped_column(RowId)


class Role(Base):
    """A named set out of `repository:pull|push|delete` and `registry:catalog:*`.

    The rows of built-in roles are made by the migration; what they may do besides
    (`owner`, `auditor`, `admin`) comes with their names, in access/roles.
    """

    __tablename__ = "roles"
    __table_args__ = (CheckConstraint("name <> ''", name="name"), NEVER_TWICE)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    builtin: Mapped[bool] = mapped_column(default=False)
    allow: Mapped[list[str]]
    changed_in: Mapped[int] = mapped_column(RowId)


class Grant(Base):
    """subject + role + where + allow or deny, with optional end, CIDRs and reason.

    `pattern` is a path, or a glob when it holds `*` or `{`. `fingerprint` is a hash of all
    members but `reason`: equal grants count once (contract section 8).
    """

    __tablename__ = "grants"
    __table_args__ = (
        CheckConstraint("pattern <> ''", name="pattern"),
        CheckConstraint("effect IN ('allow', 'deny')", name="effect"),
        NEVER_TWICE,
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    subject_id: Mapped[int] = mapped_column(
        ForeignKey("subjects.id", ondelete="CASCADE"), index=True
    )
    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id", ondelete="RESTRICT"), index=True)
    pattern: Mapped[str] = mapped_column(index=True)
    registry_id: Mapped[int | None] = mapped_column(
        ForeignKey("registries.id", ondelete="CASCADE"), index=True
    )
    effect: Mapped[str] = mapped_column(default="allow")
    expires_at: Mapped[datetime | None]
    cidrs: Mapped[list[str]]
    reason: Mapped[str] = mapped_column(default="")
    fingerprint: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    changed_in: Mapped[int] = mapped_column(RowId)
