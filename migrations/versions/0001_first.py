"""All tables of the first release, and the rows that are always there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OLDEST = 1

# SQLite gives out row ids only to a column whose type is INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
# Records are ordered by writer; the order must not depend on the server's language.
WRITER = sa.String().with_variant(sa.String(collation="C"), "postgresql")

PULL, PUSH, DELETE = "repository:pull", "repository:push", "repository:delete"
CATALOG = "registry:catalog:*"
ROLES = {
    "reader": [PULL],
    "writer": [PULL, PUSH],
    "maintainer": [PULL, PUSH, DELETE],
    "owner": [PULL, PUSH, DELETE],
    "catalog-reader": [CATALOG],
    "auditor": [],
    "admin": [PULL, PUSH, DELETE, CATALOG],
}


def upgrade() -> None:
    make_subjects()
    make_keys()
    make_policy()
    make_audit()
    make_service()
    fill()


def make_subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("external_id", sa.String()),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_in", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subjects"),
        sa.UniqueConstraint("kind", "source", "name", name="uq_subjects_kind_source_name"),
        sa.CheckConstraint(
            "kind IN ('user', 'robot', 'group', 'everyone', 'authenticated')",
            name=op.f("ck_subjects_kind"),
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_subjects_name")),
        sa.CheckConstraint("kind <> 'user' OR source <> ''", name=op.f("ck_subjects_source")),
        sqlite_autoincrement=True,  # an id is never given out twice
    )
    has_identity = sa.text("external_id IS NOT NULL")
    op.create_index(
        "uq_subjects_identity",
        "subjects",
        ["kind", "source", "external_id"],
        unique=True,
        sqlite_where=has_identity,
        postgresql_where=has_identity,
    )
    op.create_table(
        "passwords",
        sa.Column("subject_id", ROW_ID, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name="pk_passwords"),
        reference("passwords", "subject_id", "subjects", "id", "CASCADE"),
    )
    op.create_table(
        "memberships",
        sa.Column("group_id", ROW_ID, nullable=False),
        sa.Column("member_id", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "member_id", name="pk_memberships"),
        reference("memberships", "group_id", "subjects", "id", "CASCADE"),
        reference("memberships", "member_id", "subjects", "id", "CASCADE"),
        sa.CheckConstraint("group_id <> member_id", name=op.f("ck_memberships_not_itself")),
    )
    op.create_index("ix_memberships_member_id", "memberships", ["member_id"])


def reference(
    table: str, column: str, other: str, other_column: str, when_deleted: str
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column],
        [f"{other}.{other_column}"],
        name=f"fk_{table}_{column}_{other}",
        ondelete=when_deleted,
    )


def make_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("libtrust_id", sa.String(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("not_after", TIME, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_use", TIME),
        sa.PrimaryKeyConstraint("kid", name="pk_keys"),
        sa.UniqueConstraint("libtrust_id", name="uq_keys_libtrust_id"),
        sa.CheckConstraint(
            "state IN ('next', 'active', 'retired', 'revoked')", name=op.f("ck_keys_state")
        ),
        sa.CheckConstraint("algorithm IN ('ES256', 'RS256')", name=op.f("ck_keys_algorithm")),
    )
    op.create_table(
        "authorities",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_authorities"),
    )


def make_policy() -> None:
    make_registries()
    make_namespaces()
    op.create_table(
        "roles",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("builtin", sa.Boolean(), nullable=False),
        sa.Column("allow", JSON, nullable=False),
        sa.Column("changed_in", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sa.UniqueConstraint("name", name="uq_roles_name"),
        sa.CheckConstraint("name <> ''", name=op.f("ck_roles_name")),
        sqlite_autoincrement=True,  # an id is never given out twice
    )
    make_grants()


def make_registries() -> None:
    op.create_table(
        "registries",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("ttl", sa.Integer()),
        sa.Column("key_header", sa.String(), nullable=False),
        sa.Column("refresh_tokens", sa.Boolean(), nullable=False),
        sa.Column("libtrust_kid", sa.String()),
        sa.Column("changed_in", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registries"),
        sa.UniqueConstraint("name", name="uq_registries_name"),
        reference("registries", "libtrust_kid", "keys", "kid", "RESTRICT"),
        sa.CheckConstraint("name <> ''", name=op.f("ck_registries_name")),
        sa.CheckConstraint(
            "ttl IS NULL OR (ttl >= 60 AND ttl <= 3600)", name=op.f("ck_registries_ttl")
        ),
        sa.CheckConstraint(
            "key_header IN ('x5c', 'libtrust')", name=op.f("ck_registries_key_header")
        ),
        sqlite_autoincrement=True,  # an id is never given out twice
    )


def make_namespaces() -> None:
    op.create_table(
        "namespaces",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("registry_id", ROW_ID),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("changed_in", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_namespaces"),
        reference("namespaces", "registry_id", "registries", "id", "CASCADE"),
        sa.CheckConstraint("path <> ''", name=op.f("ck_namespaces_path")),
        sa.CheckConstraint(
            "visibility IN ('private', 'internal', 'public')",
            name=op.f("ck_namespaces_visibility"),
        ),
        sqlite_autoincrement=True,  # an id is never given out twice
    )
    for name, columns, where in (
        ("uq_namespaces_path_registry", ["path", "registry_id"], "registry_id IS NOT NULL"),
        ("uq_namespaces_path_everywhere", ["path"], "registry_id IS NULL"),
    ):
        op.create_index(
            name,
            "namespaces",
            columns,
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def make_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("subject_id", ROW_ID, nullable=False),
        sa.Column("role_id", ROW_ID, nullable=False),
        sa.Column("pattern", sa.String(), nullable=False),
        sa.Column("registry_id", ROW_ID),
        sa.Column("effect", sa.String(), nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("cidrs", JSON, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_in", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.UniqueConstraint("fingerprint", name="uq_grants_fingerprint"),
        reference("grants", "subject_id", "subjects", "id", "CASCADE"),
        reference("grants", "role_id", "roles", "id", "RESTRICT"),
        reference("grants", "registry_id", "registries", "id", "CASCADE"),
        sa.CheckConstraint("pattern <> ''", name=op.f("ck_grants_pattern")),
        sa.CheckConstraint("effect IN ('allow', 'deny')", name=op.f("ck_grants_effect")),
        sqlite_autoincrement=True,  # an id is never given out twice
    )
    for column in ("subject_id", "role_id", "pattern", "registry_id"):
        op.create_index(f"ix_grants_{column}", "grants", [column])


def make_audit() -> None:
    op.create_table(
        "change_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", ROW_ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change_head"),
        sa.CheckConstraint("id = 1", name=op.f("ck_change_head_single")),
    )
    op.create_table(
        "changes",
        sa.Column("seq", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("writer", WRITER, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("time", ROW_ID, nullable=False),
        sa.Column("topics", JSON, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
        sa.UniqueConstraint("id", name="uq_changes_id"),
    )
    op.create_index("ix_changes_time", "changes", ["time"])
    op.create_table(
        "token_records",
        sa.Column("writer", WRITER, nullable=False),
        sa.Column("seq", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("time", ROW_ID, nullable=False),
        sa.Column("decision_id", sa.String()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "seq", name="pk_token_records"),
    )
    op.create_index("ix_token_records_decision_id", "token_records", ["decision_id"])
    op.create_index("ix_token_records_time", "token_records", ["time"])


def make_service() -> None:
    op.create_table(
        "schema_versions",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("oldest", sa.Integer(), nullable=False),
        sa.Column("applied_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_schema_versions"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def fill() -> None:
    """The head before the first change, the built-in roles and the two audiences."""
    insert("change_head", id=1, seq=0, hash=bytes(32))
    for name, allow in ROLES.items():
        insert(
            "roles",
            name=name,
            builtin=True,
            allow=sa.bindparam("allow", allow, JSON),
            changed_in=0,
        )
    for kind in ("everyone", "authenticated"):
        insert(
            "subjects",
            kind=kind,
            source="",
            name=kind,
            enabled=True,
            retired=False,
            created_at=sa.func.current_timestamp(),
            changed_in=0,
        )
    insert(
        "schema_versions",
        number=int(revision),
        oldest=OLDEST,
        applied_at=sa.func.current_timestamp(),
    )


def insert(table: str, **values: object) -> None:
    op.execute(sa.table(table, *map(sa.column, values)).insert().values(**values))
