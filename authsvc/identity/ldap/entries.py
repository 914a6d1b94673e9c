"""What a directory holds, and how it is asked: entries, requests, texts in filters."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_@")


def escape(value: str | bytes) -> str:
    r"""A value as it stands in a filter, every octet but the plainest as `\xx` (RFC 4515, 3).

    That is more than must be escaped: ldap3 strips blanks around what is not.
    Raises UnicodeEncodeError: a lone surrogate.
    """
    octets = value.encode() if isinstance(value, str) else value
    return "".join(chr(octet) if octet in _PLAIN else f"\\{octet:02x}" for octet in octets)


@dataclass(frozen=True, slots=True)
class Request:
    """A search below `base`. With `limit` at most so many entries, else all of them, by pages."""

    base: str
    filter: str
    attributes: tuple[str, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as found, by the names of attributes in small letters.

    What has an option (`cn;lang-de`) is another attribute and never taken for the plain one.
    """

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)

    def octets(self, attribute: str) -> tuple[bytes, ...]:
        return self.attributes.get(attribute.lower(), ())

    def texts(self, attribute: str) -> tuple[str, ...]:
        """The values that are UTF-8 and not empty."""
        return tuple(text for value in self.octets(attribute) if (text := _text(value)))


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return ""
