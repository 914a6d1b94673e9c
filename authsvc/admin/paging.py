"""Pages of lists: how many, from where, and the sealed cursor that leads to the next one."""

import base64
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authsvc.errors import Invalid

DEFAULT = 50
LARGEST = 500
LONGEST = 255  # characters of a filter

_NONCE = 12  # bytes


@dataclass(frozen=True, slots=True)
class Page:
    """What part of a list is asked for; `after` is the key of the last item seen, None: none."""

    limit: int
    after: Any
    filters: Mapping[str, str]


class Cursors:
    """Makes and reads cursors. One is good for its own list with the same filters alone.

    Nobody but the service can read one either: where a page ends may be at an item that its
    reader does not see.
    """

    def __init__(self, secret: bytes) -> None:
        self._box = AESGCM(hmac.digest(secret, b"sealed cursors of lists", "sha256"))

    def page(self, name: str, query: Sequence[tuple[str, str]], known: frozenset[str]) -> Page:
        """The page that a query asks for. Raises Invalid for what is unknown, twice or wrong."""
        given = dict(query)
        if len(given) != len(query):
            raise Invalid("a parameter stands there twice")
        unknown = given.keys() - known - {"limit", "cursor"}
        if unknown:
            raise Invalid(f"unknown parameter '{min(unknown)[:40]}'", advice=_known(known))
        filters = {key: given[key] for key in sorted(known & given.keys()) if given[key]}
        if any(len(value) > LONGEST for value in filters.values()):
            raise Invalid(f"a filter has {LONGEST} characters at most")
        if any("\0" in value for value in filters.values()):
            raise Invalid("a filter holds U+0000, which nothing here holds")
        cursor = given.get("cursor")
        after = None if cursor is None else self._read(cursor, name, filters)
        return Page(_limit(given.get("limit")), after, filters)

    def link(self, path: str, name: str, page: Page, last: Any) -> str:
        """The Link header to the page behind the item whose key is `last` (RFC 8288)."""
        cursor = self._write(last, name, page.filters)
        query = urlencode({**page.filters, "limit": page.limit, "cursor": cursor})
        return f'<{path}?{query}>; rel="next"'

    def _write(self, last: Any, name: str, filters: Mapping[str, str]) -> str:
        nonce = os.urandom(_NONCE)
        sealed = self._box.encrypt(nonce, json.dumps(last).encode(), _about(name, filters))
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def _read(self, cursor: str, name: str, filters: Mapping[str, str]) -> Any:
        try:
            data = base64.b64decode(
                cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
            body = self._box.decrypt(data[:_NONCE], data[_NONCE:], _about(name, filters))
        except (ValueError, InvalidTag):
            raise Invalid(
                "this cursor is not of this list", advice="follow the Link header as it was given"
            ) from None
        return json.loads(body)


def _about(name: str, filters: Mapping[str, str]) -> bytes:
    return json.dumps([name, sorted(filters.items())]).encode()


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LARGEST):
        raise Invalid(f"limit is a number from 1 to {LARGEST}")
    return int(text)


def _known(known: frozenset[str]) -> str:
    return "known are " + ", ".join(sorted(known | {"limit", "cursor"}))
