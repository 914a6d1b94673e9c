"""The one error tree. It knows no HTTP and no exit codes: web/errors and cli map it to the wire.

An exception means *we could not answer or do it*. A plain "no" (a wrong password, a missing
right in a token request) is a value with a reason and never comes by here.

    AuthsvcError
    ├── Invalid            what was given does not parse or holds a wrong value
    │   ├── InvalidSettings    faults in the settings file or the environment, all of them at once
    │   └── TooLarge           more than this service takes in one request
    │       └── BodyTooLarge       the body alone is longer than what can be meant
    ├── Unauthenticated    credentials are missing or wrong
    ├── Forbidden          the caller may see it but not change it
    ├── NotFound           it is not there, or the caller may not see it
    │   └── Dangling           what was given refers to something that is not there
    ├── Conflict           a rule (the last admin) or the present state (a name taken) refuses
    ├── Stale              the caller's copy is older than what is stored
    ├── Unconditional      a change that does not say which state it was made for
    ├── Limited            too many attempts; carries when to come back
    └── Unavailable        something we depend on did not answer; carries when to come back
"""

from collections.abc import Sequence


class AuthsvcError(Exception):
    """Base of all errors of this service; never raised itself.

    `message` says what is wrong, `advice` what to do next; neither ever holds a secret.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}: {self.advice}" if self.advice else self.message


class Invalid(AuthsvcError):
    """What was given does not parse or holds a wrong value; nothing was changed.

    `faults` are (place, text) pairs when there is more than one thing to mend; a place is a
    JSON pointer, a settings key or FILE:LINE:COLUMN.
    """

    def __init__(
        self, message: str, *, advice: str = "", faults: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, advice=advice)
        self.faults = tuple(faults)


class InvalidSettings(Invalid):
    """The settings cannot be used; `faults` names every fault with its file and key."""


class TooLarge(Invalid):
    """More than this service takes in one request."""


class BodyTooLarge(TooLarge):
    """The body alone is longer than what can be meant; it was not read to its end."""


class Unauthenticated(AuthsvcError):
    """Credentials are missing or wrong. `reason` is for the audit record, not for the caller."""

    def __init__(self, message: str, *, reason: str, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.reason = reason


class Forbidden(AuthsvcError):
    """The caller may see this but not change it."""


class NotFound(AuthsvcError):
    """It is not there, or the caller may not know that it is."""


class Dangling(NotFound):
    """What was given refers to something that is not there.

    `faults` says where, as those of `Invalid` do.
    """

    def __init__(
        self, message: str, *, advice: str = "", faults: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, advice=advice)
        self.faults = tuple(faults)


class Conflict(AuthsvcError):
    """A rule or the present state refuses the change.

    `faults` says what of the change, as those of `Invalid` do, when it is more than one thing.
    """

    def __init__(
        self, message: str, *, advice: str = "", faults: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, advice=advice)
        self.faults = tuple(faults)


class Stale(AuthsvcError):
    """The caller's copy is older than what is stored (If-Match did not match)."""


class Unconditional(AuthsvcError):
    """A change that does not say which state it was made for (RFC 6585, section 3)."""


class Limited(AuthsvcError):
    """Too many attempts. `retry_after` is in whole seconds.

    `policy` names the limit, which admits `quota` in `window` seconds; '' when it has no name.
    """

    def __init__(
        self, message: str, *, retry_after: int, advice: str = "", policy: str = "",
        quota: int = 0, window: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(message, advice=advice)
        self.retry_after = retry_after
        self.policy = policy
        self.quota = quota
        self.window = window


class Unavailable(AuthsvcError):
    """A dependency did not answer in time. `what` names it, `retry_after` is in whole seconds."""

    def __init__(self, message: str, *, what: str, retry_after: int = 1, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.what = what
        self.retry_after = retry_after
