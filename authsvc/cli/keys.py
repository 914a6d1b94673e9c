"""`authsvc keys`: the keys that sign registry tokens."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output
from .session import actor, opened

if TYPE_CHECKING:
    from authsvc.changes.key_maker import Rotated

app = typer.Typer(no_args_is_help=True, help="Keys that sign registry tokens.")

COLUMNS = ("kid", "libtrust_id", "algorithm", "not_after", "state")


@app.command()
def show(context: typer.Context) -> None:
    """List all keys, the newest first, and what is wrong with files of certs_dir."""
    from authsvc.keys import rows, shelf

    with opened(context) as parts:
        with parts.database.read() as session:
            items = rows.items(session)
        held = shelf.look(parts.keys, shelf.Shelf())
    output.table(context, items, COLUMNS)
    for fault in held.faults:
        output.note(f"warning: {fault}")


@app.command()
def rotate(
    context: typer.Context,
    activate: Annotated[
        bool, typer.Option("--activate", help="Switch libtrust registries to the published key.")
    ] = False,
    revoke: Annotated[
        str | None,
        typer.Option("--revoke", metavar="KID", help="Take this key out; by either of its ids."),
    ] = None,
) -> None:
    """Make a new signing key now, which x5c registries take without being touched.

    For libtrust registries it is published only: --activate switches them to it, once they have
    read their file again.
    """
    from authsvc.changes.key_maker import KeyMaker

    with opened(context) as parts:
        maker = KeyMaker(parts.settings, parts.database, parts.unit_of_work, parts.clock)
        done = maker.rotate(actor(), activate=activate, revoke=revoke)
    output.result(context, asdict(done), _text(done))


@app.command()
def bundle(
    context: typer.Context,
    registry: Annotated[
        str | None, typer.Option("--registry", metavar="NAME", help="As its stanza names it.")
    ] = None,
) -> None:
    """Print the root that registries trust, or for a libtrust registry the signing certificates."""
    from authsvc.changes import registries
    from authsvc.keys import bundles

    with opened(context) as parts, parts.database.read() as session:
        header = registries.found(session, registry).key_header if registry else "x5c"
        pem = bundles.trust(session, header, 2, parts.clock.now()).content.decode("ascii")
    output.result(context, {"bundle": pem}, pem.rstrip("\n"))


@app.command()
def jwks(context: typer.Context) -> None:
    """Print the key set, as /.well-known/jwks.json gives it."""
    import json

    from authsvc.keys import bundles

    with opened(context) as parts, parts.database.read() as session:
        text = bundles.key_set(session, parts.clock.now()).decode("ascii")
    output.result(context, json.loads(text), text)


def _text(done: "Rotated") -> str:
    lines = [
        f"{word} {_named(item)}"
        for word, item in (
            ("made", done.made),
            ("activated", done.activated),
            ("revoked", done.revoked),
        )
        if item is not None
    ]
    if done.registries:
        lines.append(f"must read their file again: {', '.join(done.registries)}")
    return "\n".join([*lines, *done.notes])


def _named(item: dict[str, Any]) -> str:
    return f"{item['kid']} ({item['libtrust_id']}), {item['state']}, ends {item['not_after']}"
