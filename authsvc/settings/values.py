"""The kinds of value that settings have, each parsed once: lengths, sizes, limits, networks, URLs.

Every parser raises ValueError with a text that says what would be right.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

Network = IPv4Network | IPv6Network

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES: dict[str, int] = {
    unit: base**power
    for base, units in ((1000, ("B", "KB", "MB", "GB", "TB")), (1024, ("KiB", "MiB", "GiB", "TiB")))
    for power, unit in enumerate(units, start=0 if base == 1000 else 1)
}
_LIMIT = re.compile(r"[1-9][0-9]{0,8}/(?:[1-9][0-9]{0,4})?(?:second|minute|hour|day)s?")


def duration(value: object) -> int:
    """`90d`, `12h`, `5m`, `30s` in seconds."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError('must be a length of time such as "30s", "5m", "12h" or "90d"')
    return int(found[1]) * _SECONDS[found[2]]


def size(value: object) -> int | None:
    """`200GB` in bytes; empty is None."""
    if value == "":
        return None
    found = (
        re.fullmatch(r"([1-9][0-9]{0,11}) ?([A-Za-z]{1,3})", value)
        if isinstance(value, str)
        else None
    )
    if found is None or found[2] not in _BYTES:
        raise ValueError('must be a size such as "500MB", "200GB" or "1TiB", or empty')
    return int(found[1]) * _BYTES[found[2]]


def limit(value: str) -> str:
    """`10/5minutes`, `100/hour`; empty is off."""
    if value and not _LIMIT.fullmatch(value):
        raise ValueError('must be a limit such as "10/5minutes" or "100/hour", or empty for off')
    return value


def network(value: object) -> Network:
    """An address or a network in CIDR notation, without host bits."""
    if not isinstance(value, str):
        raise ValueError('must be a network in quotes, such as "10.0.0.0/8"')  # noqa: TRY004 - pydantic turns ValueError alone into a fault
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError(_network_advice(value)) from None


def _network_advice(value: str) -> str:
    try:
        meant = ip_network(value, strict=False)
    except ValueError:
        return 'must be an address or a network such as "10.0.0.0/8" or "fd00::/8"'
    return f'has bits set behind its mask; write "{meant}"'


def web_url(value: str) -> str:
    """An absolute http or https URL without credentials, query and fragment; no `/` at its end."""
    parts = split_url(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError('must be an absolute URL such as "https://auth.example.com"')
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError("must have neither query nor fragment: clients append their own query")
    if parts.username is not None:
        raise ValueError("must not hold credentials")
    return value.rstrip("/")


def url_of(*schemes: str) -> AfterValidator:
    """A validator for a URL with a host and one of `schemes`."""

    def check(value: str) -> str:
        parts = split_url(value)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"must be a URL that starts with {_either(schemes)}")
        return value

    return AfterValidator(check)


def split_url(value: str) -> SplitResult:
    """The parts of a URL; a port out of range, blanks and control characters are faults."""
    if re.search(r"[\x00-\x20\x7f]", value):
        raise ValueError("must not hold blanks or control characters")
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL: its host or port does not parse") from None
    return parts


def _either(schemes: Sequence[str]) -> str:
    return " or ".join(f"{scheme}://" for scheme in schemes)


def redis_url(value: SecretStr) -> SecretStr:
    """Empty (none), or the URL of a Redis or Valkey."""
    text = value.get_secret_value()
    if not text:
        return value
    parts = split_url(text)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must start with redis://, rediss:// or unix://, or be empty")
    if parts.scheme != "unix" and not re.fullmatch(r"(?:/[0-9]{0,6})?", parts.path):
        raise ValueError("must end in the number of a database, as in redis://localhost:6379/0")
    if not _is_understood(text):
        raise ValueError("has an option that is not understood")
    return value


def _is_understood(url: str) -> bool:
    """Whether a connection, which connects to nothing yet, takes what a URL says."""
    import redis.asyncio  # noqa: PLC0415 - who has no Redis does without it

    try:
        for pool in (redis.ConnectionPool, redis.asyncio.ConnectionPool):
            pool.from_url(url).make_connection()
    except (TypeError, ValueError, AttributeError, redis.RedisError):
        return False
    return True


def database_url(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """A SQLite file (made absolute) or a PostgreSQL reached by psycopg 3."""
    text = value.get_secret_value()
    if text.startswith("sqlite:"):
        return SecretStr(_sqlite_url(text, info))
    parts = split_url(text)
    if parts.scheme in {"postgres", "postgresql"}:
        raise ValueError("must start with postgresql+psycopg:// (the driver is part of the name)")
    if parts.scheme != "postgresql+psycopg":
        raise ValueError("must start with sqlite:/// or postgresql+psycopg://")
    if not parts.path.strip("/"):
        raise ValueError("names no database: postgresql+psycopg://user@host/DATABASE")
    return value


def _sqlite_url(text: str, info: ValidationInfo) -> str:
    path = text.removeprefix("sqlite:///") if text.startswith("sqlite:///") else ""
    if not path or path == ":memory:" or "?" in path:
        raise ValueError("must name a file: sqlite:///data/authsvc.db, or sqlite:////var/lib/... ")
    return f"sqlite:///{anchored(Path(path), info)}"


def anchored(path: Path, info: ValidationInfo) -> Path:
    """`path` from the folder that the loading context names, when it is relative."""
    base: Path | None = (info.context or {}).get("base")
    return base / path if base is not None else path


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _not_empty(value: Any) -> Any:
    if value in ("", None):
        raise ValueError("must not be empty")
    return value


def _maybe_anchored(path: Path | None, info: ValidationInfo) -> Path | None:
    return None if path is None else anchored(path, info)


Duration = Annotated[int, BeforeValidator(duration)]
Size = Annotated[int | None, BeforeValidator(size)]
Limit = Annotated[str, AfterValidator(limit)]
Networks = tuple[Annotated[Network, BeforeValidator(network)], ...]
FilePath = Annotated[Path, BeforeValidator(_not_empty), AfterValidator(anchored)]
OptionalPath = Annotated[
    Path | None, BeforeValidator(_empty_is_none), AfterValidator(_maybe_anchored)
]
WebUrl = Annotated[str, AfterValidator(web_url)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(database_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(redis_url)]
Text = Annotated[str, Field(min_length=1, max_length=1024)]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
