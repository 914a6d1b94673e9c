"""`authsvc robot`: accounts of machines, which belong to a namespace."""

from typing import Annotated, Any

import typer

from . import output
from .ends import Expires, end_of
from .session import actor, change, opened, options

app = typer.Typer(
    no_args_is_help=True, help="Robots: accounts of machines, each with a role at a namespace."
)

COLUMNS = ("name", "namespace", "registry", "role", "enabled", "expires_at", "cidrs")
TIMES = ("created_at", "expires_at", "last_used_at")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="ci or robot.ci: the login is robot.ci either way.")
]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    *,
    namespace: Annotated[
        str,
        typer.Option(
            "--namespace", metavar="PATH", help="Where its role counts, and whose owners manage it."
        ),
    ],
    role: Annotated[
        str,
        typer.Option(
            "--role", metavar="ROLE", help="reader, writer, maintainer, or one of `role list`."
        ),
    ],
    registry: Annotated[
        str | None,
        typer.Option("--registry", metavar="NAME", help="For this one alone; else for all."),
    ] = None,
    expires: Expires = None,
    cidr: Annotated[
        list[str] | None,
        typer.Option("--cidr", metavar="NET", help="Only from there: 10.0.0.0/8; may be repeated."),
    ] = None,
) -> None:
    """Make a robot, and print its secret this one time."""
    from authsvc.changes import robots
    from authsvc.changes.spec import checked

    members: dict[str, Any] = {"name": name, "namespace": namespace, "role": role}
    members |= {"registry": registry, "cidrs": cidr or []}
    with opened(context) as parts:
        members["expires_at"] = end_of(expires, parts)
        spec = checked(robots.RobotSpec, members)
        secret, digest = _minted()
        item = parts.unit_of_work.run(actor(), lambda tx: robots.add(tx, spec, digest))
    _print_secret(context, item, secret)


@app.command("list")
def list_(context: typer.Context) -> None:
    """List robots."""
    from authsvc.changes import reads

    with opened(context) as parts, parts.database.read() as session:
        output.table(context, reads.robots(session, reads.robot_rows(session)), COLUMNS)


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show a robot and its secrets.

    Of each secret: when it was made, when it ends, and when it was last used, to the minute.
    """
    from authsvc.changes import reads, robots

    known = robots.name_of(name)
    with opened(context) as parts, parts.database.read() as session:
        item = reads.robots(session, [robots.found(session, known)])[0]
    _print(context, item)
    if options(context).json:
        return
    print("\nsecrets" if item["secrets"] else "\nno secret: `robot rotate` makes one")
    output.table(context, item["secrets"], TIMES)


@app.command()
def rotate(
    context: typer.Context,
    name: Name,
    keep_old: Annotated[
        str,
        typer.Option(
            "--keep-old",
            metavar="LENGTH",
            help="How long the previous secret works on: 90m, 24h, 7d; 0 ends it at once.",
        ),
    ] = "24h",
) -> None:
    """Give a robot a new secret, and print it this one time.

    The one before works on for --keep-old, so that there is time to put the new one in; any older
    one ends at once. When a secret was stolen: --keep-old 0.
    """
    from authsvc.changes import robot_secrets, robots

    known, kept = robots.name_of(name), robot_secrets.kept_for(keep_old)
    secret, digest = _minted()
    item = change(context, lambda tx: robots.rotate(tx, known, digest, kept))
    _print_secret(context, item, secret)


@app.command()
def enable(context: typer.Context, name: Name) -> None:
    """Let a robot in again, with the secrets that it had."""
    _print(context, _change(context, name, {"enabled": True}))


@app.command()
def disable(context: typer.Context, name: Name) -> None:
    """Keep a robot out; its secrets and grants stay for `enable`."""
    _print(context, _change(context, name, {"enabled": False}))


@app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Remove a robot for good.

    Its secrets and grants go with it, and a later namesake inherits nothing.
    """
    from authsvc.changes import robots

    known = robots.name_of(name)
    value = change(context, lambda tx: robots.remove(tx, known))
    grants = len(value["grants"])
    count = "1 grant" if grants == 1 else f"{grants} grants"
    output.result(context, value, f"removed robot {known} with its secrets and {count}")


def _change(context: typer.Context, name: str, members: dict[str, Any]) -> dict[str, Any]:
    from authsvc.changes import robots

    known = robots.name_of(name)
    return change(context, lambda tx: robots.change(tx, known, members))


def _print(context: typer.Context, item: dict[str, Any]) -> None:
    """A robot; for people without its secrets, which `show` has as a table."""
    if options(context).json:
        output.item(context, item)
        return
    output.item(context, {member: item[member] for member in ("id", *COLUMNS)})


def _minted() -> tuple[str, bytes]:
    """A new secret, and what is stored of it."""
    import os

    from authsvc.protocol import secrets

    secret = secrets.mint("rob", os.urandom)
    return secret, secrets.digest(secret)


def _print_secret(context: typer.Context, item: dict[str, Any], secret: str) -> None:
    """The login and its secret on standard output; what to know of them on standard error."""
    from authsvc.protocol.names import ROBOT_PREFIX

    if options(context).json:
        output.item(context, {**item, "secret": secret})
        return
    output.item(context, {"login": ROBOT_PREFIX + item["name"], "secret": secret})
    output.note("the secret is shown this once; keep it where the machine finds it")
    for each in item["secrets"][:-1]:
        output.note(f"the previous secret works until {each['expires_at']}")
