"""Who revokes and introspects refresh tokens: HTTP Basic, with rights to manage."""

from authsvc.identity.provider import Verified
from authsvc.identity.sign_ins import SignIns
from authsvc.principal import Actor, Kind, Origin
from authsvc.protocol.credentials import from_authorization

from .records import user_agent
from .request import Caller


async def caller_of(sign_ins: SignIns, caller: Caller, header: bytes | None) -> Actor:
    """Who shows that Authorization header: a person whose credentials may manage.

    Raises as `SignIns.let_in` does.
    """
    origin = Origin(
        caller.address, caller.address_known, caller.peer, caller.request_id,
        user_agent(caller.user_agent),
    )  # fmt: skip
    shown = from_authorization(header)
    return await sign_ins.let_in(shown, origin, text=header, why_not=_why_not)


def _why_not(found: Verified) -> str | None:
    """People alone, and none by a secret that does not carry their rights."""
    if found.principal.kind is not Kind.USER:
        return "no_person"
    return None if found.bounds.manages else "no_management"
