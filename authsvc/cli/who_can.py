"""`authsvc who-can`: everybody who may do one thing to one repository."""

from typing import Annotated

import typer

from . import output
from .session import opened, options

COLUMNS = ("subject", "grants")


def who_can(
    context: typer.Context,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="pull, push or delete.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a repository.")],
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="NAME", help="May be left out when there is one."),
    ] = None,
) -> None:
    """List who may, and the grants that give it; none: the namespace is open.

    Groups of this service are given as their people, those of directories as they are.
    """
    from authsvc.access.questions import able

    with opened(context) as parts, parts.database.read() as session:
        found = able(session, action, name, service, now=parts.clock.now())
    rows = [{"subject": each.subject, "grants": list(each.grants)} for each in found]
    output.table(context, rows, COLUMNS)
    if not rows and not options(context).json:
        output.note("nobody")
