"""What items look like, for the OpenAPI document (contract section 4)."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from authsvc.audit.records import Event, Outcome

Id = Field(description="Never given out twice.")


class Item(BaseModel):
    """An answer has these members and no others."""

    model_config = ConfigDict(extra="forbid")


class RegistryItem(Item):
    """A registry: an audience of tokens."""

    id: int = Id
    name: str = Field(description="The `service` of its challenge.")
    enabled: bool
    read_only: bool
    ttl: int | None = Field(description="Seconds that a token lives; null: the setting.")
    key_header: Literal["x5c", "libtrust"]
    refresh_tokens: bool


class NamespaceItem(Item):
    """A registered path prefix."""

    id: int = Id
    name: str = Field(description="The path.")
    registry: str | None = Field(description="Null: all registries.")
    visibility: Literal["private", "internal", "public"]


class UserItem(Item):
    """A person of the database, or one of another source that something refers to."""

    id: int = Id
    name: str
    source: str
    enabled: bool


class GroupItem(Item):
    """A group of this service, with its direct members as subject texts."""

    id: int = Id
    name: str
    members: list[str]


class RoleItem(Item):
    """A set of actions."""

    id: int = Id
    name: str
    allow: list[str] = Field(description="`repository:pull,push` and the like.")


class GrantItem(Item):
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


class RobotSecretItem(Item):
    """A secret of a robot: never itself, but whether it is still used."""

    created_at: str
    expires_at: str | None
    last_used_at: str | None = Field(description="Does not count for the entity tag.")


class RobotItem(Item):
    """An account of a machine: it signs in as `robot.NAME` with one of its secrets."""

    id: int = Id
    name: str = Field(description="Without the `robot.` of its login.")
    namespace: str = Field(description="Whose owners manage it, and where its role counts.")
    role: str
    registry: str | None = Field(description="Null: all registries.")
    enabled: bool
    expires_at: str | None
    cidrs: list[str] = Field(description="Where its secrets are good; none: anywhere.")
    secrets: list[RobotSecretItem] = Field(description="Two at most, the newest last.")


class RobotWithSecret(RobotItem):
    """A robot, and its new secret."""

    secret: str = Field("", description="Shown this once; left out when a request is repeated.")
    advice: str = Field("", description="What to do for a secret that was not seen; else left out.")


class KeyItem(Item):
    """A signing key."""

    id: str
    kid: str = Field(description="The RFC 7638 thumbprint.")
    libtrust_id: str
    algorithm: str
    not_after: str
    state: Literal["next", "active", "retired", "revoked"]


class Removed(Item):
    """What was removed, and beside it what went with it and what stays."""

    model_config = ConfigDict(extra="allow")

    removed: dict[str, Any]


class Revoked(Item):
    """Whose secrets ended, and which: the ids of personal access tokens among them."""

    user: str
    revoked: list[str]
    pats: list[int]
    refresh_tokens: int = Field(description="How many.")


class Rotated(Item):
    """What was done to keys; `registries` must read their file again."""

    made: KeyItem | None
    activated: KeyItem | None
    revoked: KeyItem | None
    registries: list[str]
    notes: list[str]


class RecordedActor(Item):
    """Who did what a record tells of."""

    kind: Literal["user", "robot", "anonymous", "cli", "system"]
    source: str | None
    name: str | None
    id: str | None


class RecordedCredential(Item):
    """What was shown, and the id of a minted secret."""

    kind: str
    id: str | None


class AuditRecord(Item):
    """One audit record (contract section 7): all members always, null where they do not apply.

    For owners `id` is another one, and what places the record in its chain is null.
    """

    id: str
    time: str
    writer: str | None
    seq: int | None
    event: Event
    outcome: Outcome
    reason: str | None
    actor: RecordedActor
    claimed: str | None
    credential: RecordedCredential | None
    address: str | None
    peer: str | None
    request_id: str | None
    decision_id: str | None
    registry: str | None
    asked: list[dict[str, Any]] | None
    granted: list[Any] | None
    key_id: str | None
    client_id: str | None
    user_agent: str | None
    before: Any
    after: Any
    prev: str | None
    hash: str | None


class Considered(Item):
    """A grant that covers what was asked about; the words say why it does not count.

    What is null is not there any more, or not to be seen by the caller.
    """

    id: int | None
    subject: str | None
    role: str | None
    on: str | None
    effect: Literal["allow", "deny"]
    counted: bool
    why_not: str | None


class Smallest(Item):
    """The least grant that would change the answer."""

    role: str
    on: str


class ExplanationItem(Item):
    """Why one entry is granted or not; `reasons` by action."""

    subject: str
    service: str
    scope: str
    granted: list[str]
    denied: list[str]
    reasons: dict[str, str]
    grants: list[Considered]
    namespace: str | None
    visibility: Literal["private", "internal", "public"] | None
    smallest: Smallest | None


class DecisionItem(ExplanationItem):
    """A decision of the past: the first entry that was refused, and all of them."""

    id: str
    time: str
    entries: list[ExplanationItem]
    more: int = Field(description="Entries that the record counts only.")
    as_of_today: list[ExplanationItem] | None


class Able(Item):
    """A subject that may, and the grants that let it; none: the visibility does."""

    subject: str
    grants: list[int]


class Owned(Item):
    """A path that somebody manages."""

    on: str
    registry: str | None
    expires_at: str | None


class Catalog(Item):
    """A registry whose catalog somebody may list; null: of all."""

    registry: str | None
    expires_at: str | None
    cidrs: list[str]


class Me(Item):
    """Who calls."""

    kind: Literal["user", "robot"]
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


class Area(Item):
    """A path or glob, and actions there; `exact`: at that very name, and not below."""

    on: str
    registry: str | None
    actions: list[str]
    expires_at: str | None
    cidrs: list[str]
    exact: bool


class Reached(Area):
    """What may be done where, but for the exceptions."""

    but: list[Area] = Field(alias="except")
