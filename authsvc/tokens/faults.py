"""Why a request gets no token: the realm's own errors, and the words that records use for all."""

from authsvc.access.model import Registry
from authsvc.audit.records import Outcome
from authsvc.errors import AuthsvcError, Limited, TooLarge, Unauthenticated, Unavailable
from authsvc.protocol.oauth2 import OAuthInvalid


class UnknownService(OAuthInvalid):
    """No enabled registry has this name; a token for it would be trusted by somebody else."""


class BadRefreshToken(OAuthInvalid):
    """A refresh token in a form that nobody may use: 400, where a bad password is 401."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "the refresh token is not valid here", error="invalid_grant", advice="sign in again"
        )
        self.reason = reason


def served(registry: Registry | None) -> Registry:
    """The registry, when tokens are made for it. Raises UnknownService."""
    if registry is None or not registry.enabled:
        raise UnknownService(
            "this service is not served here",
            advice="ask the operator to add the registry under exactly this name",
        )
    return registry


_WORDS: dict[type[AuthsvcError], str] = {
    Unavailable: "unavailable",
    Limited: "limited",
    UnknownService: "unknown_service",
    TooLarge: "too_large",
}


def reason_of(error: AuthsvcError) -> str:
    """The word that records and metrics use for an error; a closed set."""
    if isinstance(error, Unauthenticated | BadRefreshToken):
        return error.reason
    word = next((word for kind, word in _WORDS.items() if isinstance(error, kind)), None)
    if word is None and isinstance(error, OAuthInvalid):
        return error.error
    return word or "invalid_request"


def outcome_of(error: AuthsvcError) -> Outcome:
    """Refused, or an error of ours."""
    return Outcome.ERROR if isinstance(error, Unavailable) else Outcome.REFUSED
