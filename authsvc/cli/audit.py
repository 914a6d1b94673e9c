"""`authsvc audit`: what was written down."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output
from .audit_filters import (
    About,
    Address,
    Chosen,
    Decision,
    OneEnding,
    OneEvent,
    Registry,
    Since,
    Until,
    Whose,
)
from .audit_verify import verify
from .session import opened, options

if TYPE_CHECKING:
    from authsvc.assembly.offline import Offline
    from authsvc.audit.filters import Filter

app = typer.Typer(no_args_is_help=True, help="Records of tokens, sign-ins and changes.")
app.command()(verify)

COLUMNS = ("time", "event", "outcome", "reason", "actor", "registry", "asked")
LOOKS = 0.5  # seconds between two looks for new records
AWAY = 2.0  # seconds between two attempts while the database is away


@app.command("list")
def list_(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000)] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new records until interrupted.")
    ] = False,
    event: OneEvent = None,
    outcome: OneEnding = None,
    since: Since = None,
    until: Until = None,
    who: Whose = None,
    what: About = None,
    registry: Registry = None,
    address: Address = None,
    decision: Decision = None,
) -> None:
    """Show the newest records, the newest last."""
    from authsvc.audit import reader

    chosen = Chosen(
        event=event, outcome=outcome, since=since, until=until, who=who, what=what,
        registry=registry, address=address, decision=decision,
    )  # fmt: skip
    with opened(context) as parts:
        wanted = chosen.filter(parts)
        if follow:
            _follow(context, parts, wanted, limit)
            return
        with parts.database.read() as session:
            found = reader.records(session, limit=limit, wanted=wanted)
    if options(context).json:
        output.table(context, found, COLUMNS)
    else:
        output.table(context, [_row(record) for record in found], COLUMNS)


def _follow(context: typer.Context, parts: "Offline", wanted: "Filter", limit: int) -> None:
    """Print records, one a line, until somebody interrupts; that is how it is meant to end."""
    try:
        for record in _following(parts, wanted, limit):
            print(_line(context, record), flush=True)
    except KeyboardInterrupt:
        return


def _following(parts: "Offline", wanted: "Filter", limit: int) -> Iterator[dict[str, Any]]:
    """New records; a database that goes away is waited for, once it has been there."""
    import time

    from authsvc.audit.following import Follower
    from authsvc.errors import Unavailable

    follower = Follower(parts.database, wanted)
    yield from follower.begin(limit)
    said = False
    while True:
        try:
            found = follower.look()
        except Unavailable as error:
            if not said:
                output.note(f"authsvc: {error}; waiting for it")
            said = True
            time.sleep(AWAY)
            continue
        said = False
        yield from found
        if not follower.behind:
            time.sleep(LOOKS)


def _line(context: typer.Context, record: Mapping[str, Any]) -> str:
    """A record as a line: JSON with --json, else the columns of the table."""
    if options(context).json:
        return json.dumps(record, separators=(",", ":"))
    row = _row(record)
    return "  ".join(output.clean(str(row[name] or "-")).replace("\n", " ") for name in COLUMNS)


@app.command()
def export(
    context: typer.Context,
    *,
    proof: Annotated[
        Path | None,
        typer.Option(
            "--proof",
            metavar="FILE",
            help="Write there what the records can be verified by elsewhere: the last checkpoint"
            " and the public keys.",
        ),
    ] = None,
    event: OneEvent = None,
    outcome: OneEnding = None,
    since: Since = None,
    until: Until = None,
    who: Whose = None,
    what: About = None,
    registry: Registry = None,
    address: Address = None,
    decision: Decision = None,
) -> None:
    """Print all records as JSON lines, the oldest first, each held against its chain before.

    Ends with exit code 1 at the first record that is not as it was written.
    """
    from authsvc.audit import exporting

    chosen = Chosen(
        event=event, outcome=outcome, since=since, until=until, who=who, what=what,
        registry=registry, address=address, decision=decision,
    )  # fmt: skip
    with opened(context) as parts, parts.database.read() as session:
        wanted = chosen.filter(parts)
        if proof is not None:
            _write(proof, exporting.proof(session))
        for record in exporting.export(session, wanted=wanted):
            sys.stdout.write(json.dumps(record, separators=(",", ":")) + "\n")


def _write(path: Path, value: Any) -> None:
    from authsvc.errors import Invalid

    try:
        path.write_text(json.dumps(value, indent=2) + "\n", encoding="ascii")
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}") from None


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
