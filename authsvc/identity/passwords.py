"""Passwords of local people: how they are hashed, and which new ones are taken."""

import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher, Type
from argon2.exceptions import (
    HashingError,
    InvalidHashError,
    VerificationError,
    VerifyMismatchError,
)

from authsvc.errors import Invalid, Unavailable
from authsvc.identity.schemes import ALL, Schemes

MEMORY_COST = 19_456  # KiB = 19 MiB: OWASP Password Storage Cheat Sheet, argon2id, m with t=2
TIME_COST = 2  # passes over that memory
PARALLELISM = 1  # lanes: one core for one hash
SALT_LENGTH = 16  # bytes, RFC 9106 section 3.1
HASH_LENGTH = 32  # bytes

SHORTEST, LONGEST = 15, 1_024  # characters (code points), NIST SP 800-63B-4 section 3.1.1.2

_ARGON2ID = PasswordHasher(
    time_cost=TIME_COST,
    memory_cost=MEMORY_COST,
    parallelism=PARALLELISM,
    hash_len=HASH_LENGTH,
    salt_len=SALT_LENGTH,
    type=Type.ID,
)
_SCHEMES = Schemes(ALL)  # an import may have brought any of them; the next login renews it


def hash_password(password: str) -> str:
    """The argon2id hash to store. Takes 19 MiB and some 30 ms: not on the event loop.

    Raises:
        Unavailable: the memory for it could not be had.

    """
    try:
        return _ARGON2ID.hash(password)
    except HashingError as reason:
        raise Unavailable("a password could not be hashed", what="passwords") from reason


def verify(stored: str, password: str) -> bool:
    """Whether `password` has the hash `stored`; an unusable hash is nobody's password.

    Raises:
        Unavailable: the memory for it could not be had.

    """
    if not stored.startswith("$argon2id$") or _SCHEMES.fault(stored) is not None:
        return _SCHEMES.verify(stored, password)
    try:
        return bool(password) and _ARGON2ID.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError, UnicodeEncodeError):
        return False
    except VerificationError as reason:
        raise Unavailable("a password could not be hashed", what="passwords") from reason


def needs_rehash(stored: str) -> bool:
    """Whether `stored` was made by another scheme or with other parameters than today's."""
    try:
        return _ARGON2ID.check_needs_rehash(stored)
    except InvalidHashError:
        return True


def check_new_password(password: str, username: str, services: Iterable[str] = ()) -> None:
    """Refuse a new password that contract section 6 does not allow.

    `services` are the names of the registries. Only the whole password is compared, case-folded;
    it is neither trimmed nor normalised.

    Raises:
        Invalid: too short, too long, with a control character, or one that is tried first.

    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(f"a password has {SHORTEST} to {LONGEST} characters, not {len(password)}")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in password):
        raise Invalid("a password holds no control characters")
    folded = password.casefold()
    if folded == username.casefold() or folded in {service.casefold() for service in services}:
        raise Invalid("a password is not the user's or a registry's name")
    if folded in _blocklist():
        raise Invalid("this password is among those that are tried first", advice="choose another")


@cache
def _blocklist() -> frozenset[str]:
    lines = files(__package__).joinpath("blocklist.txt").read_text("utf-8").splitlines()
    return frozenset(line.casefold() for line in lines if line != "#" and line[:2] != "# ")
