"""`authsvc serve`: the service itself."""

from typing import Annotated

import typer

from .session import options, settings


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
    level = "debug" if options(context).debug else "info"
    run(found.model_copy(update={"server": server}), level=level)
