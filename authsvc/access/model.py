"""The read side as immutable values: what is held in memory and what a decision is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from authsvc.protocol.access import Access

if TYPE_CHECKING:
    from .globs import GlobTree

Network = IPv4Network | IPv6Network


class Visibility(StrEnum):
    """Who may pull without a grant (contract section 5, rule 6)."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Registry:
    """One audience as a decision needs it; `ttl` is None when the setting counts.

    `libtrust_kid` is the RFC 7638 id of the key that a `libtrust` registry is on.
    """

    name: str
    enabled: bool
    read_only: bool
    ttl: int | None
    key_header: str
    refresh_tokens: bool
    libtrust_kid: str | None = None


@dataclass(frozen=True, slots=True)
class When:
    """The conditions of a grant: an end (seconds since the epoch) and networks."""

    expires: float | None
    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A grant as it is evaluated. `registry` None = all registries; `when` None = always."""

    grant: int
    role: str
    allow: bool
    registry: str | None
    pattern: str
    subject: str
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """`repository` actions and whether the catalog right is in it; built-ins come by name."""

    name: str
    repository: frozenset[str]
    catalog: bool


@dataclass(frozen=True, slots=True)
class PolicyBase:
    """What is not anybody's own: registries, roles, visibilities, nesting of groups.

    `visibility` maps a path to {registry name or None: Visibility}. `parents` maps a group's
    subject text to the groups (subject texts) that it is a member of.
    """

    version: int
    registries: Mapping[str, Registry]
    roles: Mapping[str, Role]
    visibility: Mapping[str, Mapping[str | None, Visibility]]
    parents: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SubjectRules:
    """All that is granted to one subject, indexed for look-up, and its direct groups.

    `paths` holds rules of plain paths by that path; `globs` all others but those with
    `{username}`, which stand in `templates` until a person fills them in.
    """

    subject: str
    version: int
    paths: Mapping[str, tuple[Rule, ...]]
    globs: "GlobTree | None" = None
    templates: tuple[Rule, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Everything a decision about one principal needs; the same object while nothing changed.

    `rules` are those of the principal, its groups, `authenticated` and `everyone`, as far as
    each applies; `own` is its own templates filled in.
    """

    base: PolicyBase
    person: bool
    name: str
    rules: tuple[SubjectRules, ...]
    own: SubjectRules | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one action of an entry was refused, and the grant that decided, if one did."""

    action: str
    reason: str
    grant: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One asked entry: what was granted (sorted) and why the rest was not."""

    asked: Access
    granted: tuple[str, ...]
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request. `access` holds the entries with something granted.

    `timeless` is False when a rule with an end or networks took part, so that the decision
    may not be remembered.
    """

    version: int
    verdicts: tuple[Verdict, ...]
    access: tuple[Access, ...]
    timeless: bool = True
    reasons: tuple[str, ...] = field(default=())
