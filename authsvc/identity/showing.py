"""How secrets are shown: with a name, as passwords are, or without one. Pure."""

from typing import Final

from authsvc.protocol.credentials import Bearer, Password, RefreshToken
from authsvc.protocol.names import ROBOT_PREFIX
from authsvc.protocol.secrets import kind_of, resembles

_BEARER, _REFRESH_TOKEN = "\0bearer", "\0refresh_token"
"""Stand for the name where there is none: no name holds a NUL."""
_KINDS: Final = {_BEARER: ("pat", "rob"), _REFRESH_TOKEN: ("ref",)}
_WITH_A_NAME: Final = ("pat", "rob")
"""A refresh token is none: BuildKit shows one like that, wants a 401 and then sends the form."""


def as_pair(credentials: Password | RefreshToken | Bearer) -> Password:
    """A name and a secret, also where a secret was shown without a name."""
    match credentials:
        case Password():
            return credentials
        case RefreshToken(secret):
            return Password(_REFRESH_TOKEN, secret)
        case Bearer(secret):
            return Password(_BEARER, secret)


def named(pair: Password) -> str | None:
    """The name that was shown, None when there was none."""
    return None if pair.username in _KINDS else pair.username


def is_minted(pair: Password) -> bool:
    """Whether this can be nothing but a secret of ours: then no source of passwords sees it."""
    return (
        pair.username in _KINDS or pair.username.startswith(ROBOT_PREFIX) or resembles(pair.secret)
    )


def may_be(pair: Password) -> bool:
    """Whether it is worth a look-up: by its checksum, and of a kind that is shown like this."""
    kind = kind_of(pair.secret)
    return kind is not None and kind in _KINDS.get(pair.username, _WITH_A_NAME)
