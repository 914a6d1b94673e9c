"""The audit record of a limit that was reached."""

from collections.abc import Callable
from contextlib import suppress

from authsvc.audit import limits
from authsvc.audit.log import TokenLog
from authsvc.clock import Clock
from authsvc.errors import Unavailable
from authsvc.limits.keys import account_of, address_of
from authsvc.limits.limit import Reached
from authsvc.limits.refusing import Refused, Tell

BY_ACCOUNT = frozenset({"login_failures", "account_failures", "token_requests"})
BY_ADDRESS = frozenset({"login_failures", "address_failures", "anonymous_requests"})


def telling(log: TokenLog, clock: Clock, pseudonym: Callable[[str], str]) -> Tell:
    """Writes records that name whom the limit is about, and nobody else.

    A name stands there as limits fold it, and by its pseudonym when no such account is known.
    """

    def tell(reached: Reached, refused: Refused) -> None:
        now, name = clock.now(), reached.limit.name
        account = account_of(refused.name) if refused.name and name in BY_ACCOUNT else None
        if account is not None and not refused.exists:
            account = pseudonym(account)
        told = limits.Reached(
            name=name, text=reached.limit.text, until=now + reached.wait, claimed=account,
            address=address_of(refused.address) or None if name in BY_ADDRESS else None,
        )  # fmt: skip
        with suppress(Unavailable):  # the answer is "no" whether it can be written or not
            log.record_soon(limits.entry(told, now))

    return tell
