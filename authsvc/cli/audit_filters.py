"""The options by which `audit list` and `audit export` choose records."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from authsvc.assembly.offline import Offline
    from authsvc.audit.filters import Filter


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


_WHEN = "2030-01-31T12:00:00Z, or 90m, 8h, 30d ago"
OneEvent = Annotated[EventName | None, typer.Option("--event")]
OneEnding = Annotated[Ending | None, typer.Option("--outcome")]
Since = Annotated[str | None, typer.Option("--since", metavar="WHEN", help=f"{_WHEN}.")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help=f"{_WHEN}; itself not included.")
]
Whose = Annotated[
    str | None,
    typer.Option(
        "--who",
        metavar="NAME",
        help="NAME of any source, SOURCE:NAME, robot:NAME, anonymous, or a name as it was claimed.",
    ),
]
About = Annotated[
    str | None,
    typer.Option("--what", metavar="PATH", help="A repository or path, and all below it."),
]
Registry = Annotated[str | None, typer.Option("--registry", metavar="NAME")]
Address = Annotated[str | None, typer.Option("--address", metavar="ADDR", help="Of the client.")]
Decision = Annotated[
    str | None, typer.Option("--decision", metavar="ID", help="The `jti` of a token.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The options as they were given."""

    event: EventName | None = None
    outcome: Ending | None = None
    since: str | None = None
    until: str | None = None
    who: str | None = None
    what: str | None = None
    registry: str | None = None
    address: str | None = None
    decision: str | None = None

    def filter(self, parts: "Offline") -> "Filter":
        """What they mean together; raises Invalid for what does not parse."""
        from authsvc.audit import filters
        from authsvc.audit.pseudonyms import pseudonyms
        from authsvc.audit.records import Event, Outcome

        now = parts.clock.now()
        return filters.Filter(
            event=None if self.event is None else Event(self.event),
            outcome=None if self.outcome is None else Outcome(self.outcome),
            since=None if self.since is None else _moment(self.since, now),
            until=None if self.until is None else _moment(self.until, now),
            who=None
            if self.who is None
            else filters.who(self.who, pseudonyms(parts.keys.secret())),
            what=None if self.what is None else filters.what(self.what),
            registry=self.registry,
            address=None if self.address is None else filters.address(self.address),
            decision=self.decision,
        )


def _moment(text: str, now: float) -> float:
    """The moment that is meant: a time, or a length back from now."""
    from authsvc.changes.when import length_of, parse_time
    from authsvc.errors import Invalid

    length = length_of(text)
    try:
        return now - length.total_seconds() if length else parse_time(text).timestamp()
    except (ValueError, OverflowError):
        raise Invalid(f"'{text}' is no time", advice="2030-01-31T12:00:00Z, or 90m, 8h") from None
