"""`authsvc namespace`: registered path prefixes and who may pull from them without a grant."""

from enum import StrEnum
from typing import Annotated

import typer

from . import output
from .session import change, opened

app = typer.Typer(no_args_is_help=True, help="Namespaces: path prefixes with a visibility.")

COLUMNS = ("name", "registry", "visibility")

PathName = Annotated[str, typer.Argument(metavar="PATH")]
RegistryName = Annotated[
    str | None, typer.Option("--registry", metavar="NAME", help="One registry; without, all.")
]


class Visibility(StrEnum):
    """Who may pull without a grant."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


@app.command()
def add(
    context: typer.Context,
    path: PathName,
    registry: RegistryName = None,
    visibility: Annotated[Visibility, typer.Option("--visibility")] = Visibility.PRIVATE,
) -> None:
    """Register a namespace."""
    from authsvc.changes import namespaces
    from authsvc.changes.spec import checked

    members = {"name": path, "registry": registry, "visibility": visibility.value}
    spec = checked(namespaces.NamespaceSpec, members)
    output.item(context, change(context, lambda tx: namespaces.add(tx, spec)))


@app.command("set")
def set_(
    context: typer.Context,
    path: PathName,
    visibility: Annotated[Visibility, typer.Option("--visibility")],
    registry: RegistryName = None,
) -> None:
    """Change who may pull from a namespace without a grant."""
    from authsvc.changes import namespaces

    value = change(context, lambda tx: namespaces.change(tx, path, registry, visibility.value))
    output.item(context, value)


@app.command("list")
def list_(context: typer.Context, registry: RegistryName = None) -> None:
    """List namespaces, those that count for one registry or all that there are."""
    from authsvc.changes import reads, registries
    from authsvc.db.models import Namespace

    with opened(context) as parts, parts.database.read() as session:
        where = []
        if registry is not None:
            own = Namespace.registry_id == registries.found(session, registry).id
            where.append(own | Namespace.registry_id.is_(None))
        output.table(context, reads.namespaces(session, *where), COLUMNS)


@app.command()
def show(context: typer.Context, path: PathName, registry: RegistryName = None) -> None:
    """Show a namespace."""
    from authsvc.changes import namespaces, reads

    with opened(context) as parts, parts.database.read() as session:
        row = namespaces.found(session, path, registry)
        output.item(context, reads.namespace(row, registry))


@app.command()
def remove(context: typer.Context, path: PathName, registry: RegistryName = None) -> None:
    """Remove a namespace with every grant, robot and namespace at or below its path."""
    from authsvc.changes import namespaces

    value = change(context, lambda tx: namespaces.remove(tx, path, registry))
    counted = f"{len(value['grants'])} grants and {len(value['robots'])} robots"
    lines = [f"removed {path} with {counted} at or below it"]
    lines += [
        f"stays, since it is for all registries: namespace {each['name']}"
        for each in value["stays"]["namespaces"]
    ]
    lines += [
        f"stays, since it is for all registries: grant {each['id']}, {each['effect']} "
        f"{each['role']} to {each['subject']} on {each['on']}"
        for each in value["stays"]["grants"]
    ]
    lines += [
        f"stays, since it is for all registries: robot {each['name']}"
        for each in value["stays"]["robots"]
    ]
    output.result(context, value, "\n".join(lines))
