"""`authsvc role`: the roles built in, and sets of rights under names of one's own."""

from typing import Annotated

import typer

from . import output
from .session import change, opened

app = typer.Typer(no_args_is_help=True, help="Roles: what a grant allows or denies.")

COLUMNS = ("name", "allow")

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    *,
    allow: Annotated[
        list[str],
        typer.Option(
            "--allow",
            metavar="RIGHTS",
            help="repository:pull,push,delete (one of them at least) or registry:catalog:*; "
            "may be repeated.",
        ),
    ],
) -> None:
    """Add a role."""
    from authsvc.changes import roles
    from authsvc.changes.spec import checked

    spec = checked(roles.RoleSpec, {"name": name, "allow": allow})
    output.item(context, change(context, lambda tx: roles.add(tx, spec)))


@app.command("list")
def list_(context: typer.Context) -> None:
    """List all roles with what they allow at registries."""
    from authsvc.changes import reads

    with opened(context) as parts, parts.database.read() as session:
        output.table(context, reads.roles(session), COLUMNS)


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show a role."""
    from authsvc.changes import reads, roles

    with opened(context) as parts, parts.database.read() as session:
        output.item(context, reads.role(roles.found(session, name)))


@app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Remove a role of one's own that no grant is of."""
    from authsvc.changes import roles

    value = change(context, lambda tx: roles.remove(tx, name))
    output.result(context, value, f"removed role {name}")
