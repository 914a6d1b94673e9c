"""What a caller shows: nothing, a name with a password, a refresh token, or something unusable.

HTTP Basic (RFC 7617) is read strictly: one text has one meaning or none. What is in a secret
(a password, a PAT, a robot secret) is not decided here.
"""

import binascii
import re
from dataclasses import dataclass, field
from typing import Literal

MAX_USERNAME = 255  # characters
MAX_SECRET = 1_024  # characters of a password; nothing longer ever reaches a hash
MAX_HEADER = 8 * 1024  # bytes; more than any name and password within the bounds need

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")  # b64token of RFC 6750, 2.1

Reason = Literal[
    "scheme",  # no Basic
    "base64",  # not padded base64 of the standard alphabet, or not in canonical form
    "not_utf8",
    "no_colon",
    "control_character",
    "empty_user",  # a secret without a name: BuildKit shows refresh tokens like that
    "empty_password",
    "too_long",
]


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nothing was shown, or a Basic header with neither name nor password."""


@dataclass(frozen=True, slots=True)
class Password:
    """A name and what was shown for it, neither of them empty, both within bounds."""

    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token from a form, as it was sent; not empty."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A secret without a name, from an Authorization header of the admin API (RFC 6750, 2.1)."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something was shown that can be nobody's credentials. `reason` is a word for the record."""

    reason: Reason


Credentials = Anonymous | Password | RefreshToken | Bearer | Malformed


def from_api_authorization(value: bytes | None) -> Credentials:
    """As `from_authorization`, but Bearer (RFC 6750, 2.1) is a scheme as well: for the admin API.

    The token realm knows Basic alone.
    """
    scheme, _, token = (value or b"").strip(b" \t").partition(b" ")
    if scheme.lower() != b"bearer":
        return from_authorization(value)
    secret = token.strip(b" ")
    if len(secret) > MAX_SECRET:
        return Malformed("too_long")
    return Bearer(secret.decode("ascii")) if _TOKEN.fullmatch(secret) else Malformed("scheme")


def from_authorization(value: bytes | None) -> Credentials:
    """The credentials in an Authorization header; None when there was no such header."""
    if value is None:
        return Anonymous()
    if len(value) > MAX_HEADER:
        return Malformed("too_long")
    scheme, _, encoded = value.strip(b" \t").partition(b" ")
    if scheme.lower() != b"basic":
        return Malformed("scheme")
    decoded = _from_base64(encoded.lstrip(b" "))
    return Malformed("base64") if decoded is None else _from_pair_text(decoded)


def from_pair(username: str, secret: str) -> Password | Malformed:
    """The credentials in a name and a password, from a header or from a form."""
    if not username:
        return Malformed("empty_user")
    if not secret:
        return Malformed("empty_password")
    if len(username) > MAX_USERNAME or len(secret) > MAX_SECRET:
        return Malformed("too_long")
    if _has_control(username) or _has_control(secret):
        return Malformed("control_character")
    return Password(username, secret)


def _has_control(text: str) -> bool:
    return not text.isprintable() and _CONTROL.search(text) is not None


def _from_pair_text(decoded: bytes) -> Credentials:
    """The credentials in `name:password`; the first colon divides, a password may hold more."""
    if decoded == b":":
        return Anonymous()
    username, colon, secret = decoded.partition(b":")
    if not colon:
        return Malformed("no_colon")
    try:
        return from_pair(username.decode(), secret.decode())
    except UnicodeDecodeError:
        return Malformed("not_utf8")


def _from_base64(encoded: bytes) -> bytes | None:
    """The decoded bytes, when `encoded` is the one canonical form of them."""
    try:
        decoded = binascii.a2b_base64(encoded, strict_mode=True)
    except binascii.Error:
        return None
    # The decoder does not look at the unused bits of the last character, which padding brings.
    if not encoded.endswith(b"=") or binascii.b2a_base64(decoded, newline=False) == encoded:
        return decoded
    return None
