"""`authsvc registry config`: what to write into a registry's configuration."""

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import output
from .session import opened

FOLDER = "/etc/docker/registry"  # where the registry's packages and images keep their configuration


class Version(StrEnum):
    """The main version of distribution."""

    TWO = "2"
    THREE = "3"


def config(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The `service` in its challenge.")],
    registry_version: Annotated[
        Version, typer.Option("--registry-version", help="Makes a difference for libtrust only.")
    ] = Version.TWO,
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle", metavar="PATH_AT_THE_REGISTRY", help="Where the registry finds the file."
        ),
    ] = None,
    write_bundle: Annotated[
        Path | None,
        typer.Option("--write-bundle", metavar="FILE", help="Write that file here as well."),
    ] = None,
) -> None:
    """Print the `auth` section of a registry's configuration, and nothing else.

    It names one file: the root, or for a libtrust registry its signing certificates (version 2)
    or the JWKS (version 3).
    """
    from authsvc.changes import registries
    from authsvc.keys import bundles

    with opened(context) as parts:
        with parts.database.read() as session:
            header = registries.found(session, name).key_header
            now = parts.clock.now()
            trust = bundles.trust(session, header, int(registry_version), now)
        path = bundle or _default(write_bundle, trust.option)
        values = {
            "realm": parts.settings.realm,
            "service": name,
            "issuer": parts.settings.issuer,
        }
    if write_bundle is not None:
        _write(write_bundle, trust.content)
    text = bundles.stanza(**values, option=trust.option, path=path).rstrip("\n")
    output.result(context, {"auth": {"token": {**values, trust.option: path}}}, text)
    if write_bundle is None:
        command = _command(name, header, trust.option)
        output.note(f"put the file there: {command} > {shlex.quote(path)}")


def _default(written: Path | None, option: str) -> str:
    if written is not None:
        return str(written.absolute())
    return f"{FOLDER}/authsvc.{'json' if option == 'jwks' else 'pem'}"


def _command(name: str, header: str, option: str) -> str:
    if option == "jwks":
        return "authsvc keys jwks"
    whole = "authsvc keys bundle"
    return whole if header == "x5c" else f"{whole} --registry {shlex.quote(name)}"


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all, for everybody to read: it holds public halves only."""
    from authsvc.errors import Conflict

    temporary = file.with_name(f".{file.name}.new")
    try:
        if file.exists() and not file.is_file():  # a pipe or a terminal is no file to replace
            file.write_bytes(content)
            return
        temporary.write_bytes(content)
        temporary.chmod(0o644)
        temporary.replace(file)
    except OSError as fault:
        raise Conflict(f"{file} cannot be written", advice=str(fault.strerror)) from None
