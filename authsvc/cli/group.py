"""`authsvc group`: groups of this service and their members."""

from typing import Annotated

import typer

from . import output
from .session import change, opened

app = typer.Typer(no_args_is_help=True, help="Groups of this service.")
member_app = typer.Typer(no_args_is_help=True, help="Who belongs to a group.")
app.add_typer(member_app, name="member")

COLUMNS = ("name", "members")

Name = Annotated[str, typer.Argument(metavar="NAME")]
GroupName = Annotated[str, typer.Argument(metavar="GROUP")]
Member = Annotated[
    str, typer.Argument(metavar="MEMBER", help="NAME, SOURCE:NAME, group:NAME, group:SOURCE:NAME.")
]


@app.command()
def add(context: typer.Context, name: Name) -> None:
    """Add a group."""
    from authsvc.changes import groups
    from authsvc.changes.spec import checked

    spec = checked(groups.GroupSpec, {"name": name})
    output.item(context, change(context, lambda tx: groups.add(tx, spec)))


@app.command("list")
def list_(context: typer.Context) -> None:
    """List all groups with their direct members."""
    from authsvc.changes import reads

    with opened(context) as parts, parts.database.read() as session:
        output.table(context, reads.groups(session), COLUMNS)


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show a group with its direct members."""
    from authsvc.changes import reads, subjects

    with opened(context) as parts, parts.database.read() as session:
        row = subjects.found(session, "group", "", name)
        output.item(context, reads.group(session, row))


@app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Remove a group with all its grants; a later namesake inherits nothing."""
    from authsvc.changes import groups

    value = change(context, lambda tx: groups.remove(tx, name))
    output.result(context, value, f"removed group {name} and {len(value['grants'])} grants to it")


@member_app.command("add")
def add_member(context: typer.Context, group: GroupName, member: Member) -> None:
    """Put a person or a group into a group."""
    from authsvc.changes import groups
    from authsvc.protocol.names import parse_member

    ref = parse_member(member)
    output.item(context, change(context, lambda tx: groups.add_members(tx, group, (ref,))))


@member_app.command("remove")
def remove_member(context: typer.Context, group: GroupName, member: Member) -> None:
    """Take a person or a group out of a group."""
    from authsvc.changes import groups
    from authsvc.protocol.names import parse_member

    ref = parse_member(member)
    output.item(context, change(context, lambda tx: groups.remove_member(tx, group, ref)))
