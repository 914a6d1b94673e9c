"""Revocation (RFC 7009) and introspection (RFC 7662) of refresh tokens.

Their owner may, and an administrator. Of anything else, a token of somebody else's, a secret of
another kind, a text, nothing is said: revoking it is done already, and it is not active.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from authsvc.changes import refresh
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.errors import AuthsvcError
from authsvc.identity.bulkhead import Bulkhead
from authsvc.identity.minted import Lasting
from authsvc.identity.provider import Circumstances, Rejected, Verified
from authsvc.identity.sign_ins import SignIns
from authsvc.principal import Actor
from authsvc.protocol import oauth2, secrets
from authsvc.protocol.credentials import RefreshToken
from authsvc.protocol.wire import error_body
from authsvc.web.errors import Answer, token_response
from authsvc.web.middleware import Receive, Scope, Send, respond

from .callers import caller_of
from .realm import JSON, body_of, of
from .request import Caller

REVOKE = "/token/revoke"
INTROSPECT = "/token/introspect"
_ROOTS = ("", "/auth")
_REVOKING = frozenset(f"{root}{REVOKE}{end}" for root in _ROOTS for end in ("", "/"))
_INTROSPECTING = frozenset(f"{root}{INTROSPECT}{end}" for root in _ROOTS for end in ("", "/"))
PATHS = _REVOKING | _INTROSPECTING
UNSEEN = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache")]
INACTIVE = b'{"active":false}'
NOT_ALLOWED = error_body(
    code="UNSUPPORTED", message="use POST", error="invalid_request",
    description="this method is not served here; use POST",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """What revocation and introspection work with.

    `readers` and `changers` are threads for looking and for changing; `hear` has this worker know
    its own changes at once.
    """

    sign_ins: SignIns
    unit_of_work: UnitOfWork
    readers: Bulkhead
    changers: Bulkhead
    hear: Callable[[], Awaitable[None]]
    lasting: Lasting


class Revocation:
    """The application of the two paths; `url` is the realm that the challenge of a 401 names."""

    def __init__(self, desk: Desk, *, issuer: str, url: str) -> None:
        self._desk = desk
        self._issuer = issuer
        self._url = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of any method to one of PATHS."""
        await respond(send, *await self._answered(scope, receive))

    async def _answered(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return 405, [*JSON, (b"allow", b"POST")], NOT_ALLOWED
        try:
            head = of(scope)
            actor = await caller_of(self._desk.sign_ins, head.caller, head.authorization)
            head.refuse_encoded()
            token = oauth2.parse_token_alone(await body_of(receive), head.content_type)
            if scope["path"] in _REVOKING:
                await self._revoke(actor, token)
                return 200, UNSEEN, b""
            return 200, JSON, await self._introspect(actor, head.caller, token)
        except AuthsvcError as error:
            return token_response(error, realm=self._url)

    async def _revoke(self, actor: Actor, token: str) -> None:
        if secrets.kind_of(token) != "ref":
            return
        desk, digest = self._desk, secrets.digest(token)
        ended = await desk.changers.run(
            desk.unit_of_work.run, actor, lambda tx: refresh.revoke(tx, digest)
        )
        if ended:
            await desk.hear()

    async def _introspect(self, actor: Actor, caller: Caller, token: str) -> bytes:
        """What RFC 7662 section 2.2 has members for, as of now: its owner is asked for again."""
        if secrets.kind_of(token) != "ref":
            return INACTIVE
        desk, digest = self._desk, secrets.digest(token)
        seen = await desk.readers.run(
            desk.unit_of_work.look, actor, lambda tx: refresh.seen(tx, digest)
        )
        if seen is None:
            return INACTIVE
        here = Circumstances(
            caller.address, seen.registry, desk.sign_ins.clock.now(), caller.address_known
        )
        found = await desk.sign_ins.authenticator.identify(RefreshToken(token), here)
        return INACTIVE if isinstance(found, Rejected) else self._active(seen, found)

    def _active(self, seen: refresh.Seen, found: Verified) -> bytes:
        made, lasting = seen.made.timestamp(), self._desk.lasting
        ends = min(made + lasting.most, seen.used.timestamp() + lasting.idle)
        name = found.principal.claim
        members = {
            "active": True, "sub": name, "username": name, "aud": seen.registry,
            "iss": self._issuer, "iat": int(made), "exp": int(ends),
            "token_type": "refresh_token",
        }  # fmt: skip
        return json.dumps(members).encode()
