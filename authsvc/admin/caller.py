"""Who calls the admin interface: HTTP Basic with any source's credentials, on every route."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from authsvc.audit.log import Entry, TokenLog
from authsvc.audit.records import Event, Outcome, Record, print_body
from authsvc.clock import Clock
from authsvc.errors import Unauthenticated
from authsvc.identity.authenticator import Authenticator
from authsvc.identity.provider import Circumstances, Rejected, Verified
from authsvc.principal import Kind, Principal
from authsvc.protocol.credentials import Credentials, Password, from_authorization

PROVES_AN_ACCOUNT = frozenset({"wrong_password", "disabled"})
Caller = Callable[[Request], Awaitable[Principal]]


class Callers:
    """Authenticates callers; a refused sign-in leaves an audit record.

    `pseudonym` stands for a claimed name of which no account exists.
    """

    def __init__(
        self, authenticator: Authenticator, log: TokenLog, clock: Clock,
        pseudonym: Callable[[str], str],
    ) -> None:  # fmt: skip
        self._authenticator = authenticator
        self._log = log
        self._clock = clock
        self._pseudonym = pseudonym

    async def __call__(self, request: Request) -> Principal:
        """The caller of a request. Raises Unauthenticated; 401 says nothing about why."""
        credentials = from_authorization(_header(request))
        found = await self._found(credentials, request)
        if isinstance(found, Verified) and found.principal.kind is Kind.USER:
            return found.principal
        reason = found.reason if isinstance(found, Rejected) else "no_credentials"
        if reason != "no_credentials":
            await self._log.record(self._refusal(request, credentials, reason))
        raise Unauthenticated("authentication is required", reason=reason)

    async def _found(self, credentials: Credentials, request: Request) -> Verified | Rejected:
        state = request.scope["state"]
        circumstances = Circumstances(
            state["address"], "", self._clock.now(), state["address_known"]
        )
        return await self._authenticator.identify(credentials, circumstances)

    def _refusal(self, request: Request, credentials: Credentials, reason: str) -> Entry:
        state, now = request.scope["state"], self._clock.now()
        record = Record(
            event=Event.LOGIN, outcome=Outcome.REFUSED, time=now, reason=reason,
            actor={"kind": "anonymous", "source": None, "name": None, "id": None},
            claimed=self._claimed(credentials, reason), credential={"kind": "password", "id": None},
            address=state["address"], peer=state["peer"], request_id=state["request_id"],
            user_agent=(request.headers.get("user-agent") or "")[:256] or None,
        )  # fmt: skip
        return Entry(int(now * 1000), None, print_body(record))

    def _claimed(self, credentials: Credentials, reason: str) -> str | None:
        if not isinstance(credentials, Password):
            return None
        name = credentials.username
        return name if reason in PROVES_AN_ACCOUNT else self._pseudonym(name)


def _header(request: Request) -> bytes | None:
    values = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if not values:
        return None
    return values[0] if len(values) == 1 else b""
