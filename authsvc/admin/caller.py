"""Who calls the admin interface, on every route.

HTTP Basic with any source's credentials, or Bearer with a secret that this service minted for a
person or a robot. A registry token is neither.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from fastapi import Request

from authsvc.access.model import Reason
from authsvc.audit.log import Entry, TokenLog
from authsvc.audit.records import Event, Outcome, Record, print_body
from authsvc.clock import Clock
from authsvc.errors import Unauthenticated, Unavailable
from authsvc.identity.authenticator import Authenticator
from authsvc.identity.provider import PROVES_AN_ACCOUNT, Circumstances, Rejected, Verified
from authsvc.principal import Actor, Origin
from authsvc.protocol.credentials import (
    Anonymous,
    Bearer,
    Credentials,
    Password,
    from_api_authorization,
)

SHOWN: Final = frozenset({"password", "pat", "robot"})  # kinds of credentials that count here
NOBODY = {"kind": "anonymous", "source": None, "name": None, "id": None}
LONGEST = 256  # characters of a User-Agent that a record keeps
Caller = Callable[[Request], Awaitable[Actor]]


class Callers:
    """Authenticates callers. A refused sign-in leaves an audit record, and so does a first one.

    A first one is one that had to be verified: what is remembered was recorded when it was. By the
    grace of a directory that is away nobody comes in here.
    `pseudonym` stands for a claimed name of which no account exists. `saw` is told which minted
    secret was used, and when (wall clock seconds).
    """

    def __init__(
        self, authenticator: Authenticator, log: TokenLog, clock: Clock, *,
        pseudonym: Callable[[str], str], saw: Callable[[str, float], None],
    ) -> None:  # fmt: skip
        self._authenticator = authenticator
        self._log = log
        self._clock = clock
        self._pseudonym = pseudonym
        self._saw = saw

    async def __call__(self, request: Request) -> Actor:
        """The caller of a request. Raises Unauthenticated; 401 says nothing about why."""
        header = _header(request)
        credentials, origin = from_api_authorization(header), _origin(request)
        if isinstance(credentials, Anonymous):
            raise Unauthenticated("authentication is required", reason="no_credentials")
        now = self._clock.now()
        circumstances = Circumstances(origin.address, "", now, origin.address_known)
        found: Verified | Rejected | None
        found = self._authenticator.remembered(credentials, circumstances, text=header)
        first = found is None
        if found is None:
            found = await self._authenticator.identify(credentials, circumstances)
        in_grace = isinstance(found, Verified) and found.bounds.pull_only
        if first or in_grace:
            await self._log.record(self._sign_in(found, credentials, origin))
        if in_grace:
            raise Unavailable("your directory does not answer", what="source", retry_after=10)
        if isinstance(found, Verified) and found.credential_kind in SHOWN:
            if found.credential_id is not None:
                self._saw(found.credential_id, now)
            return _actor(found, origin)
        reason = found.reason if isinstance(found, Rejected) else "no_person"
        raise Unauthenticated("authentication is required", reason=reason)

    def _sign_in(
        self, found: Verified | Rejected, credentials: Credentials, origin: Origin
    ) -> Entry:
        now, who, reason = self._clock.now(), NOBODY, None
        if isinstance(found, Rejected):
            kind = "bearer" if isinstance(credentials, Bearer) else "password"
            shown, reason = {"kind": kind, "id": None}, found.reason
        else:
            who = _member(found)
            shown = {"kind": found.credential_kind, "id": found.credential_id}
            reason = Reason.SOURCE_DOWN.value if found.bounds.pull_only else None
        record = Record(
            event=Event.LOGIN, outcome=Outcome.REFUSED if reason else Outcome.GRANTED, time=now,
            reason=reason, actor=who, claimed=self._claimed(credentials, found),
            address=origin.address, peer=origin.peer, credential=shown,
            request_id=origin.request_id, user_agent=origin.user_agent,
        )  # fmt: skip
        return Entry(int(now * 1000), None, print_body(record))

    def _claimed(self, credentials: Credentials, found: Verified | Rejected) -> str | None:
        if not isinstance(credentials, Password) or isinstance(found, Verified):
            return None
        name = credentials.username
        return name if found.reason in PROVES_AN_ACCOUNT else self._pseudonym(name)


def _actor(found: Verified, origin: Origin) -> Actor:
    who = found.principal
    origin = replace(
        origin, credential_kind=found.credential_kind, credential_id=found.credential_id,
        manages=found.bounds.manages,
    )  # fmt: skip
    return Actor(who.kind, who.source, who.name, who.id or None, who, origin)


def _member(found: Verified) -> dict[str, str | None]:
    who = found.principal
    return {"kind": who.kind.value, "source": who.source, "name": who.name, "id": who.id or None}


def _origin(request: Request) -> Origin:
    state = request.scope["state"]
    agent = (request.headers.get("user-agent") or "")[:LONGEST] or None
    return Origin(
        state["address"], state["address_known"], state["peer"], state["request_id"], agent
    )


def _header(request: Request) -> bytes | None:
    values = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if not values:
        return None
    return values[0] if len(values) == 1 else b""
