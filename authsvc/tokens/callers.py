"""Who revokes and introspects refresh tokens: HTTP Basic, with rights to manage."""

from authsvc.access.model import Reason
from authsvc.audit.log import Entry, TokenLog
from authsvc.audit.records import Event, Outcome, Record, print_body
from authsvc.clock import Clock
from authsvc.errors import Unauthenticated, Unavailable
from authsvc.identity.authenticator import Authenticator
from authsvc.identity.provider import PROVES_AN_ACCOUNT, Circumstances, Rejected, Verified
from authsvc.principal import Actor, Kind, Origin
from authsvc.protocol.credentials import Anonymous, Credentials, from_authorization

from .records import NOBODY, Pseudonyms, credential_of, user_agent
from .request import Caller

NO_PERSON = Rejected("no_person")
NO_MANAGEMENT = Rejected("no_management")


class Callers:
    """Authenticates callers, with the same limits as everywhere.

    A refused sign-in leaves an audit record, and so does a first one, that is one that had to be
    verified. By the grace of a directory that is away nobody comes in here.
    """

    def __init__(
        self, authenticator: Authenticator, log: TokenLog, clock: Clock, pseudonyms: Pseudonyms
    ) -> None:
        self._authenticator = authenticator
        self._log = log
        self._clock = clock
        self._pseudonyms = pseudonyms

    async def of(self, caller: Caller, header: bytes | None) -> Actor:
        """Who shows that Authorization header: a person whose credentials may manage.

        Raises Unauthenticated, which says nothing about why, Limited and Unavailable.
        """
        credentials = from_authorization(header)
        if isinstance(credentials, Anonymous):
            raise Unauthenticated("authentication is required", reason="no_credentials")
        now = self._clock.now()
        circumstances = Circumstances(caller.address, "", now, caller.address_known)
        found: Verified | Rejected | None
        found = self._authenticator.remembered(credentials, circumstances, text=header)
        first = found is None
        if found is None:
            found = await self._authenticator.identify(credentials, circumstances)
        admitted = _admitted(found)
        in_grace = isinstance(admitted, Verified) and admitted.bounds.pull_only
        if first or in_grace or isinstance(admitted, Rejected):
            await self._log.record(self._sign_in(admitted, credentials, caller, now))
        if isinstance(admitted, Rejected):
            raise Unauthenticated("authentication failed", reason=admitted.reason)
        if in_grace:
            raise Unavailable("your directory does not answer", what="source", retry_after=10)
        return _actor(admitted, caller)

    def _sign_in(
        self, found: Verified | Rejected, credentials: Credentials, caller: Caller, now: float
    ) -> Entry:
        who, credential, claimed, reason = NOBODY, credential_of(credentials), None, None
        if isinstance(found, Rejected):
            reason = found.reason
            claimed = self._pseudonyms.claimed(credentials, known=reason in PROVES_AN_ACCOUNT)
        else:
            who = _member(found)
            credential = {"kind": found.credential_kind, "id": found.credential_id}
            reason = Reason.SOURCE_DOWN.value if found.bounds.pull_only else None
        record = Record(
            event=Event.LOGIN, outcome=Outcome.REFUSED if reason else Outcome.GRANTED, time=now,
            reason=reason, actor=who, claimed=claimed, credential=credential,
            address=caller.address, peer=caller.peer, request_id=caller.request_id,
            user_agent=user_agent(caller.user_agent),
        )  # fmt: skip
        return Entry(int(now * 1000), None, print_body(record))


def _admitted(found: Verified | Rejected) -> Verified | Rejected:
    """Who comes in: people alone, and none by a secret that does not carry their rights."""
    if isinstance(found, Rejected):
        return found
    if found.principal.kind is not Kind.USER:
        return NO_PERSON
    return found if found.bounds.manages else NO_MANAGEMENT


def _member(found: Verified) -> dict[str, str | None]:
    who = found.principal
    return {"kind": who.kind.value, "source": who.source, "name": who.name, "id": who.id or None}


def _actor(found: Verified, caller: Caller) -> Actor:
    who = found.principal
    origin = Origin(
        caller.address, caller.address_known, caller.peer, caller.request_id,
        user_agent(caller.user_agent), found.credential_kind, found.credential_id,
        manages=found.bounds.manages,
    )  # fmt: skip
    return Actor(who.kind, who.source, who.name, who.id, who, origin)
