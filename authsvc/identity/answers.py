"""What was found out about credentials, and what is kept of it."""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import NamedTuple

from authsvc.identity.credential_cache import Remembered
from authsvc.identity.provider import Rejected, Verified

IN_GRACE = "password_in_grace"  # the kind of credential, in records


class Told(NamedTuple):
    """An outcome, and whether it still holds; None when it is not to be remembered.

    `ttl` is how many seconds it may be. `grace` is for how many seconds it counts for pulls while
    its source cannot be asked, and whether that is so now.
    """

    outcome: Verified | Rejected
    holds: Callable[[], bool] | None
    ttl: float = inf
    grace: tuple[float, Callable[[], bool]] | None = None

    def remembered(
        self, about: frozenset[str], account: bytes, addresses: set[str], now: float, ttl: float,
        secret: bytes,
    ) -> Remembered:  # fmt: skip
        """It as it is kept, for `ttl` seconds at most from `now` (monotonic) on.

        `secret` stands for what was shown.
        """
        holds = self.holds or until_news
        grace = None
        if self.grace is not None and isinstance(self.outcome, Verified):
            seconds, in_grace = self.grace
            spare = _pulling(self.outcome)
            grace = Remembered(spare, about, now + seconds, in_grace, account, addresses)
        ends, secret = now + min(ttl, self.ttl), secret if grace else b""
        return Remembered(self.outcome, about, ends, holds, account, addresses, grace, secret)


def _pulling(verified: Verified) -> Verified:
    """The same person, who may pull and nothing else."""
    bounds = replace(verified.bounds, pull_only=True)
    kind = IN_GRACE if verified.credential_id is None else verified.credential_kind
    return replace(verified, bounds=bounds, credential_kind=kind)


def until_news() -> bool:
    """Hold until a topic of the change feed ends it."""
    return True


def about_of(username: str, outcome: Verified | Rejected) -> frozenset[str]:
    """The topics of the change feed that end this answer."""
    topics = {topic_of(username)}
    if isinstance(outcome, Verified):
        topics.add(topic_of(outcome.principal.claim))
        if outcome.credential_id is not None:
            topics.add(f"secret:{outcome.credential_id}")
    return frozenset(topics)


def topic_of(username: str) -> str:
    """The topic of a name, of whatever source."""
    return f"name:{username}"
