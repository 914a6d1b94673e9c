"""Bodies of requests: JSON objects, read strictly, and nothing else.

A duplicate member, NaN, a lone surrogate or a nesting deeper than anything here has would be read
in different ways by different programs, so each is refused.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect

from authsvc.errors import BodyTooLarge, Invalid
from authsvc.protocol.oauth2 import UnsupportedBody

MAX_BODY = 16 << 10  # bytes; a grant has 4 KiB at most
MAX_GROUP = 1 << 20  # bytes of a group with its members
MAX_POLICY = 7 << 20  # bytes of a policy document: below what the server takes of any body
MAX_DEPTH = 16
MAX_MEMBERS = 64  # of the object itself; nothing has a quarter of it
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # U+0000, which PostgreSQL takes in no text
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# Texts, one without an end too, so that each character is looked at once (RFC 8259, section 7).
_BESIDE_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[^"\[\]{}]++', re.DOTALL)


async def read(chunks: AsyncIterator[bytes], most: int) -> bytes:
    """A body of at most `most` bytes; what is beyond is not waited for.

    Raises BodyTooLarge, and Invalid when the client hangs up or is cut off before the end.
    """
    body = bytearray()
    try:
        async for chunk in chunks:
            body += chunk
            if len(body) > most:
                raise BodyTooLarge(f"the body is longer than {most >> 10} KiB")
    except ClientDisconnect:
        raise Invalid("the body ended before it was whole") from None
    return bytes(body)


def parsed(content_type: str | None, encoding: str | None, body: bytes) -> dict[str, Any]:
    """The JSON object of a body; no body at all is an empty one.

    Raises UnsupportedBody for what is no JSON by its headers, an empty body too: a form of
    another site's page could send one. Raises Invalid for what is no JSON object.
    """
    kind = None if content_type is None else content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and (body or kind is not None):
        raise UnsupportedBody("send the body as Content-Type: application/json")
    if encoding:
        raise UnsupportedBody("send the body as it is, not compressed")
    value = _value(body) if body else {}
    if not isinstance(value, dict):
        raise Invalid("the body must be a JSON object", faults=[("", "this is no object")])
    if len(value) > MAX_MEMBERS:
        raise Invalid(f"the object has more than {MAX_MEMBERS} members")
    return value


def _value(body: bytes) -> Any:
    if _depth(body) > MAX_DEPTH:
        raise Invalid("the body is nested too deeply")
    if _NUL.search(body):
        raise Invalid("a text of the body holds U+0000, which no text here may hold")
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_refuse
        )
        if _SURROGATE.search(body):
            _encode(value)  # a lone one fails here
    except UnicodeError:
        raise Invalid("the body is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the body is no JSON: {_said(error)}") from None
    return value


def _encode(value: object) -> None:
    """Encode all texts; raises UnicodeError. One by one, so that other threads have their turn."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            one.encode("utf-8")
        elif isinstance(one, dict):
            waiting += (*one, *one.values())
        elif isinstance(one, list):
            waiting += one


def _depth(body: bytes) -> int:
    """How deeply brackets nest, MAX_DEPTH and one at most; those in texts are no brackets."""
    depth = deepest = 0
    for bracket in _BESIDE_BRACKETS.sub(b"", body):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > MAX_DEPTH:
            break
    return deepest


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands there twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _said(error: Exception) -> str:
    """What is wrong, without a text of the body."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return str(error)[:80]
