"""`serve`: from settings to a running service, in this process or in several workers."""

from dataclasses import replace

from authsvc import logs
from authsvc.settings import Settings
from authsvc.web.exposure import passwords_in_clear

from .listener import connections_within_limits, listen_on
from .plan import Plan, certificates_of, server_of
from .protocol import Bounds
from .workers import Workers

APP = "authsvc.app:create_app"

_log = logs.get(__name__)


def serve(
    settings: Settings, *, app: str = APP, level: str = "info", bounds: Bounds | None = None
) -> None:
    """Serve until a signal says stop. Returns when everything has ended in order.

    `bounds` are the usual ones unless given; connections come from the settings in any case.
    Raises InvalidSettings, Conflict (the port is taken) and whatever the application cannot
    start for; SystemExit with a worker's status when no worker could start.
    """
    style = logs.style_for_terminal()
    logs.configure(style, level)
    _say_what_is_unwise(settings)
    certificates_of(settings)  # a fault is named here, once, and not by every worker
    connections = connections_within_limits(settings.server.connections)
    plan = Plan(settings, replace(bounds or Bounds(), connections=connections), app, style, level)
    with listen_on(settings.server.host, settings.server.port) as sock:
        if settings.server.workers == 1:
            server_of(plan, started=lambda: _announce(settings)).run(sockets=[sock])
        else:
            Workers(plan, sock, started=lambda: _announce(settings)).run()


def _announce(settings: Settings) -> None:
    scheme = "https" if settings.server.tls_cert else "http"
    _log.info(
        "serving",
        address=f"{scheme}://{settings.server.host}:{settings.server.port}",
        public_url=settings.public_url,
        workers=settings.server.workers,
    )


def _say_what_is_unwise(settings: Settings) -> None:
    for text in (*settings.warnings(), *passwords_in_clear(settings)):
        _log.warning(text)
