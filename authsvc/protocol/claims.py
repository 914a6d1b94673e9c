"""The claims of a registry token (distribution docs: spec/auth/jwt), printed in two steps.

All but the times and the `jti` stays the same while a caller asks the same: it is printed once
and kept by whoever signs. Registries of all versions read the result: integers only, `aud` one
string, no null in `access`, base64url without padding.
"""

import binascii
import json
from collections.abc import Iterable
from typing import Any

from .access import Access

SKEW = 60  # seconds that `nbf` and `iat` lie before now: zot allows no difference of clocks

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def fixed_part(issuer: str, subject: str, audience: str, access: Iterable[Access]) -> bytes:
    """The JSON text of the claims, up to but without the times and the `jti`."""
    claims = {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "access": [_entry(one) for one in access],
    }
    return json.dumps(claims, separators=(",", ":"))[:-1].encode("ascii")


def payload(fixed: bytes, now: int, ttl: int, jti: str) -> bytes:
    """The whole claims as JSON. `now` and `ttl` are seconds.

    `jti` goes in as it is: the caller makes it of characters that JSON does not escape.
    """
    start = now - SKEW
    return b'%b,"exp":%d,"nbf":%d,"iat":%d,"jti":"%b"}' % (
        fixed,
        now + ttl,
        start,
        start,
        jti.encode("ascii"),
    )


def b64(data: bytes) -> bytes:
    """Base64url without padding (RFC 7515, section 2)."""
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=")


def _entry(access: Access) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": access.type,
        "name": access.name,
        "actions": sorted(access.actions),
    }
    if access.class_:
        entry["class"] = access.class_
    return entry
