"""`authsvc import`: users and rules that were kept elsewhere."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from . import output
from .session import actor, opened, options

app = typer.Typer(no_args_is_help=True, help="Users and rules that were kept elsewhere.")

COLUMNS = ("place", "entry", "becomes", "because")
_SHOWN = 3  # things that one line of a table says a rule becomes

File = Annotated[Path, typer.Argument(metavar="FILE", help="`-` is standard input.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
]


@app.command("htpasswd")
def htpasswd(
    context: typer.Context,
    file: File,
    dry_run: DryRun = False,
    scheme: Annotated[
        list[str] | None,
        typer.Option(
            "--scheme",
            metavar="NAME",
            help="Take hashes of it besides bcrypt and argon2: sha256_crypt, sha512_crypt, "
            "apr_md5, sha1; may be repeated.",
        ),
    ] = None,
) -> None:
    """Make the people of an htpasswd file local users, with their hashes as they are."""
    from authsvc.changes import users
    from authsvc.changes.imports import htpasswd

    people = htpasswd.parsed(*_read(file), scheme or ())
    with opened(context) as parts:
        if dry_run:
            with parts.database.read() as session:
                users.check_free(session, people)
        else:
            htpasswd.submit(parts.unit_of_work, actor(), people)
    said = "would be imported" if dry_run else "imported"
    value = {"users": [*people], "dry_run": dry_run}
    output.result(context, value, f"{_count(people, 'user')} {said}")


@app.command("docker-auth")
def docker_auth(
    context: typer.Context,
    file: File,
    dry_run: DryRun = False,
    accept_wider: Annotated[
        bool,
        typer.Option(
            "--accept-wider",
            help="Let a rule for one exact repository become a grant that covers what lies below "
            "it as well.",
        ),
    ] = False,
) -> None:
    """Make users and grants of a docker_auth configuration, and list what has no equal."""
    from authsvc.changes import users
    from authsvc.changes.imports.docker_auth import configuration, edit, translation

    name, data = _read(file)
    found = translation.translated(configuration.read(name, data), accept_wider=accept_wider)
    with opened(context) as parts:
        if dry_run:
            with parts.database.read() as session:
                value = edit.shape(name, found, edit.missing(session, found))
                _print(context, {**value, "dry_run": True})
                users.check_free(session, found.people)
        else:
            value = edit.submit(parts.unit_of_work, actor(), name, found)
            _print(context, {**value, "dry_run": False})


def _print(context: typer.Context, value: dict[str, Any]) -> None:
    """One JSON object; or what became of each line, of which a real run shows the listed alone."""
    if options(context).json:
        output.result(context, value, "")
        return
    if value["dry_run"]:
        output.table(context, [_shortened(line) for line in value["lines"]], COLUMNS)
    for line in value["listed"]:
        text = f"{line['place']}: {line['because']}; {line['proposal']}"
        output.result(context, line, text.replace("\n", "\\n"))
    nouns = ("user", "grant")
    done = " and ".join(_count(value[f"{noun}s"], noun) for noun in nouns)
    said = "would be imported" if value["dry_run"] else "imported"
    made = f"; new registries: {', '.join(value['registries'])}" if value["registries"] else ""
    listed = f"; {_count(value['listed'], 'line')} listed" if value["listed"] else ""
    output.result(context, value, f"{done} {said}{made}{listed}")


def _shortened(line: dict[str, Any]) -> dict[str, Any]:
    becomes = line["becomes"] or ["nothing"]
    more = [f"{len(becomes) - _SHOWN} more"] if len(becomes) > _SHOWN else []
    return {**line, "becomes": [*becomes[:_SHOWN], *more]}


def _count(things: Sequence[str] | dict[str, str], noun: str) -> str:
    return f"1 {noun}" if len(things) == 1 else f"{len(things)} {noun}s"


def _read(file: Path) -> tuple[str, bytes]:
    """The name of a file, safe to print, and its bytes; raises `Invalid`.

    A pipe or a device would keep the command waiting, maybe for ever: neither is read.
    """
    from authsvc.changes.policy import files
    from authsvc.errors import Invalid

    if os.path.isdir(file):  # noqa: PTH112 - it says no where it may not look
        raise Invalid(f"{file} cannot be read: it is a folder")
    return files.read([file])[0]
