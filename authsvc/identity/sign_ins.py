"""Who comes in by an interface that is no token realm: the same check, and a record of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from authsvc.audit.log import Entry, TokenLog
from authsvc.audit.records import NOBODY, Event, Outcome, Record, print_body, time_ms
from authsvc.clock import Clock
from authsvc.errors import Unauthenticated, Unavailable
from authsvc.identity.authenticator import Authenticator
from authsvc.identity.provider import PROVES_AN_ACCOUNT, Circumstances, Rejected, Verified
from authsvc.principal import Actor, Origin
from authsvc.protocol.credentials import Anonymous, Bearer, Credentials, Password

IN_GRACE = "source_down"  # the word for somebody whose directory is away

WhyNot = Callable[[Verified], str | None]
"""Why somebody who was verified does not come in here, as a word for the record; None: they do."""


@dataclass(frozen=True, slots=True)
class SignIns:
    """Lets callers in. A refused one leaves an audit record, and so does a first one.

    A first one is one that had to be verified: what is remembered was recorded when it was. By the
    grace of a directory that is away nobody comes in.
    `pseudonym` stands for a claimed name of which no account exists. `saw` is told which minted
    secret was used, and when (wall clock seconds).
    """

    authenticator: Authenticator
    log: TokenLog
    clock: Clock
    pseudonym: Callable[[str], str]
    saw: Callable[[str, float], None]

    async def let_in(
        self, credentials: Credentials, origin: Origin, *, text: bytes | None, why_not: WhyNot
    ) -> Actor:
        """The caller that shows these credentials, read from the header `text`.

        Raises:
            Unauthenticated: 401, which says nothing about why.
            Limited: too many wrong passwords.
            Unavailable: their source, or the record of the sign-in, cannot be had.

        """
        if isinstance(credentials, Anonymous):
            raise Unauthenticated("authentication is required", reason="no_credentials")
        now = self.clock.now()
        circumstances = Circumstances(origin.address, "", now, origin.address_known)
        found: Verified | Rejected | None
        found = self.authenticator.remembered(credentials, circumstances, text=text)
        first = found is None
        if found is None:
            found = await self.authenticator.identify(credentials, circumstances)
        reason = found.reason if isinstance(found, Rejected) else _reason(found, why_not)
        if first or reason is not None:
            await self.log.record(self._entry(found, reason, credentials, origin, now))
        if isinstance(found, Rejected) or reason not in (None, IN_GRACE):
            raise Unauthenticated("authentication is required", reason=reason or "")
        if reason is not None:
            raise Unavailable("your directory does not answer", what="source", retry_after=10)
        if found.credential_id is not None:
            self.saw(found.credential_id, now)
        return _actor(found, origin)

    def _entry(
        self, found: Verified | Rejected, reason: str | None, credentials: Credentials,
        origin: Origin, now: float,
    ) -> Entry:  # fmt: skip
        record = Record(
            event=Event.LOGIN, outcome=Outcome.REFUSED if reason else Outcome.GRANTED, time=now,
            reason=reason, actor=_member(found), claimed=self._claimed(credentials, found),
            credential=_credential(found, credentials), address=origin.address, peer=origin.peer,
            request_id=origin.request_id, user_agent=origin.user_agent,
        )  # fmt: skip
        return Entry(time_ms(record), None, print_body(record))

    def _claimed(self, credentials: Credentials, found: Verified | Rejected) -> str | None:
        if not isinstance(credentials, Password) or isinstance(found, Verified):
            return None
        name = credentials.username
        return name if found.reason in PROVES_AN_ACCOUNT else self.pseudonym(name)


def _reason(found: Verified, why_not: WhyNot) -> str | None:
    return IN_GRACE if found.bounds.pull_only else why_not(found)


def _credential(found: Verified | Rejected, credentials: Credentials) -> dict[str, Any]:
    if isinstance(found, Verified):
        return {"kind": found.credential_kind, "id": found.credential_id}
    return {"kind": "bearer" if isinstance(credentials, Bearer) else "password", "id": None}


def _member(found: Verified | Rejected) -> dict[str, str | None]:
    if isinstance(found, Rejected):
        return NOBODY
    who = found.principal
    return {"kind": who.kind.value, "source": who.source, "name": who.name, "id": who.id or None}


def _actor(found: Verified, origin: Origin) -> Actor:
    who = found.principal
    origin = replace(
        origin, credential_kind=found.credential_kind, credential_id=found.credential_id,
        manages=found.bounds.manages,
    )  # fmt: skip
    return Actor(who.kind, who.source, who.name, who.id or None, who, origin)
