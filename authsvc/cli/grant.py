"""`authsvc grant`: who may do what, where."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output
from .ends import Expires, end_of
from .session import actor, change, opened

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

app = typer.Typer(no_args_is_help=True, help="Grants: subject, role and place.")

COLUMNS = ("id", "effect", "role", "subject", "on", "registry", "expires_at", "cidrs", "reason")

OneRegistry = Annotated[
    str | None, typer.Option("--registry", metavar="NAME", help="Without: all.")
]


@app.command()
def add(
    context: typer.Context,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="SUBJECT",
            help="user:NAME, user:SOURCE:NAME, group:NAME, group:SOURCE:NAME, "
            "robot:NAME, everyone, authenticated.",
        ),
    ],
    role: Annotated[str, typer.Option("--role", metavar="ROLE")],
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="PATH_OR_GLOB",
            help="A path covers itself and what is below it; a text with * or { is a glob over "
            "whole names. May be left out for admin, auditor and catalog-reader.",
        ),
    ] = None,
    registry: OneRegistry = None,
    deny: Annotated[bool, typer.Option("--deny", help="Take away instead of giving.")] = False,
    expires: Expires = None,
    cidr: Annotated[
        list[str] | None,
        typer.Option("--cidr", metavar="NET", help="Only from there; may be repeated."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT")] = "",
) -> None:
    """Grant a role, or deny it. The same grant once more changes nothing."""
    from authsvc.changes import grants
    from authsvc.changes.spec import checked

    members: dict[str, Any] = {"subject": to, "role": role, "registry": registry, "reason": reason}
    members |= {"effect": "deny" if deny else "allow", "cidrs": cidr or []}
    if on is not None:
        members["on"] = on
    with opened(context) as parts:
        members["expires_at"] = end_of(expires, parts)
        spec = checked(grants.GrantSpec, members)
        item = parts.unit_of_work.run(actor(), lambda tx: grants.add(tx, spec))
    output.item(context, item)


@app.command("list")
def list_(
    context: typer.Context,
    to: Annotated[str | None, typer.Option("--to", metavar="SUBJECT")] = None,
    role: Annotated[str | None, typer.Option("--role", metavar="ROLE")] = None,
    registry: Annotated[str | None, typer.Option("--registry", metavar="NAME")] = None,
) -> None:
    """List grants: all, or those to a subject, of a role, for one registry."""
    from authsvc.changes import reads

    with opened(context) as parts, parts.database.read() as session:
        where = _filters(session, to, role, registry)
        output.table(context, reads.grants(session, *where), COLUMNS)


@app.command()
def remove(
    context: typer.Context,
    grant: Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1)],
) -> None:
    """Take a grant back."""
    from authsvc.changes import grants

    value = change(context, lambda tx: grants.remove(tx, grant))
    output.result(context, value, f"removed grant {grant}")


def _filters(
    session: "Session", to: str | None, role: str | None, registry: str | None
) -> "list[ColumnElement[bool]]":
    from sqlalchemy import select

    from authsvc.changes import registries
    from authsvc.db.models import Grant, Role, Subject
    from authsvc.errors import Invalid
    from authsvc.protocol.names import parse_subject

    where: list[ColumnElement[bool]] = []
    if to is not None:
        ref = parse_subject(to)
        where += [Subject.kind == ref.kind, Subject.source == ref.source, Subject.name == ref.name]
    if role is not None:
        if session.scalar(select(Role.id).where(Role.name == role)) is None:
            raise Invalid(f"no role is called '{role}'")
        where.append(Role.name == role)
    if registry is not None:
        where.append(Grant.registry_id == registries.found(session, registry).id)
    return where
