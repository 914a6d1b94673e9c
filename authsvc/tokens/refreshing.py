"""Refresh tokens as the realm gives them: when asked, to a person who showed a password."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from authsvc.access.model import Registry
from authsvc.changes.refresh import Asked
from authsvc.errors import Unavailable
from authsvc.identity.bulkhead import PATIENCE, Bulkhead
from authsvc.identity.provider import Verified
from authsvc.principal import Kind
from authsvc.protocol import secrets

from .request import Question


@dataclass(frozen=True, slots=True)
class Given:
    """A refresh token that is stored; `id` is what records call it."""

    id: int
    secret: str = field(repr=False)


class RefreshTokens:
    """Makes refresh tokens. `store` says under which id one is kept, None when it may not be.

    It blocks and raises Unavailable; `threads` are for it. `random` gives that many bytes of a
    cryptographic source.
    """

    def __init__(
        self,
        store: Callable[[Asked], int | None],
        threads: Bulkhead,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._threads = threads
        self._random = random
        self._turns = WeakValueDictionary[str, asyncio.Lock]()  # of those who ask just now

    async def given(
        self, question: Question, verified: Verified, registry: Registry
    ) -> Given | None:
        """A new one, None when none is due. Raises Unavailable."""
        if not is_due(question, verified, registry):
            return None
        secret = secrets.mint("ref", self._random)
        digest = secrets.digest(secret)
        asked = Asked(verified.principal, registry.name, verified.password, digest)
        made = await self._stored(asked)
        return None if made is None else Given(made, secret)

    async def _stored(self, asked: Asked) -> int | None:
        """Its id. One person's wait for each other, so that a crowd of them holds up nobody else.

        Raises Unavailable, after PATIENCE seconds of waiting too.
        """
        turn = self._turns.setdefault(asked.who.identity, asyncio.Lock())
        try:
            async with asyncio.timeout(PATIENCE):
                await turn.acquire()
        except TimeoutError:
            said = "you ask for too many refresh tokens at once"
            raise Unavailable(said, what="refresh tokens") from None
        try:
            return await self._threads.run(self._store, asked)
        finally:
            turn.release()


def is_due(question: Question, verified: Verified, registry: Registry) -> bool:
    """Whether this request is answered with a refresh token (contract section 4).

    A minted secret gets none, nor does who is let in while their directory is away.
    """
    return (
        question.offline
        and registry.refresh_tokens
        and verified.credential_kind == "password"
        and verified.principal.kind is Kind.USER
        and not verified.bounds.pull_only
    )
