"""Entity tags, and the conditions that requests set by them (RFC 9110, sections 8.8 and 13)."""

import hashlib
import json
import re
from typing import Any

from authsvc.errors import Invalid, Stale, Unconditional

USE = "last_used_at"
_TAG = re.compile(r'\s*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


def etag(item: dict[str, Any]) -> str:
    """The strong entity tag of an item: equal for equal items, and only for those.

    When something was last used does not count: what a busy machine uses could never be changed.
    """
    text = json.dumps(_without_use(item), sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def require(if_match: str | None) -> None:
    """Raise Unconditional for a change without If-Match: it could undo another's unseen."""
    if if_match is None:
        raise Unconditional(
            "a change must say which state it was made for",
            advice="send If-Match with the ETag of the item as you read it",
        )


def check(if_match: str | None, item: dict[str, Any]) -> None:
    """Raise Stale unless the item is as If-Match says, Invalid when that does not parse.

    Called within the transaction of the change. A weak tag never matches (RFC 9110, 13.1.1).
    """
    if if_match is None or if_match.strip() == "*":
        return
    if etag(item) not in _tags(if_match):
        raise Stale("the item has changed since you read it", advice="read it again")


def _without_use(value: Any) -> Any:
    """A value without its members `last_used_at`, at any depth."""
    if isinstance(value, dict):
        return {k: _without_use(v) for k, v in value.items() if k != USE}
    return [_without_use(each) for each in value] if isinstance(value, list) else value


def _tags(header: str) -> list[str]:
    tags, place = [], 0
    while place < len(header):
        match = _TAG.match(header, place)
        if match is None:
            raise Invalid("If-Match holds no entity tags", advice='send If-Match: "TAG"')
        tags.append(match[1])
        place = match.end()
    return tags
