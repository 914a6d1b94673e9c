"""`authsvc init`: everything that a first start needs; a second one changes nothing."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output
from .passwords import from_file
from .session import actor, opened

if TYPE_CHECKING:
    from authsvc.assembly.offline import Offline


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
        value = {**_begin(parts, service, given), "new_ca": made.made_ca}
        if new_ca and made.made_ca:
            value["registries"] = _registries(parts)
        if example and value["created"]:
            value["example"] = _load_example(parts)
    output.result(context, value, _text(value))
    for name in value.get("registries", made.registries):
        output.note(
            f"registry {name} refuses all tokens until it has its new file and is restarted: "
            f"authsvc registry config {shlex.quote(name)} --write-bundle FILE"
        )


def _registries(parts: "Offline") -> list[str]:
    """All registries: each trusts the CA that was replaced."""
    from authsvc.changes import reads

    with parts.database.read() as session:
        return [item["name"] for item in reads.registries(session)]


def _begin(parts: "Offline", service: str | None, given: str | None) -> dict[str, Any]:
    """The administrator and the registry, where they are missing."""
    from authsvc.changes import installation, invariants, users

    with parts.database.read() as session:
        there = invariants.has_admin(session)
        words = [*users.forbidden_words(session), service or installation.DEFAULT_SERVICE]
    password = given or installation.new_password()
    hashed = "" if there else users.password_hash(installation.ADMIN, password, words)
    begun = parts.unit_of_work.run(actor(), lambda tx: installation.begin(tx, service, hashed))
    created = begun.admin is not None
    return {
        "created": created,
        "admin": begun.admin and begun.admin["name"],
        "password": password if created and given is None else None,
        "registry": begun.registry and begun.registry["name"],
        "certs_dir": str(parts.settings.certs_dir),
        "example": None,
    }


def _load_example(parts: "Offline") -> dict[str, Any]:
    """Load the policy that travels with the service, as `policy apply` would."""
    from authsvc.changes.apply import submit

    file = example_file()
    return submit(parts.unit_of_work, actor(), [(file.name, file.read_bytes())])


def example_file() -> Path:
    """The example policy: inside the package when it was installed, beside it in a checkout."""
    from importlib.resources import files

    package = Path(str(files("authsvc")))
    installed = package / "_policies" / "example.yaml"
    return installed if installed.is_file() else package.parent / "policies" / "example.yaml"


def _text(value: dict[str, Any]) -> str:
    from .policy import summary

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
