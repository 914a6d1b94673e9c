"""All limits of one worker: what it asks, what it hears of changes, and what it does meanwhile."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from authsvc.clock import Clock
from authsvc.db.engine import Database
from authsvc.errors import Unavailable
from authsvc.principal import Kind, Principal
from authsvc.settings import Settings

from .counting import Counting
from .failures import FailureLimits, Failures
from .keys import Keys, account_of, address_of
from .known import KnownAddresses, Thread
from .limit import Limit, limit
from .news import News
from .refusing import Refused, Refusing, Tell
from .requests import RequestLimit
from .shared import SharedCounting

TOPIC = "limit:"  # then account, colon, address; one that is empty is any


@dataclass(frozen=True, slots=True)
class Parts:
    """What the limits of a worker are made of."""

    failures: Failures
    refusing: Refusing
    known: KnownAddresses
    anonymous: RequestLimit | None
    principals: RequestLimit | None
    shared: SharedCounting | None


class Limiter:
    """The limits of one worker, made on the event loop that all of it belongs to.

    What is for a job is called in a thread.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._loop = asyncio.get_running_loop()
        self.failures = parts.failures
        self.refusing = parts.refusing
        self._clearing: set[asyncio.Task[object]] = set()

    def admits(self, principal: Principal, address: str) -> bool:
        """Count a token request, if that takes no waiting; False: nothing was counted, ask `check`.

        Those of the anonymous count by address, others by principal.
        """
        if principal.kind is Kind.ANONYMOUS:
            limit = self._parts.anonymous
            return limit is None or limit.spend(address_of(address))
        limit = self._parts.principals
        return limit is None or limit.spend(principal.subject)

    async def check(self, principal: Principal, address: str) -> None:
        """Count a token request. Raises Limited, which is late."""
        if principal.kind is Kind.ANONYMOUS:
            limit, caller, name = self._parts.anonymous, address_of(address), None
        else:
            limit, caller, name = self._parts.principals, principal.subject, principal.claim
        reached = None if limit is None else await limit.spend_or_wait(caller)
        if reached is not None:
            refused = Refused(name, address, exists=True)

            async def whom() -> Refused:
                return refused

            await self.refusing.refuse(reached, whom)

    def forget(self, topics: frozenset[str] | None) -> None:
        """Hear news of changes: what an administrator cleared.

        When news were missed (None) this process forgets what it counted; Redis does not.
        """
        if topics is None:
            self._begin(self._clear_here(None, None))
            return
        for topic in topics:
            if topic.startswith(TOPIC):
                account, _, address = topic.removeprefix(TOPIC).partition(":")
                self._begin(self._clear(account or None, address or None))

    def _begin(self, clearing: Coroutine[None, None, object]) -> None:
        task = asyncio.get_running_loop().create_task(clearing)
        self._clearing.add(task)
        task.add_done_callback(self._clearing.discard)

    async def _clear_here(
        self, account: str | None, address: str | None
    ) -> dict[RequestLimit, tuple[str, ...]]:
        await self.failures.clear_here(account, address)
        self.refusing.clear()
        found: dict[RequestLimit, tuple[str, ...]] = {}
        if self._parts.anonymous is not None and account is None:
            whom = partial(_is_address, None if address is None else address_of(address))
            found[self._parts.anonymous] = self._parts.anonymous.forget(whom)
        if self._parts.principals is not None and address is None:
            whom = partial(_is_account, None if account is None else account_of(account))
            found[self._parts.principals] = self._parts.principals.forget(whom)
        return found

    async def _clear(self, account: str | None, address: str | None) -> None:
        """Clear here, in Redis, and here again what was noted meanwhile as Redis still had it."""
        callers = await self._clear_here(account, address)
        await self.failures.clear_shared(account, address)
        for counted, refused in callers.items():
            await counted.forget_shared(refused)
        for counted, refused in (await self._clear_here(account, address)).items():
            await counted.forget_shared(refused)

    def tend(self) -> None:
        """Write which addresses are known, and see whether Redis answers. Blocks; for a job."""
        shared = self._parts.shared
        if shared is not None:
            shared.look()
        with suppress(Unavailable):  # tried again at the next round
            self._parts.known.flush()

    @property
    def is_shared(self) -> bool:
        """Whether workers count together."""
        return self._parts.shared is not None

    def exchange(self) -> None:
        """Tell and hear who is limited. Blocks, and no longer than Redis may take; for a job."""
        asyncio.run_coroutine_threadsafe(self.failures.exchange(), self._loop).result()

    def forget_old(self) -> None:
        """Remove what is kept no longer; for a job that one process of all runs."""
        self._parts.known.forget_old()

    def state(self) -> str:
        """Of Redis, for /readyz: `ok`, or `degraded` while this worker counts for itself."""
        shared = self._parts.shared
        return "degraded" if shared is not None and shared.away else "ok"

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._parts.shared is not None:
            await self._parts.shared.close()


def limiter(
    settings: Settings, secret: bytes, database: Database, clock: Clock, *, thread: Thread,
    tell: Tell,
) -> Limiter:  # fmt: skip
    """The limits that settings ask for; call it on the event loop that will serve.

    `secret` is that of the installation, `thread` runs short reads of the database in a thread,
    and `tell` writes the record of a limit that was reached.
    """
    chosen, workers = settings.limits, settings.server.workers
    url = settings.redis.url.get_secret_value()
    shared = SharedCounting(url) if url else None
    keys, known = Keys(secret), KnownAddresses(database, clock, thread)
    counting = Counting(clock, workers=workers, shared=shared)
    limits = FailureLimits(
        pair=limit("login_failures", chosen.login_failures),
        address=limit("address_failures", chosen.address_failures),
        account=limit("account_failures", chosen.account_failures),
    )

    def requests(name: str, text: str) -> RequestLimit | None:
        found: Limit | None = limit(name, text)
        if found is None:
            return None
        return RequestLimit(found, keys, clock, workers=workers, shared=shared)

    return Limiter(
        Parts(
            Failures(limits, keys, counting, known, clock, _news(limits, shared)),
            Refusing(counting, clock, tell),
            known,
            requests("anonymous_requests", chosen.anonymous_requests),
            requests("token_requests", chosen.token_requests),
            shared,
        )
    )


def _news(limits: FailureLimits, shared: SharedCounting | None) -> News | None:
    each = (limits.pair, limits.address, limits.account)
    longest = max((limit.window for limit in each if limit is not None), default=0.0)
    return News(shared, longest) if shared is not None and longest else None


def _is_address(address: str | None, caller: str) -> bool:
    return address is None or caller == address


def _is_account(account: str | None, caller: str) -> bool:
    """Whether the subject `user:SOURCE:NAME` or `robot:NAME` is of that account."""
    if account is None:
        return True
    kind, _, rest = caller.partition(":")
    name = f"robot.{rest}" if kind == "robot" else rest.partition(":")[2]
    return account_of(name) == account
