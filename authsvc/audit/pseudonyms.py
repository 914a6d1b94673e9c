"""What stands in records for a name of which no account exists (contract section 7)."""

import hashlib
import hmac
from collections.abc import Callable


def pseudonyms(secret: bytes) -> Callable[[str], str]:
    """The first 12 hex digits of a name's HMAC-SHA-256 under `secret`, by the name.

    People type passwords into the field of the name.
    """

    def pseudonym(name: str) -> str:
        return hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()[:12]

    return pseudonym
