"""The read side as immutable values: what is held in memory and what a decision is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from authsvc.principal import Kind, Principal
from authsvc.protocol.access import Access

from .globs import Glob, GlobTree

EVERYONE = "everyone"  # whoever asks, signed in or not
AUTHENTICATED = "authenticated"  # people who signed in; robots are not
EVERYWHERE = "**"  # the pattern of every repository, and the only place of the catalog right

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
    """A grant as it is evaluated. `registry` None = all registries; `when` None = always.

    `pattern` and `subject` are as stored, also in a template that was filled in. Such a rule has
    `homes`: an allow of it does not reach what lies in a registered namespace that one of these
    matches, unless the person owns that (contract section 5, rule 4).
    """

    grant: int
    role: str
    allow: bool
    registry: str | None
    pattern: str
    subject: str
    when: When | None = None
    homes: tuple[Glob, ...] = ()


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
class Index:
    """Rules as they are looked up.

    `paths` holds rules of plain paths by that path; `everywhere` those on `**`; `globs` all others.
    """

    paths: Mapping[str, tuple[Rule, ...]]
    globs: GlobTree[Rule] | None = None
    everywhere: tuple[Rule, ...] = ()

    @property
    def size(self) -> int:
        """How many entries there are to look up."""
        return len(self.paths) + len(self.globs or ()) + len(self.everywhere)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRules(Index):
    """All that is granted to one subject, and its direct groups.

    `templates` are the rules with `{username}`, which count only once a person fills them in.
    `identity` is whose they are, when that is known: the name may have another holder by now.
    """

    subject: str
    version: int
    templates: tuple[Rule, ...] = ()
    groups: tuple[str, ...] = ()
    identity: str | None = None

    def is_of(self, principal: Principal) -> bool:
        """Whether these are the principal's own, and not those of who had the name before."""
        return self.identity is None or self.identity == (principal.id or self.identity)

    @property
    def empty(self) -> bool:
        """Whether it is as if there were no such subject."""
        return not (self.decisive or self.templates or self.groups)

    @property
    def decisive(self) -> bool:
        """Whether any rule counts as it stands."""
        return bool(self.paths or self.globs or self.everywhere)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Everything a decision about one principal needs; the same object while nothing changed.

    `rules` are those of the principal, its groups, `authenticated` and `everyone`, as far as each
    applies, and its templates filled in; those that grant nothing are left out. `indexes` hold the
    same in as few places as pays. `version` is the newest of what it is made of. A view is never
    shared between principals.
    """

    base: PolicyBase
    principal: Principal
    rules: tuple[SubjectRules, ...]
    indexes: tuple[Index, ...]
    version: int

    @property
    def person(self) -> bool:
        """Whether a person signed in; robots and the anonymous are none."""
        return self.principal.kind is Kind.USER


class Reason(StrEnum):
    """Why an action was refused: the words of audit records, metrics and explanations."""

    NO_GRANT = "no_grant"
    """No grant gives it here, nor does the visibility of the namespace."""
    DENIED = "denied"
    """A deny takes it, whatever allows it."""
    READ_ONLY = "read_only"
    """It would be granted, but the registry takes no changes now."""
    EXPIRED = "expired"
    """The grant that would give it has ended."""
    OUTSIDE_NETWORKS = "outside_networks"
    """The grant that would give it is for other addresses."""
    ADDRESS_UNKNOWN = "address_unknown"
    """The grant that would give it is for some addresses, and the caller's true one is unknown."""
    NAMESPACE_OF_OTHERS = "namespace_of_others"
    """A `{username}` grant would give it, in a registered namespace that is not this person's."""
    NOT_FOR_ROBOTS = "not_for_robots"
    """A robot asked for the catalog; robots hold repository actions only."""
    SOURCE_DOWN = "source_down"
    """The directory of this person does not answer; by what is remembered they may pull only."""
    OUTSIDE_SCOPES = "outside_scopes"
    """The personal access token that was shown is narrowed to other scopes."""
    UNKNOWN_ACTION = "unknown_action"
    """This resource has no such action."""
    UNKNOWN_NAME = "unknown_name"
    """No resource of this type can have that name."""
    UNKNOWN_TYPE = "unknown_type"
    """There is no such type of resource."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one action of an entry was refused, and the grant that decided, if one did."""

    action: str
    reason: Reason
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

    `timeless` is False when a rule with an end or networks took part, met or not, so that the
    decision may not be remembered.
    """

    version: int
    verdicts: tuple[Verdict, ...]
    access: tuple[Access, ...]
    timeless: bool = True
