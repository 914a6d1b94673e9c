"""The option --expires, alike for all that may have an end."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from authsvc.assembly.offline import Offline

Expires = Annotated[
    str | None,
    typer.Option(
        "--expires",
        metavar="WHEN",
        help="Its end: 2030-01-31T12:00:00Z, or 90m, 8h, 30d; else none.",
    ),
]


def end_of(expires: str | None, parts: Offline) -> datetime | None:
    """The time that --expires names, None without it; raises `Invalid`."""
    from authsvc.changes.when import parse_when
    from authsvc.clock import utc

    return None if expires is None else parse_when(expires, utc(parts.clock.now()))
