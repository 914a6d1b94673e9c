"""Secrets that this service minted: what one that is shown is worth here and now.

It is looked up by its digest; who owns it is asked for again where they come from, in the threads
of that source. No slow hash and no failure limit: 178 random bits are not guessed.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from math import inf

from authsvc.errors import AuthsvcError, Unavailable
from authsvc.identity.answers import Told, until_news
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.provider import Bounds, Rejected, Verified, Vouches
from authsvc.principal import LOCAL, Kind, Principal
from authsvc.protocol import secrets
from authsvc.protocol.access import Access

AHEAD = 60.0  # seconds that clocks of replicas may differ
CREDENTIAL: Mapping[secrets.Kind, str] = {"rob": "robot", "pat": "pat", "ref": "refresh_token"}
"""What records call each kind."""
_OTHER_USER = Rejected("other_user")
GONE = "unknown_user"
CHANGED = "password_changed"
ENDS_A_REFRESH_TOKEN = frozenset({GONE, "disabled", "account_expired", CHANGED})
"""Reasons of its owner's that end it for good; a personal token ends when its owner is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A secret and its owner as they are stored; times are wall clock seconds, None for none.

    `ends` is the earlier of the secret's end and its robot's. `used` is its last use or else when
    it was made.
    """

    id: int
    kind: secrets.Kind
    owner: Principal
    enabled: bool
    made: float
    used: float
    ends: float | None
    registry: str | None = None
    scopes: tuple[Access, ...] | None = None
    manages: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret as it was shown; `username` None: without a name."""

    username: str | None
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Owners:
    """A source other than the database, as owners are asked for there.

    Who was found there counts for `ttl` seconds, and for `grace` seconds while it is away. `folds`:
    a name may be typed there in other letters than it is stored in.
    """

    source: Vouches
    threads: Bulkhead
    ttl: float
    grace: float = 0.0
    folds: bool = False


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long refresh tokens last, in seconds: at most, and without being used."""

    most: float = inf
    idle: float = inf


Find = Callable[[Shown], Stored | Rejected]
"""Looks a secret up. Blocks; raises Unavailable."""
End = Callable[[int, str], None]
"""Ends a secret for good, for a reason. Blocks; raises Unavailable."""


class Minted:
    """Says what minted secrets are worth. `threads` are for `find` and `end`.

    `owners` are the sources by name, without the database.
    """

    def __init__(
        self, threads: Bulkhead, find: Find, end: End, *,
        owners: Mapping[str, Owners], lasting: Lasting,
    ) -> None:  # fmt: skip
        self._threads = threads
        self._find = find
        self._end = end
        self._owners = owners
        self._lasting = lasting

    async def ask(self, shown: Shown, now: float, *, caller: str) -> Told:
        """What it is worth; `now` is wall clock seconds, `caller` who shares one part of `threads`.

        A "no" is not remembered: it costs little, and no topic would end it.

        Raises:
            Unavailable: the database, or the source of its owner, cannot be asked, or too many ask.

        """
        stored = await self._threads.run(self._find, shown, caller=caller)
        if isinstance(stored, Rejected):
            return Told(stored, None)
        told = await self._judged(stored, now)
        owner = stored.owner
        if isinstance(told.outcome, Rejected):
            await self._end_for_good(stored, told.outcome.reason)
        else:
            owner = told.outcome.principal
        return told if self._is_named(shown.username, owner) else Told(_OTHER_USER, None)

    def _is_named(self, username: str | None, owner: Principal) -> bool:
        """Whether the name that was typed is the owner's, as their source compares names."""
        if username is None or username == owner.claim:
            return True
        owners = self._owners.get(owner.source)
        folds = owners is not None and owners.folds
        return folds and username.casefold() == owner.name.casefold()

    async def _judged(self, stored: Stored, now: float) -> Told:
        reason = why_not(stored, now, self._lasting)
        if reason is not None:
            return Told(Rejected(reason), None)
        owners = self._owners.get(stored.owner.source)
        if stored.owner.kind is Kind.ROBOT or stored.owner.source == LOCAL:
            return Told(verified(stored, self._lasting), until_news)
        if owners is None:  # its source is configured no longer
            return Told(Rejected("unknown_source"), None)
        return await self._vouched_for(stored, owners)

    async def _vouched_for(self, stored: Stored, owners: Owners) -> Told:
        """As the source says of the owner, by what it saw of late or sees now."""
        source, owner = owners.source, stored.owner
        found = source.current(owner)
        if found is None:
            try:
                found = await owners.threads.run(source.recheck, owner)
            except Unavailable:
                return self._in_outage(stored, owners)
        if isinstance(found, Rejected):
            return Told(found, None)
        if _is_of_old_password(source, stored, found):
            return Told(Rejected(CHANGED), None)
        worth = verified(replace(stored, owner=found), self._lasting)
        grace = (owners.grace, partial(_pulls, source, stored, found)) if owners.grace else None
        return Told(worth, partial(_holds, source, stored, found), owners.ttl, grace)

    def _in_outage(self, stored: Stored, owners: Owners) -> Told:
        """For pulls, when its owner was seen within the grace of the source; else Unavailable."""
        found = owners.source.in_outage(stored.owner)
        if found is None:
            raise Unavailable(
                f"source {stored.owner.source} does not answer",
                what=f"source {stored.owner.source}",
            )
        if isinstance(found, Rejected):
            return Told(found, None)
        if _is_of_old_password(owners.source, stored, found):
            return Told(Rejected(CHANGED), None)
        worth = verified(replace(stored, owner=found), self._lasting)
        worth = replace(worth, bounds=replace(worth.bounds, pull_only=True))
        return Told(worth, partial(_pulls, owners.source, stored, found))

    async def _end_for_good(self, stored: Stored, reason: str) -> None:
        """End what its owner's state ends, so that it is not worth anything again later.

        It is refused all the same when that cannot be written now: the next use tries again.
        """
        if ends_for_good(stored.kind, reason):
            with suppress(AuthsvcError):
                await self._threads.run(self._end, stored.id, reason)


def ends_for_good(kind: secrets.Kind, reason: str) -> bool:
    """Whether a secret of that kind, refused for that reason, is to be worth nothing ever again."""
    return reason == GONE or (kind == "ref" and reason in ENDS_A_REFRESH_TOKEN)


def why_not(stored: Stored, now: float, lasting: Lasting) -> str | None:
    """Why it is worth nothing, by what is stored, as a word for the record; None when it is."""
    if not stored.enabled:
        return "disabled"
    if stored.made > now + AHEAD:
        return "not_yet_valid"  # the clock was put back: its age cannot be told
    if stored.ends is not None and now >= stored.ends:
        return "expired"
    if stored.kind == "ref" and now >= stored.made + lasting.most:
        return "expired"
    if stored.kind == "ref" and now >= stored.used + lasting.idle:
        return "idle"
    return None


def verified(stored: Stored, lasting: Lasting) -> Verified:
    """What its owner is let in with: the bounds are judged again at every use."""
    ends = stored.ends
    if stored.kind == "ref" and lasting.most < inf:
        ends = stored.made + lasting.most
    bounds = Bounds(
        networks=stored.networks, registry=stored.registry, scopes=stored.scopes, ends=ends,
        manages=stored.manages and stored.scopes is None,
    )  # fmt: skip
    return Verified(
        stored.owner, bounds=bounds, credential_kind=CREDENTIAL[stored.kind],
        credential_id=str(stored.id),
    )  # fmt: skip


def _holds(source: Vouches, stored: Stored, found: Principal) -> bool:
    """Whether the source, by what it saw of late, would say the same."""
    return source.current(found) == found and not _is_of_old_password(source, stored, found)


def _pulls(source: Vouches, stored: Stored, found: Principal) -> bool:
    """Whether it is away, and would have said the same of late."""
    return source.in_outage(found) == found and not _is_of_old_password(source, stored, found)


def _is_of_old_password(source: Vouches, stored: Stored, found: Principal) -> bool:
    """Whether this is a refresh token that was given for a password they have no more."""
    return stored.kind == "ref" and source.has_new_password(found, stored.password)
