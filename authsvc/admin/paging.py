"""Pages of lists: how many, from where, and the signed cursor that leads to the next one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from authsvc.errors import Invalid

DEFAULT = 50
LARGEST = 500
LONGEST = 255  # characters of a filter

_MAC = 16  # bytes


@dataclass(frozen=True, slots=True)
class Page:
    """What part of a list is asked for; `after` is the key of the last item seen, None: none."""

    limit: int
    after: Any
    filters: Mapping[str, str]


class Cursors:
    """Signs and reads cursors. One is good for its own list with the same filters alone."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"cursors of lists", "sha256")

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
        body = json.dumps(last).encode()
        return base64.urlsafe_b64encode(self._mac(body, name, filters) + body).decode().rstrip("=")

    def _read(self, cursor: str, name: str, filters: Mapping[str, str]) -> Any:
        try:
            data = base64.b64decode(
                cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
        except ValueError:
            data = b""
        mac, body = data[:_MAC], data[_MAC:]
        if not hmac.compare_digest(mac, self._mac(body, name, filters)):
            raise Invalid(
                "this cursor is not of this list", advice="follow the Link header as it was given"
            )
        return json.loads(body)

    def _mac(self, body: bytes, name: str, filters: Mapping[str, str]) -> bytes:
        about = json.dumps([name, sorted(filters.items())]).encode()
        return hmac.digest(self._key, hashlib.sha256(about).digest() + body, "sha256")[:_MAC]


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LARGEST):
        raise Invalid(f"limit is a number from 1 to {LARGEST}")
    return int(text)


def _known(known: frozenset[str]) -> str:
    return "known are " + ", ".join(sorted(known | {"limit", "cursor"}))
