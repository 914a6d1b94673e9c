"""`authsvc user`: people of the database. People of other sources are changed in their source."""

from typing import TYPE_CHECKING, Annotated

import typer

from . import output
from .passwords import PasswordFile, PasswordStdin, new_password
from .session import actor, change, opened

if TYPE_CHECKING:
    from authsvc.protocol.names import SubjectRef

app = typer.Typer(no_args_is_help=True, help="People of the database.")

COLUMNS = ("name", "source", "enabled")

Name = Annotated[str, typer.Argument(metavar="NAME", help="alice, or SOURCE:alice.")]


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    password_file: PasswordFile = None,
    password_stdin: PasswordStdin = False,
    disabled: Annotated[
        bool, typer.Option("--disabled", help="Add, but do not let in yet.")
    ] = False,
) -> None:
    """Add a person with a password of 15 characters or more."""
    from authsvc.changes import users
    from authsvc.changes.spec import checked

    password = new_password(password_file, stdin=password_stdin)
    members = {"name": name, "password": password, "enabled": not disabled}
    spec = checked(users.UserSpec, members)
    with opened(context) as parts:
        with parts.database.read() as session:
            services = users.forbidden_words(session)
        hashed = users.password_hash(name, password, services)
        item = parts.unit_of_work.run(
            actor(), lambda tx: users.add(tx, spec.name, hashed, enabled=spec.enabled)
        )
    output.item(context, item)


@app.command("set-password")
def set_password(
    context: typer.Context,
    name: Name,
    password_file: PasswordFile = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Give a person a new password."""
    from authsvc.changes import users

    ref = ref_of(name)
    with opened(context) as parts:
        with parts.database.read() as session:
            users.local(session, ref)
            services = users.forbidden_words(session)
        password = new_password(password_file, stdin=password_stdin)
        hashed = users.password_hash(ref.name, password, services)
        item = parts.unit_of_work.run(actor(), lambda tx: users.set_password(tx, ref, hashed))
    output.result(context, item, f"{name} has a new password")


@app.command("list")
def list_(context: typer.Context) -> None:
    """List people: those of the database, and others that a grant or group names."""
    from authsvc.changes import reads

    with opened(context) as parts, parts.database.read() as session:
        output.table(context, reads.users(session), COLUMNS)


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show a person."""
    from authsvc.changes import reads, subjects

    ref = ref_of(name)
    with opened(context) as parts, parts.database.read() as session:
        output.item(context, reads.user(subjects.found(session, ref.kind, ref.source, ref.name)))


@app.command()
def enable(context: typer.Context, name: Name) -> None:
    """Let a person in again."""
    _set_enabled(context, name, enabled=True)


@app.command()
def disable(context: typer.Context, name: Name) -> None:
    """Keep a person out; grants and groups stay."""
    _set_enabled(context, name, enabled=False)


@app.command()
def revoke(context: typer.Context, name: Name) -> None:
    """End a person's refresh tokens and personal access tokens; passwords are verified anew."""
    from authsvc.changes import users

    ref = ref_of(name)
    value = change(context, lambda tx: users.revoke(tx, ref))
    text = (
        f"ended {len(value['pats'])} personal access tokens and {value['refresh_tokens']} refresh "
        f"tokens of {name}; remembered passwords are forgotten"
    )
    output.result(context, value, text)


@app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Remove a person with all grants, memberships and tokens; no later namesake inherits."""
    from authsvc.changes import users

    ref = ref_of(name)
    value = change(context, lambda tx: users.remove(tx, ref))
    counts = {
        "grants": "grants", "groups": "memberships", "secrets": "tokens",
    }  # fmt: skip
    told = ", ".join(f"{len(value[key])} {word}" for key, word in counts.items())
    text = f"removed {name}: {told}"
    output.result(context, value, text)


def _set_enabled(context: typer.Context, name: str, *, enabled: bool) -> None:
    from authsvc.changes import users

    ref = ref_of(name)
    output.item(context, change(context, lambda tx: users.set_enabled(tx, ref, enabled=enabled)))


def ref_of(name: str) -> "SubjectRef":
    """The person that NAME means, alice (local) or SOURCE:alice; raises `Invalid`."""
    from authsvc.errors import Invalid
    from authsvc.protocol.names import parse_subject

    try:
        return parse_subject(f"user:{name}")
    except Invalid:
        raise Invalid(f"'{name}' is no user name", advice="write alice or SOURCE:alice") from None
