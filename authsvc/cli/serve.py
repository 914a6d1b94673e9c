"""`authsvc serve`: the service itself."""

from typing import TYPE_CHECKING, Annotated

import typer

from .session import options, settings

if TYPE_CHECKING:
    from authsvc.settings import Settings


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Instead of server.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Instead of server.port.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Instead of server.workers.")
    ] = None,
) -> None:
    """Serve until SIGTERM; a second one hurries, and so does Ctrl+C."""
    from authsvc.server.serve import serve as run

    found = settings(context)
    given = {"host": host, "port": port, "workers": workers}
    changed = {name: value for name, value in given.items() if value is not None}
    server = found.server.model_copy(update=changed)
    _check(found)
    level = "debug" if options(context).debug else "info"
    run(found.model_copy(update={"server": server}), level=level)


def _check(found: "Settings") -> None:
    """Stop before anything listens when schema or keys cannot be used.

    Raises InvalidSettings and Conflict. A database that does not answer is no reason to stop: it
    is waited for, not ready.
    """
    from authsvc.assembly.offline import offline
    from authsvc.db import schema
    from authsvc.errors import Unavailable
    from authsvc.keys import readiness, rows

    readiness.check_folder(found)
    parts = offline(found)
    try:
        schema.check(parts.database)
        with parts.database.read() as session:
            authority = rows.authority(session)
    except Unavailable:
        return
    finally:
        parts.database.dispose()
    readiness.check(found, None if authority is None else authority.fingerprint)
