"""Distinguished names (RFC 4514), and which one of several values an entry is called by."""

import re

from authsvc.identity.ldap.entries import Entry

# Each character can be read in one way only, so the time to match is linear in the text.
_PART = re.compile(
    r"\s*([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)\s*=\s*((?:[^\\,+;\"]|\\.)*)([,+]|\Z)",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)

Rdn = tuple[tuple[str, str], ...]
"""(attribute in small letters, value) pairs; more than one where the name has a `+`."""


def parse_dn(text: str) -> tuple[Rdn, ...]:
    """The parts of a distinguished name, its own first. Raises ValueError."""
    rdns: list[Rdn] = []
    pairs: list[tuple[str, str]] = []
    at, more = 0, bool(text)
    while more:
        part = _PART.match(text, at)
        if part is None:
            raise ValueError("not a distinguished name")
        pairs.append((part[1].lower(), _value(part[2])))
        at, more = part.end(), part[3] != ""
        if part[3] != "+":
            rdns.append(tuple(pairs))
            pairs = []
    return tuple(rdns)


def is_below(dn: str, base: str) -> bool:
    """Whether `dn` is `base` or below it. Raises ValueError."""
    inner, outer = (list(map(_folded, parse_dn(text))) for text in (dn, base))
    return inner[-len(outer) :] == outer if outer else True


def name_of(entry: Entry, attribute: str) -> str | None:
    """The value of `attribute` that an entry goes by; None when it has none that is certain.

    Of several, it is the one in its distinguished name: who may add values to an entry, their own
    perhaps, must not be able to pass for another.
    """
    values = entry.texts(attribute)
    if len(values) == 1 and len(entry.octets(attribute)) == 1:
        return values[0]
    try:
        own = dict(parse_dn(entry.dn)[0])
    except (ValueError, IndexError):
        return None
    return own.get(attribute.lower())


def _folded(rdn: Rdn) -> frozenset[tuple[str, str]]:
    return frozenset((attribute, value.casefold()) for attribute, value in rdn)


def _value(text: str) -> str:
    if text.startswith("#"):
        raise ValueError("a value in hexadecimal BER")
    return _ESCAPED.sub(_unescaped, text.encode()).decode()


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found[1].decode()) if len(found[1]) == 2 else found[1]
