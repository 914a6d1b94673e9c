"""`authsvc db`: the schema of the database, the return of a backup, the move to another one."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import db_shown, output
from .session import change, opened

if TYPE_CHECKING:
    from authsvc.db.engine import Database

app = typer.Typer(no_args_is_help=True, help="The database: schema, restored backups, copies.")


@app.command()
def upgrade(context: typer.Context) -> None:
    """Bring the schema to what this release needs; nothing to do is no fault."""
    from authsvc.db import schema

    with opened(context, any_schema=True) as parts:
        before = schema.current(parts.database)
        schema.upgrade(parts.database)
        after = schema.current(parts.database)
    value = {"before": before, "current": after}
    text = f"the schema was and is {after}" if before == after else f"the schema is now {after}"
    output.result(context, value, text)


@app.command()
def current(context: typer.Context) -> None:
    """Show the schema's number, and the one that this release was made for."""
    from authsvc.db import schema

    with opened(context, any_schema=True) as parts:
        value = {"current": schema.current(parts.database), "release": schema.SCHEMA}
    output.item(context, value)


@app.command()
def restored(context: typer.Context) -> None:
    """End what must not outlive the return of a backup, and list what is good again by it.

    To be run once after a backup was put back. All refresh tokens end, and every worker forgets
    what it remembers. Robots, personal access tokens, people and grants are as the backup has
    them: look through what is listed for what was revoked since.
    """
    from authsvc.changes.restored import restored as edit

    value: dict[str, Any] = change(context, edit)
    output.result(context, value, db_shown.restored(value))


@app.command()
def copy(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            help="An empty database: sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME. A"
            " password is better in PGPASSWORD or ~/.pgpass: others see the words of a command.",
        ),
    ],
) -> None:
    """Copy everything to an empty database, of either engine, with the service stopped.

    All or nothing: a copy that is cut short leaves the target empty.
    """
    from authsvc.db.copying import copy as copied

    target = _target(to)
    try:
        with opened(context) as parts, db_shown.Progress() as progress:
            tables = copied(parts.database, target, progress.told)
    finally:
        target.dispose()
    value = {"rows": sum(tables.values()), "tables": tables}
    output.result(
        context, value,
        f"copied {value['rows']} rows of {len(tables)} tables; set database_url to the new address"
        " and start the service with the same certs_dir",
    )  # fmt: skip


def _target(url: str) -> "Database":
    from authsvc.db.engine import Database
    from authsvc.errors import Invalid, InvalidSettings

    try:
        return Database(url)
    except InvalidSettings as fault:
        said = fault.message.replace("database_url", "the address")
        raise Invalid(f"--to: {said}", advice=fault.advice) from None
