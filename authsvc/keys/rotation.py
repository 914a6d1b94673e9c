"""Which state each key is in, and why; pure (contract section 4, item `key`).

next      published for registries with `libtrust`, none of which has been switched to it yet
active    signs: the newest, and every key that a libtrust registry is on
retired   superseded; listed until no token of it can be valid any more
revoked   taken out by hand: signs nothing, is listed nowhere, for good
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

LEEWAY = 60.0  # seconds for which a registry still takes a token after its `exp`
LONGEST_TTL = 3600.0  # seconds; the most that a token may live
SLACK = 120.0  # seconds within which every worker has surely stopped signing with a key


class State(StrEnum):
    """Where a key is in its life."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KeyLife:
    """A key as rotation sees it; times in seconds since the epoch.

    `created` orders keys: the latest is the newest. `ends` is its certificate's end, beyond
    which no `x5c` token lives. `last_use` is when the last token of a retired key has ended.
    """

    kid: str
    state: State
    created: float
    ends: float
    last_use: float | None = None

    @property
    def order(self) -> tuple[float, str]:
        """What makes one key newer than another."""
        return self.created, self.kid


def settle(keys: Iterable[KeyLife], pinned: Collection[str], now: float) -> tuple[KeyLife, ...]:
    """Every key in the state that the others and the libtrust registries give it.

    `pinned` are the ids of the keys that libtrust registries are on.
    """
    held = tuple(keys)
    newest = newest_of(held)
    return tuple(_settled(key, newest, pinned, now) for key in held)


def _settled(key: KeyLife, newest: str | None, pinned: Collection[str], now: float) -> KeyLife:
    if key.state is State.REVOKED:
        return key
    if key.kid in pinned:
        return replace(key, state=State.ACTIVE, last_use=None)
    if key.state is State.NEXT and pinned:
        return key
    if key.kid == newest:
        return replace(key, state=State.ACTIVE, last_use=None)
    if key.state is State.RETIRED:
        return key
    return replace(key, state=State.RETIRED, last_use=_last_use(key, now))


def _last_use(key: KeyLife, now: float) -> float:
    """The end of the last token: of `x5c` ones by the certificate, of others by their life.

    By the certificate's end even when this folder stops using the key now: a replica with a copy
    of the folder goes on until it renews its own.
    """
    return max(key.ends, now + SLACK + LONGEST_TTL) + LEEWAY


def newest_of(keys: Iterable[KeyLife]) -> str | None:
    """The id of the newest key that is not revoked."""
    usable = [key for key in keys if key.state is not State.REVOKED]
    return max(usable, key=lambda key: key.order).kid if usable else None


def next_of(keys: Iterable[KeyLife]) -> str | None:
    """The id of the key that libtrust registries would be switched to."""
    waiting = [key for key in keys if key.state is State.NEXT]
    return max(waiting, key=lambda key: key.order).kid if waiting else None


def state_of_new(*, by_hand: bool, pinned: Collection[str]) -> State:
    """The state that a key begins in: published first where registries must learn of it.

    A renewal moves `x5c` registries only, so what it makes waits for nobody.
    """
    return State.NEXT if by_hand and pinned else State.ACTIVE


def superseded(keys: Iterable[KeyLife], pinned: Collection[str], now: float) -> tuple[KeyLife, ...]:
    """The keys with an unused `next` given up, since a newer one takes its place."""
    return tuple(
        replace(key, state=State.RETIRED, last_use=_last_use(key, now))
        if key.state is State.NEXT and key.kid not in pinned
        else key
        for key in keys
    )


def changed(before: Iterable[KeyLife], after: Iterable[KeyLife]) -> tuple[KeyLife, ...]:
    """What has to be written: the keys of `after` that are not as they were."""
    old: Mapping[str, KeyLife] = {key.kid: key for key in before}
    return tuple(key for key in after if old.get(key.kid) != key)


def listed(key: KeyLife, now: float) -> bool:
    """Whether a token signed with the key can still be valid, now or later."""
    if key.state is State.RETIRED:
        return key.last_use is not None and now < key.last_use
    return key.state is not State.REVOKED


def renewal_due(ends: float | None, now: float, *, leaf_days: int, ca_ends: float) -> bool:
    """Whether the newest leaf of a folder has lived half of its life, or there is none.

    `ends` is the end of that leaf. Near the end of the CA a new leaf would end no later than the
    one at hand, and is not made.
    """
    life = leaf_days * 86400.0
    if ends is None:
        return now < ca_ends
    return ends - now <= life / 2 and min(now + life, ca_ends) - ends >= 1.0
