"""What every command needs: the options before it, the settings, the parts, and who acts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from authsvc.access.questions import People
    from authsvc.assembly.offline import Offline
    from authsvc.changes.unit_of_work import Outcome, Transaction
    from authsvc.principal import Actor, Principal
    from authsvc.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """The options that every command takes."""

    config: Path | None = None
    json: bool = False
    debug: bool = False


def options(context: typer.Context) -> Options:
    """The options of this command line."""
    held: Options = context.find_root().obj
    return held


def settings(context: typer.Context) -> Settings:
    """The settings that --config, or else the environment, names; raises `InvalidSettings`."""
    import os

    from authsvc.settings import load

    return load(options(context).config, os.environ)


@contextmanager
def opened(context: typer.Context, *, any_schema: bool = False) -> Iterator[Offline]:
    """All parts that work without the service; the schema is one that this release can run on.

    Raises `InvalidSettings` when it is not, unless `any_schema`, and `Unavailable`.
    """
    from authsvc.assembly.offline import offline
    from authsvc.db import schema

    parts = offline(settings(context))
    try:
        if not any_schema:
            schema.check(parts.database)
        yield parts
    finally:
        parts.database.dispose()


def change(context: typer.Context, edit: Callable[[Transaction], Outcome[T]]) -> T:
    """Make one edit by the one road, as the person at this terminal."""
    with opened(context) as parts:
        return parts.unit_of_work.run(actor(), edit)


def people_of(settings: Settings, *, debug: bool = False, files: bool = False) -> People:
    """Whom the sources know; a directory is asked when a question is about one of its people.

    A file is asked as well with `files`: it knows no more of its people than that they are there.
    One that cannot be asked is told of by the error alone, or by the log too with `debug`.
    """
    from functools import partial

    from authsvc.access.questions import People

    names = [source.name for source in settings.sources]
    return People(names, partial(_asked, settings, debug, files))


def _asked(
    settings: Settings, debug: bool, files: bool, source: str, name: str
) -> Principal | None:
    """As `asked_once`; its error says what to do next."""
    from contextlib import nullcontext

    from authsvc.assembly.sources import asked_once
    from authsvc.errors import Unavailable

    try:
        with nullcontext() if debug else _without_log():
            return asked_once(settings, source, name, files=files)
    except Unavailable as error:
        kind = next(each.type for each in settings.sources if each.name == source)
        key = "urls" if kind == "ldap" else "path"
        advice = f"see to sources.{source}.{key}, or run it again with --debug to see why"
        raise Unavailable(error.message, what=error.what, advice=advice) from error


@contextmanager
def _without_log() -> Iterator[None]:
    import logging

    import structlog

    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def actor() -> Actor:
    """The system user at this host, as audit records name the command line.

    The user is the one the kernel knows, not what the environment says.
    """
    import os
    import pwd
    import socket

    from authsvc.principal import Actor, Kind

    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container that runs under a number without an account
        name = str(uid)
    return Actor(Kind.CLI, source=socket.gethostname(), name=name, id=str(uid))
