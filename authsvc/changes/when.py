"""When something ends: RFC 3339 with a zone, or a length from now (contract section 3, WHEN)."""

import re
from datetime import UTC, datetime, timedelta

from authsvc.errors import Invalid

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_LENGTH = re.compile(r"([1-9]\d{0,8})([smhd])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ADVICE = "write a time with its zone (2030-01-31T12:00:00Z) or a length from now (90m, 8h, 30d)"


def parse_when(text: str, now: datetime) -> datetime:
    """The moment that `text` names, in UTC and after `now`; raises `Invalid`."""
    length = length_of(text)
    try:
        end = now + length if length else parse_time(text)
    except (ValueError, OverflowError):
        raise Invalid(f"'{text[:40]}' is no time", advice=_ADVICE) from None
    if end <= now:
        raise Invalid(f"'{text[:40]}' is in the past", advice="name a time to come")
    return end


def length_of(text: str) -> timedelta | None:
    """The length that `text` is, such as 90m, or None when it is no length."""
    match = _LENGTH.fullmatch(text)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]]) if match else None


def parse_time(text: str) -> datetime:
    """An RFC 3339 time with its zone, in UTC; raises `ValueError`."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("this is no RFC 3339 time with a zone, such as 2030-01-31T12:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError("this time lies outside the years 1 to 9999") from None


def print_time(moment: datetime | None) -> str | None:
    """A stored time as items show it: RFC 3339 in UTC, with fractions only where there are any."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
