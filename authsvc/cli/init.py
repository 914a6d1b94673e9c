"""`authsvc init`: everything that a first start needs; a second one changes nothing."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output
from .passwords import from_file
from .session import actor, opened

if TYPE_CHECKING:
    from authsvc.assembly.offline import Offline
    from authsvc.changes.unit_of_work import Outcome, Transaction


def init(
    context: typer.Context,
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="NAME", help="The first registry  [localhost:5000]"),
    ] = None,
    admin_password_file: Annotated[
        Path | None,
        typer.Option(
            "--admin-password-file", metavar="F", help="Its only line is the admin's password."
        ),
    ] = None,
    new_ca: Annotated[bool, typer.Option("--new-ca", help="Replace a stolen CA.")] = False,
    example: Annotated[
        bool, typer.Option("--example", help="Load the example policy into a new database.")
    ] = False,
) -> None:
    """Make or upgrade the database, the keys, the admin and the first registry."""
    from authsvc.changes.key_maker import KeyMaker
    from authsvc.changes.registries import RegistrySpec
    from authsvc.changes.spec import checked
    from authsvc.db import schema

    if service is not None:
        checked(RegistrySpec, {"name": service})
    given = None if admin_password_file is None else from_file(admin_password_file)
    with opened(context, any_schema=True) as parts:
        schema.upgrade(parts.database)
        maker = KeyMaker(parts.settings, parts.database, parts.unit_of_work, parts.clock)
        made = maker.initialise(actor(), new_ca=new_ca)
        more: dict[str, Any] = {"new_ca": made.made_ca}
        if new_ca and made.made_ca:
            more["registries"] = _registries(parts)

        def shown(value: dict[str, Any]) -> None:
            value |= more
            output.result(context, value, _text(value))
            sys.stdout.flush()

        _begin(parts, service, given, example=example, shown=shown)
    for note in made.notes:
        output.note(note)
    for name in more.get("registries", made.registries):
        output.note(
            f"registry {name} refuses all tokens until it has its new file and is restarted: "
            f"authsvc registry config {shlex.quote(name)} --write-bundle FILE"
        )


def _registries(parts: "Offline") -> list[str]:
    """All registries: each trusts the CA that was replaced."""
    from authsvc.changes import reads

    with parts.database.read() as session:
        return [item["name"] for item in reads.registries(session)]


def _begin(
    parts: "Offline",
    service: str | None,
    given: str | None,
    *,
    example: bool,
    shown: Callable[[dict[str, Any]], None],
) -> None:
    """The administrator, the registry and the example, where they are missing, in one change.

    `shown` prints it before the commit: whoever is killed in between begins anew and is shown
    another password, while one that was committed and not shown would be lost for good.
    """
    from authsvc.changes import installation, invariants, users
    from authsvc.changes.policy.apply import apply
    from authsvc.changes.policy.document import parse
    from authsvc.changes.unit_of_work import joined

    with parts.database.read() as session:
        there = invariants.has_admin(session)
        words = [*users.forbidden_words(session), service or installation.DEFAULT_SERVICE]
    password = given or installation.new_password()
    hashed = "" if there else users.password_hash(installation.ADMIN, password, words)
    file = example_file()
    document = parse([(file.name, file.read_bytes())]) if example else None

    def edit(tx: "Transaction") -> "Outcome[None]":
        begun = installation.begin(tx, service, hashed)
        created = begun.value.admin is not None
        loaded = apply(tx, document) if document is not None and created else None
        shown(
            {
                "created": created,
                "admin": begun.value.admin and begun.value.admin["name"],
                "password": password if created and given is None else None,
                "registry": begun.value.registry and begun.value.registry["name"],
                "certs_dir": str(parts.settings.certs_dir),
                "example": loaded and loaded.value,
            }
        )
        return joined(None, begun.event, [begun, *([loaded] if loaded else [])])

    parts.unit_of_work.run(actor(), edit)


def example_file() -> Path:
    """The example policy: inside the package when it was installed, beside it in a checkout."""
    from importlib.resources import files

    package = Path(str(files("authsvc")))
    installed = package / "_policies" / "example.yaml"
    return installed if installed.is_file() else package.parent / "policies" / "example.yaml"


def _text(value: dict[str, Any]) -> str:
    from .policy_shown import summary

    lines = [f"a CA for registry tokens is made in {value['certs_dir']}"] if value["new_ca"] else []
    if value["registry"]:
        lines.append(f"registry {value['registry']} is added")
    if value["example"]:
        lines.append(f"example policy: {summary(value['example'])}")
    if value["created"]:
        lines.append(f"user {value['admin']} administers this service")
    if value["password"]:
        lines.append(f"its password, shown this once: {value['password']}")
    return "\n".join(lines) or "everything was there already"
