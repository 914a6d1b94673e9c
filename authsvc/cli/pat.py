"""`authsvc pat`: personal access tokens, which people use in place of their password."""

from typing import Annotated, Any

import typer

from . import output
from .ends import Expires, end_of
from .session import actor, change, opened, options, people_of

app = typer.Typer(
    no_args_is_help=True,
    help="Personal access tokens: secrets that people use in place of their password.",
)

COLUMNS = ("id", "name", "user", "scopes", "admin", "expires_at", "last_used_at")


@app.command()
def add(
    context: typer.Context,
    *,
    user: Annotated[
        str, typer.Option("--user", metavar="NAME", help="Its owner: alice, or SOURCE:alice.")
    ],
    name: Annotated[
        str,
        typer.Option(
            "--name", metavar="LABEL", help="What it is for, such as laptop: one of each per owner."
        ),
    ],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="Nothing but that: repository:team/**:pull; may be repeated.",
        ),
    ] = None,
    admin: Annotated[
        bool,
        typer.Option(
            "--admin", help="It carries its owner's management rights; ends after 90 days at most."
        ),
    ] = False,
    expires: Expires = None,
) -> None:
    """Make a personal access token, and print its secret this one time."""
    import os

    from authsvc.changes import pats
    from authsvc.changes.pat_spec import PatSpec, ref_of
    from authsvc.changes.spec import checked
    from authsvc.protocol import secrets

    members: dict[str, Any] = {"name": name, "user": user, "scopes": scope or None, "admin": admin}
    with opened(context) as parts:
        members["expires_at"] = end_of(expires, parts)
        spec, ref = checked(PatSpec, members), ref_of(user)
        known = people_of(parts.settings, debug=options(context).debug, files=True)
        owner = pats.asked_owner(ref, known) or ref
        secret = secrets.mint("pat", os.urandom)
        digest = secrets.digest(secret)
        item = parts.unit_of_work.run(actor(), lambda tx: pats.add(tx, spec, owner, digest))
    output.item(context, {**item, "secret": secret})
    if not options(context).json:
        output.note("the secret is shown this once; it is used in place of the password")


@app.command("list")
def list_(
    context: typer.Context,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Only those of one person.")
    ] = None,
) -> None:
    """List personal access tokens, and when each was last used."""
    from authsvc.changes import pats
    from authsvc.cli.user import ref_of

    with opened(context) as parts, parts.database.read() as session:
        where = () if user is None else (pats.of(ref_of(user)),)
        output.table(context, [pats.item(*row) for row in pats.rows(session, *where)], COLUMNS)


@app.command()
def remove(
    context: typer.Context,
    pat: Annotated[
        int | None,
        typer.Argument(metavar="[ID]", min=1, max=2**63 - 1, help="As `pat list` shows it."),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Its owner, with --name.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="LABEL", help="Its label, with --user.")
    ] = None,
) -> None:
    """End a personal access token for good.

    By its ID, or by --user and --name.
    """
    from authsvc.changes import pats
    from authsvc.changes.unit_of_work import Outcome, Transaction
    from authsvc.cli.user import ref_of
    from authsvc.errors import Invalid

    if (pat is None) == (user is None and name is None) or (user is None) != (name is None):
        raise Invalid("say which token", advice="give its ID, or --user NAME and --name LABEL")

    def edit(tx: Transaction) -> Outcome[dict[str, Any]]:
        if user is None or name is None:
            return pats.remove(tx, pat or 0)
        return pats.remove(tx, pats.labelled(tx.session, ref_of(user), name))

    value = change(context, edit)
    gone = value["removed"]
    output.result(context, value, f"removed '{gone['name']}' of {gone['user']}")
