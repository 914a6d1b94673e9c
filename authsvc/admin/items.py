"""What items look like, for the OpenAPI document (contract section 4)."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Field(description="Never given out twice.")


class RegistryItem(BaseModel):
    """A registry: an audience of tokens."""

    id: int = Id
    name: str = Field(description="The `service` of its challenge.")
    enabled: bool
    read_only: bool
    ttl: int | None = Field(description="Seconds that a token lives; null: the setting.")
    key_header: Literal["x5c", "libtrust"]
    refresh_tokens: bool


class NamespaceItem(BaseModel):
    """A registered path prefix."""

    id: int = Id
    name: str = Field(description="The path.")
    registry: str | None = Field(description="Null: all registries.")
    visibility: Literal["private", "internal", "public"]


class UserItem(BaseModel):
    """A person of the database, or one of another source that something refers to."""

    id: int = Id
    name: str
    source: str
    enabled: bool


class GroupItem(BaseModel):
    """A group of this service, with its direct members as subject texts."""

    id: int = Id
    name: str
    members: list[str]


class RoleItem(BaseModel):
    """A set of actions."""

    id: int = Id
    name: str
    allow: list[str] = Field(description="`repository:pull,push` and the like.")


class GrantItem(BaseModel):
    """subject + role + where."""

    id: int = Id
    subject: str
    role: str
    on: str
    registry: str | None = Field(description="Null: all registries.")
    effect: Literal["allow", "deny"]
    expires_at: str | None
    cidrs: list[str]
    reason: str


class KeyItem(BaseModel):
    """A signing key."""

    id: str
    kid: str = Field(description="The RFC 7638 thumbprint.")
    libtrust_id: str
    algorithm: str
    not_after: str
    state: Literal["next", "active", "retired", "revoked"]


class Removed(BaseModel):
    """What was removed, and beside it what went with it and what stays."""

    model_config = ConfigDict(extra="allow")

    removed: dict[str, Any]


class Revoked(BaseModel):
    """Whose secrets ended, and which."""

    user: str
    revoked: list[str]


class Rotated(BaseModel):
    """What was done to keys; `registries` must read their file again."""

    made: KeyItem | None
    activated: KeyItem | None
    revoked: KeyItem | None
    registries: list[str]
    notes: list[str]


class AuditRecord(BaseModel):
    """One audit record (contract section 7)."""

    model_config = ConfigDict(extra="allow")

    id: str
    time: str
    event: str
    outcome: str


class Considered(BaseModel):
    """A grant that covers what was asked about; the words say why it does not count."""

    id: int | None
    subject: str | None
    role: str | None
    on: str
    effect: Literal["allow", "deny"] | None
    counted: bool
    why_not: str | None


class Smallest(BaseModel):
    """The least grant that would change the answer."""

    role: str
    on: str


class ExplanationItem(BaseModel):
    """Why one entry is granted or not."""

    model_config = ConfigDict(extra="allow")

    subject: str
    service: str
    granted: list[str]
    denied: list[str]
    grants: list[Considered]
    visibility: str | None
    smallest: Smallest | None


class DecisionItem(ExplanationItem):
    """A decision of the past: the first entry that was refused, and all of them."""

    id: str
    time: str
    entries: list[ExplanationItem]
    more: int = Field(description="Entries that the record counts only.")
    as_of_today: list[ExplanationItem] | None


class Able(BaseModel):
    """A subject that may, and the grants that let it; none: the visibility does."""

    subject: str
    grants: list[int]


class Owned(BaseModel):
    """A path that somebody manages."""

    on: str
    registry: str | None
    expires_at: str | None


class Catalog(BaseModel):
    """A registry whose catalog somebody may list; null: of all."""

    registry: str | None
    expires_at: str | None
    cidrs: list[str]


class Me(BaseModel):
    """Who calls."""

    id: str
    name: str
    source: str
    subject: str
    groups: list[str]
    admin: bool
    auditor: bool
    owns: list[Owned]
    catalogs: list[Catalog]
    grants: list[GrantItem]


class Reached(BaseModel):
    """A path or glob, and what may be done there."""

    model_config = ConfigDict(extra="allow")

    on: str
    registry: str | None
    actions: list[str]
