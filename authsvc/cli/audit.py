"""`authsvc audit`: what was written down."""

import json
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output
from .session import opened, options

if TYPE_CHECKING:
    from authsvc.audit.reader import Filter

app = typer.Typer(no_args_is_help=True, help="Records of tokens, sign-ins and changes.")

COLUMNS = ("time", "event", "outcome", "reason", "actor", "registry", "asked")


class EventName(StrEnum):
    """What a record is about."""

    TOKEN = "token"  # noqa: S105 - the name of an event, no secret
    LOGIN = "login"
    ADMIN = "admin"
    POLICY = "policy"
    KEY = "key"
    LIMIT = "limit"


class Ending(StrEnum):
    """How it ended."""

    GRANTED = "granted"
    REDUCED = "reduced"
    REFUSED = "refused"
    ERROR = "error"


OneEvent = Annotated[EventName | None, typer.Option("--event")]
OneEnding = Annotated[Ending | None, typer.Option("--outcome")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="2030-01-31T12:00:00Z, or 90m, 8h, 30d ago."),
]


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000)] = 50,
    event: OneEvent = None,
    outcome: OneEnding = None,
    since: Since = None,
) -> None:
    """Show the newest records, the newest last."""
    from authsvc.audit import reader

    with opened(context) as parts, parts.database.read() as session:
        wanted = _filter(event, outcome, since, parts.clock.now())
        found = reader.records(session, limit=limit, wanted=wanted)
    if options(context).json:
        output.table(context, found, COLUMNS)
    else:
        output.table(context, [_row(record) for record in found], COLUMNS)


@app.command()
def export(
    context: typer.Context,
    event: OneEvent = None,
    outcome: OneEnding = None,
    since: Since = None,
) -> None:
    """Print all records as JSON lines, the oldest first."""
    from authsvc.audit import reader

    with opened(context) as parts, parts.database.read() as session:
        wanted = _filter(event, outcome, since, parts.clock.now())
        for record in reader.export(session, wanted=wanted):
            sys.stdout.write(json.dumps(record, separators=(",", ":")) + "\n")


def _filter(
    event: EventName | None, outcome: Ending | None, since: str | None, now: float
) -> "Filter":
    from authsvc.audit.reader import Filter
    from authsvc.audit.records import Event, Outcome

    return Filter(
        event=None if event is None else Event(event),
        outcome=None if outcome is None else Outcome(outcome),
        since=None if since is None else _begin(since, now),
    )


def _begin(text: str, now: float) -> float:
    """The moment that --since means: a time, or a length back from now."""
    from authsvc.changes.when import length_of, parse_time
    from authsvc.errors import Invalid

    length = length_of(text)
    try:
        return now - length.total_seconds() if length else parse_time(text).timestamp()
    except (ValueError, OverflowError):
        raise Invalid(f"'{text}' is no time", advice="2030-01-31T12:00:00Z, or 90m, 8h") from None


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a line of a table."""
    actor = record["actor"] or {}
    name = ":".join(str(actor[key]) for key in ("kind", "source", "name") if actor.get(key))
    asked = record["asked"] or []
    texts = [each.get("entry", f"and {each.get('more')} more") for each in asked]
    return {**record, "actor": name, "asked": " ".join(texts) or _nouns(record)}


def _nouns(record: Mapping[str, Any]) -> str:
    """What a change was about: the nouns of its record."""
    held = record["after"] or record["before"]
    return ", ".join(held) if isinstance(held, Mapping) else ""
