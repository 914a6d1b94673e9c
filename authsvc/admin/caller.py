"""Who calls the admin interface, on every route.

HTTP Basic with any source's credentials, or Bearer with a secret that this service minted for a
person or a robot. A registry token is neither.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Request

from authsvc.identity.provider import Verified
from authsvc.identity.sign_ins import SignIns
from authsvc.principal import Actor, Origin
from authsvc.protocol.credentials import from_api_authorization

SHOWN: Final = frozenset({"password", "pat", "robot"})  # kinds of credentials that count here
LONGEST = 256  # characters of a User-Agent that a record keeps
Caller = Callable[[Request], Awaitable[Actor]]


class Callers:
    """Authenticates callers: people, and robots, who may read about themselves."""

    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins

    async def __call__(self, request: Request) -> Actor:
        """The caller of a request. Raises as `SignIns.let_in` does."""
        header = _header(request)
        return await self._sign_ins.let_in(
            from_api_authorization(header), _origin(request), text=header, why_not=_why_not
        )


def _why_not(found: Verified) -> str | None:
    return None if found.credential_kind in SHOWN else "no_person"


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
