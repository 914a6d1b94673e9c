"""The bytes of a policy file as text that every reader takes for the same text. Pure.

UTF-8 alone. Characters that YAML does not admit are refused, and so are those that end a line for
a YAML reader but for no editor and no review: what looks like the end of a text would be a member.
"""

import json
import re
from typing import TypeAlias

Place: TypeAlias = tuple[int, int]

_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")  # byte order marks of UTF-16 and UTF-32
_FOREIGN = (
    "[^\\t\\n\\r\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
)
_REFUSED = re.compile(_FOREIGN + r"|\r(?!\n)")
_PAIR = r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
_IN_PAIRS = re.compile(_PAIR)
_OF_JSON = re.compile(rf"{_PAIR}|\\.|{_FOREIGN}")


class Unreadable(Exception):
    """Reading ends here; it never leaves the package. `at` is the line and column, from 1."""

    def __init__(self, at: Place, text: str) -> None:
        super().__init__(text)
        self.at = at


def text_of(data: bytes) -> str:
    """The text in `data`; raises `Unreadable`."""
    text = _decoded(data)
    if (_REFUSED.search(text) or _IN_PAIRS.search(text)) and _is_json(text):
        text = _OF_JSON.sub(_as_yaml_has_it, text)
    found = _REFUSED.search(text)
    if found:
        said = f"U+{ord(found[0]):04X} does not stand in a file as it is: write it as an escape"
        raise Unreadable(_place(text, found.start()), said)
    return text


def _decoded(data: bytes) -> str:
    if data.startswith(_WIDE) or b"\0" in data[:4]:
        raise Unreadable((1, 1), "this is UTF-16 or UTF-32: save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        said = f"this is not UTF-8 (byte 0x{data[error.start]:02x}): save it as UTF-8"
        raise Unreadable(_place(before, len(before)), said) from None


def _place(text: str, offset: int) -> Place:
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, line_start) + 1, offset - line_start + 1


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _as_yaml_has_it(found: re.Match[str]) -> str:
    """What JSON admits in a text and YAML does not, as an escape that YAML knows.

    JSON writes a character beyond U+FFFF as two escapes (RFC 8259 section 7), and U+007F as it is.
    """
    if found[1]:
        high, low = int(found[1], 16), int(found[2], 16)
        return f"\\U{0x10000 + ((high - 0xD800) << 10) + low - 0xDC00:08x}"
    return found[0] if found[0].startswith("\\") else f"\\u{ord(found[0]):04x}"
