"""What keeps guessing within limits: asked before what is remembered, and around every check.

`Unlimited` is what an authenticator works with when no limit is set.
"""

from collections.abc import Awaitable, Callable, Sized
from typing import NoReturn, Protocol

from authsvc.identity.provider import PROVES_AN_ACCOUNT, Rejected, Verified
from authsvc.limits.failures import Ending, Failures
from authsvc.limits.limit import Reached
from authsvc.limits.refusing import Refused, Refusing
from authsvc.protocol.credentials import Password

Check = Callable[[], Awaitable[Verified | Rejected]]


class Guesses(Protocol):
    """Limits on wrong passwords, as an authenticator asks them. Used from one event loop."""

    @property
    def noted(self) -> Sized:
        """What is limited now; while it is empty, `refuses` need not be asked."""
        ...

    def account(self, name: str) -> bytes:
        """What stands for the account of that name; b"" when there are no limits."""
        ...

    def refuses(self, account: bytes, address: str, *, known: bool) -> bool:
        """Whether an account is limited there, as far as this process knows; never waits.

        `known` says that the address is known for the account.
        """
        ...

    async def refused(self, name: str, address: str) -> Reached | None:
        """As `refuses`, with a look at which addresses are known."""
        ...

    def saw(self, name: str, address: str, let_go: Callable[[], None]) -> None:
        """A remembered password was right at an address where it had not been shown yet.

        `let_go` is called when it turns out to be limited there all the same.
        """
        ...

    async def within(
        self, shown: Password, address: str, check: Check
    ) -> Verified | Rejected | Reached:
        """What `check` says of a password, if it may be checked, and count it by that."""
        ...

    async def refuse(self, reached: Reached, shown: Password, address: str) -> NoReturn:
        """Raise Limited, late."""
        ...


class LimitedGuesses:
    """`Guesses` over the limits of this worker."""

    def __init__(self, failures: Failures, refusing: Refusing) -> None:
        self._failures = failures
        self._refusing = refusing
        self.noted = failures.noted
        self.account = failures.account
        self.refused = failures.refused
        self.saw = failures.saw

    def refuses(self, account: bytes, address: str, *, known: bool) -> bool:
        return self._failures.note(account, address, known=known) is not None

    async def within(
        self, shown: Password, address: str, check: Check
    ) -> Verified | Rejected | Reached:
        begun = await self._failures.begin(shown.username, address, shown.secret)
        if isinstance(begun, Reached):
            return begun
        ending, exists = Ending.UNANSWERED, False
        try:
            outcome = await check()
            ending = _ending(outcome)
            exists = isinstance(outcome, Verified) or outcome.reason in PROVES_AN_ACCOUNT
            return outcome
        finally:
            await self._failures.end(begun, ending, exists=exists)

    async def refuse(self, reached: Reached, shown: Password, address: str) -> NoReturn:
        async def whom() -> Refused:
            exists = await self._failures.exists(shown.username, address, reached)
            return Refused(shown.username, address, exists)

        await self._refusing.refuse(reached, whom)


def _ending(outcome: Verified | Rejected) -> Ending:
    """What comes by the grace of a source that is away was checked by nobody now."""
    if isinstance(outcome, Rejected):
        return Ending.WRONG
    return Ending.UNCHECKED if outcome.bounds.pull_only else Ending.RIGHT


class Unlimited:
    """`Guesses` without any limit."""

    noted = ()

    def account(self, name: str) -> bytes:  # noqa: ARG002 - nobody is limited
        return b""

    def refuses(self, account: bytes, address: str, *, known: bool) -> bool:  # noqa: ARG002 - likewise
        return False

    async def refused(self, name: str, address: str) -> Reached | None:  # noqa: ARG002 - likewise
        return None

    def saw(self, name: str, address: str, let_go: Callable[[], None]) -> None:
        """Nothing hangs on it."""

    async def within(
        self,
        shown: Password,  # noqa: ARG002 - likewise
        address: str,  # noqa: ARG002 - likewise
        check: Check,
    ) -> Verified | Rejected | Reached:
        return await check()

    async def refuse(self, reached: Reached, shown: Password, address: str) -> NoReturn:  # noqa: ARG002 - likewise
        raise reached.error()
