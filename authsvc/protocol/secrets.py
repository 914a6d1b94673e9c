"""Secrets that the service mints: `asv_<kind>_<30 base62 characters><6 of their checksum>`.

The prefix lets scanners find a leaked one, and the checksum (CRC-32 of all that precedes it)
lets us tell one from a password without a look-up. 178 random bits are too many to guess, so a
plain SHA-256 is all that is stored (contract section 6).
"""

import hashlib
import re
import zlib
from collections.abc import Callable
from typing import Literal, cast

Kind = Literal["pat", "rob", "ref"]  # personal access token, robot secret, refresh token

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM = 30  # characters
_CHECKSUM = 6  # characters; 62 ** 6 is more than 2 ** 32
_DRAWN = 48  # bytes; so many more than 30 characters need that their remainder has no bias
_FORM = re.compile(r"asv_(pat|rob|ref)_[0-9A-Za-z]{36}")
_LIKE = re.compile(r"\s*asv_(?:pat|rob|ref)_\S{30,42}\s*", re.ASCII | re.IGNORECASE)


def mint(kind: Kind, random: Callable[[int], bytes]) -> str:
    """A new secret. `random` gives that many bytes of a cryptographic source."""
    number = int.from_bytes(random(_DRAWN), "big") % len(_ALPHABET) ** _RANDOM
    text = f"asv_{kind}_{_base62(number, _RANDOM)}"
    return text + _checksum(text)


def kind_of(text: str) -> Kind | None:
    """The kind of secret that this is, by form and checksum; None when it is none of ours."""
    found = _FORM.fullmatch(text)
    if found is None or _checksum(text[:-_CHECKSUM]) != text[-_CHECKSUM:]:
        return None
    return cast("Kind", found[1])


def resembles(text: str) -> bool:
    """Whether this is one of ours, or was before it was cut, folded or mistyped.

    What resembles one is nobody's password: it is shown to no source of passwords.
    """
    return _LIKE.fullmatch(text) is not None


def digest(secret: str) -> bytes:
    """What is stored of a secret that `kind_of` knows: its SHA-256."""
    return hashlib.sha256(secret.encode()).digest()


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM)


def _base62(number: int, length: int) -> str:
    """A number in `length` characters, the most significant first."""
    characters = []
    for _ in range(length):
        number, rest = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[rest])
    return "".join(reversed(characters))
