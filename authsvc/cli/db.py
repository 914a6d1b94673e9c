"""`authsvc db`: the schema of the database."""

import typer

from . import output
from .session import opened

app = typer.Typer(no_args_is_help=True, help="The database's schema.")


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
