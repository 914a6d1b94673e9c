"""What a source of identities must be able to do. Each provider is one file and knows no other."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple, Protocol, runtime_checkable

from authsvc.principal import Principal
from authsvc.protocol.access import Access


class Circumstances(NamedTuple):
    """Where and when a request is made. `address` is '' when the peer is unknown.

    `address_known` is False when an X-Forwarded-For came from a peer that is not trusted: the
    true address is then unknown (contract section 5, rule 11). `now` is wall clock seconds.
    """

    address: str
    service: str
    now: float
    address_known: bool = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits that a secret itself carries, judged at every use; all empty for a password.

    `pull_only`: the directory that vouches for it cannot be asked now (`outage_grace`). `manages`:
    whether it carries its owner's management rights.
    """

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    registry: str | None = None
    scopes: tuple[Access, ...] | None = None
    ends: float | None = None
    pull_only: bool = False
    manages: bool = True


@dataclass(frozen=True, slots=True)
class Verified:
    """These credentials are right. `evidence` is what the provider compares in `is_current`.

    `password` stands for the password that was shown, '' for any: a refresh token that is given
    for it is kept beside that. `credential_id` is the row of a minted secret.
    """

    principal: Principal
    evidence: object = field(default=None, repr=False)
    bounds: Bounds = field(default_factory=Bounds)
    credential_kind: str = "password"
    credential_id: str | None = None
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """No. `reason` is a word for the audit record (`wrong_password`, `disabled`, ...)."""

    reason: str


PROVES_AN_ACCOUNT = frozenset(
    {
        "wrong_password", "disabled", "locked", "password_expired", "must_change_password",
        "account_expired", "no_stable_id", "too_many_groups", "wrong_secret",
    }
)  # fmt: skip
"""Reasons that are given only where there is an account of that name."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """This source does not know the name; the next one is asked."""


class Provider(Protocol):
    """A source that checks passwords.

    `verify` may block and runs in a worker thread; it raises `Unavailable` when the source
    cannot be asked. `is_current` never blocks: it says whether what `verify` saw still holds
    (the same htpasswd line, the same stored hash).
    """

    name: str

    def verify(self, username: str, password: str, now: float) -> Verified | Rejected | Unknown: ...

    def is_current(self, verified: Verified) -> bool: ...

    def knows(self, username: str) -> Principal | None:
        """The identity of that name here, or None; may block. For explain and grants."""
        ...


class Reports(Protocol):
    """A provider that has a state worth showing in /readyz: `ok` or `degraded`."""

    def state(self) -> str: ...


@runtime_checkable
class Marks(Protocol):
    """A provider whose entries change without a topic in the change feed.

    `mark` never blocks: what is held for that name now, None for nothing. While it stays equal, an
    answer about the name still holds, a "no" and an "unknown" too.
    """

    def mark(self, username: str) -> object: ...


@runtime_checkable
class StoresHashes(Protocol):
    """A provider that checks passwords against hashes of its own.

    `samples` holds one stored hash at least for each cost (scheme and parameters) in use, to
    measure by. It may be called from any thread.
    """

    def samples(self) -> Collection[str]: ...


class Vouches(Protocol):
    """A source whose people may hold minted secrets: asked about one without a password."""

    def current(self, principal: Principal) -> Principal | Rejected | None:
        """Who that is, by what was seen of late; None: ask `recheck`. Never blocks."""
        ...

    def recheck(self, principal: Principal) -> Principal | Rejected:
        """Who that is now. Blocks; raises Unavailable."""
        ...

    def in_outage(self, principal: Principal) -> Principal | Rejected | None:
        """Who may pull while the source is away; None: nobody is known to. Never blocks."""
        ...

    def has_new_password(self, principal: Principal, password: str) -> bool:
        """Whether they have another one by now than `Verified.password` stood for. Never blocks."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """What the local provider needs of a database user; handed in by assembly."""

    name: str
    id: str
    enabled: bool
    hash: str = field(repr=False)
    changed_at: datetime
