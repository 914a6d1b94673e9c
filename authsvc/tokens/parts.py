"""What the token service works with, and what it hands over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from authsvc.access.snapshot import Snapshot
from authsvc.audit.log import Entry, TokenLog
from authsvc.clock import Clock
from authsvc.db.feed import Feed
from authsvc.errors import AuthsvcError
from authsvc.identity.authenticator import Authenticator
from authsvc.identity.last_use import LastUses
from authsvc.keys.keyring import Keyring
from authsvc.limits.limiter import Limiter

from .answer import Answer
from .identifiers import Identifiers
from .records import Pseudonyms
from .refreshing import Given, RefreshTokens


class Issued(NamedTuple):
    """A registry token and what the response says about it. `expires_in` is in seconds.

    `refresh` is a refresh token, '' for none.
    """

    token: bytes
    expires_in: int
    scope: str
    tail: bytes
    refresh: str = ""


class Signed(NamedTuple):
    """A token that may leave when its record is durable."""

    token: bytes
    answer: Answer
    entry: Entry
    refresh: Given | None = None


Told = Callable[[Issued | AuthsvcError], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service works with; built once by assembly."""

    clock: Clock
    feed: Feed
    snapshot: Snapshot
    authenticator: Authenticator
    keyring: Keyring
    log: TokenLog
    pseudonyms: Pseudonyms
    identifiers: Identifiers
    limiter: Limiter
    refresh: RefreshTokens
    uses: LastUses
