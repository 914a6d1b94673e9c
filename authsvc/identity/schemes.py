"""Forms of stored password hashes: which may be verified, and at what cost at most.

Every hash passes `Schemes.fault` before anything is computed from it: its text must have the exact
form of its scheme and its cost must lie within bounds, since whoever writes a hash chooses how long
we work on it. A `CryptContext` made of the named schemes alone does the verifying; passlib's own
default context takes plaintext and DES, and answers unrecognised texts as plaintext.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from passlib.context import CryptContext
from passlib.registry import get_crypt_handler

_BCRYPT_TAKES = 72  # bytes; all that bcrypt looks at, and its makers cut silently
_BCRYPT_COSTS = range(4, 17)  # 2**16 rounds take 4 to 5 s; each step doubles that
_SHA_ROUNDS = range(1_000, 1_000_001)  # passlib writes 656,000; pure Python that holds the GIL
_SHA_ROUNDS_UNSAID = 5_000
_ARGON2_MEMORY = range(8, 262_145)  # KiB for one hash; RFC 9106 section 4 (2) takes 64 MiB
_ARGON2_WORK = 1_048_576  # KiB x passes: four passes over the largest memory
_ARGON2_LANES = range(1, 17)


@dataclass(frozen=True, slots=True)
class _Scheme:
    """`handler` is passlib's name; `cost` gives the parameters as text, or raises ValueError."""

    handler: str
    prefix: str
    form: re.Pattern[str]
    cost: Callable[[re.Match[str]], str]


def _bcrypt_cost(found: re.Match[str]) -> str:
    cost = int(found[1])
    if cost not in _BCRYPT_COSTS:
        raise ValueError(f"bcrypt cost {cost} is not within {_bounds(_BCRYPT_COSTS)}")
    return str(cost)


def _argon2_cost(found: re.Match[str]) -> str:
    memory, passes, lanes = (int(found[name]) for name in ("m", "t", "p"))
    if memory not in _ARGON2_MEMORY or lanes not in _ARGON2_LANES or memory < 8 * lanes:
        raise ValueError(f"argon2 m={memory},p={lanes} is out of bounds")
    if passes < 1 or memory * passes > _ARGON2_WORK:
        raise ValueError(f"argon2 m={memory},t={passes} is out of bounds")
    return f"m={memory},t={passes},p={lanes}"


def _sha_cost(found: re.Match[str]) -> str:
    rounds = int(found[1]) if found[1] else _SHA_ROUNDS_UNSAID
    if rounds not in _SHA_ROUNDS:
        raise ValueError(f"{rounds} rounds are not within {_bounds(_SHA_ROUNDS)}")
    return str(rounds)


def _fixed_cost(_found: re.Match[str]) -> str:
    return ""


def _bounds(allowed: range) -> str:
    return f"{allowed[0]}..{allowed[-1]}"


# The last character of a bcrypt salt and digest has unused bits, which must be zero: passlib
# would correct them with a warning and then compare with another text than the one stored.
_SCHEMES = {
    "bcrypt": _Scheme(
        "bcrypt",
        "$2",
        re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]"),
        _bcrypt_cost,
    ),
    "argon2": _Scheme(
        "argon2",
        "$argon2",
        re.compile(
            r"\$argon2(?:id|i)\$v=19\$m=(?P<m>\d{1,7}),t=(?P<t>\d{1,7}),p=(?P<p>\d{1,3})"
            r"\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}"
        ),
        _argon2_cost,
    ),
    "sha256_crypt": _Scheme(
        "sha256_crypt",
        "$5$",
        re.compile(r"\$5\$(?:rounds=([1-9]\d{3,8})\$)?[./A-Za-z0-9]{0,16}\$[./A-Za-z0-9]{43}"),
        _sha_cost,
    ),
    "sha512_crypt": _Scheme(
        "sha512_crypt",
        "$6$",
        re.compile(r"\$6\$(?:rounds=([1-9]\d{3,8})\$)?[./A-Za-z0-9]{0,16}\$[./A-Za-z0-9]{86}"),
        _sha_cost,
    ),
    "apr_md5": _Scheme(
        "apr_md5_crypt",
        "$apr1$",
        re.compile(r"\$apr1\$[./A-Za-z0-9]{0,8}\$[./A-Za-z0-9]{22}"),
        _fixed_cost,
    ),
    "sha1": _Scheme("ldap_sha1", "{SHA}", re.compile(r"\{SHA\}[A-Za-z0-9+/]{27}="), _fixed_cost),
}

ALL = tuple(_SCHEMES)


class Schemes:
    """The schemes that one source admits, by the names of the settings (contract section 2)."""

    def __init__(self, names: Iterable[str]) -> None:
        self._admitted = {name: _SCHEMES[name] for name in names}
        self.context = _context(self._admitted.values())

    def fault(self, stored: str) -> str | None:
        """Why this hash is not verified, without any part of it; None when it may be."""
        name = _name(stored)
        if name is None:
            return "no known password hash"
        if name not in self._admitted:
            return f"{name} is not among the schemes of this source"
        try:
            _parameters(name, stored)
        except ValueError as reason:
            return str(reason)
        return None

    def verify(self, stored: str, password: str) -> bool:
        """Whether `password` has this hash; never with an empty one (CVE-2013-2157).

        What cannot be verified is wrong, never an error.
        """
        if not password or self.fault(stored) is not None:
            return False
        try:
            secret = password.encode()
            return self.context.verify(_as_made(stored, secret), stored)
        except ValueError:  # a surrogate, a NUL, a size passlib refuses
            return False


def cost(stored: str) -> str | None:
    """Scheme and parameters: hashes of one cost take one time. None for an unusable hash."""
    name = _name(stored)
    try:
        return f"{name}:{_parameters(name, stored)}" if name else None
    except ValueError:
        return None


def _name(stored: str) -> str | None:
    return next((name for name, s in _SCHEMES.items() if stored.startswith(s.prefix)), None)


def _parameters(name: str, stored: str) -> str:
    scheme = _SCHEMES[name]
    found = scheme.form.fullmatch(stored)
    if found is None:
        raise ValueError(f"no well-formed {name} hash")
    return scheme.cost(found)


def _as_made(stored: str, secret: bytes) -> bytes:
    """The bytes that the hash's maker hashed: bcrypt elsewhere cuts, pyca's bcrypt raises."""
    return secret[:_BCRYPT_TAKES] if stored.startswith(_SCHEMES["bcrypt"].prefix) else secret


def _context(schemes: Iterable[_Scheme]) -> CryptContext:
    handlers = [scheme.handler for scheme in schemes]
    for name in handlers:
        # A backend is otherwise chosen at the first use, which two threads may make at once.
        choose = getattr(get_crypt_handler(name), "set_backend", None)
        if choose is not None:
            choose()
    return CryptContext(handlers)
