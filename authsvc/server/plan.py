"""What one serving process does, whether it is alone or one of several workers."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authsvc import logs
from authsvc.clock import SystemClock
from authsvc.settings import Settings
from authsvc.web.health import Readiness

from .lifecycle import Server
from .protocol import Bounds
from .tls import Certificates


@dataclass(frozen=True)
class Plan:
    """Everything that a serving process needs to know; it is sent to workers as it is.

    `app` names, as `module:function`, what makes the ASGI application out of the settings and
    the readiness that it shows in /readyz.
    """

    settings: Settings
    bounds: Bounds
    app: str
    style: logs.Format = "json"
    level: str = "info"


def server_of(plan: Plan, *, started: Callable[[], None], alone: bool = True) -> Server:
    """The server of one process. Raises InvalidSettings for a TLS certificate."""
    create_app = _factory(plan.app)
    return Server(
        lambda readiness: create_app(plan.settings, readiness),
        Readiness(),
        bounds=plan.bounds,
        drain=plan.settings.server.drain,
        certificates=certificates_of(plan.settings),
        started=started,
        alone=alone,
    )


def certificates_of(settings: Settings) -> Certificates | None:
    """The TLS certificate, None when the service speaks plain HTTP. Raises InvalidSettings."""
    certificate, key = settings.server.tls_cert, settings.server.tls_key
    if certificate is None or key is None:
        return None
    return Certificates(certificate, key, SystemClock())


def _factory(name: str) -> Callable[[Settings, Readiness], Any]:
    module, _, function = name.partition(":")
    found: Callable[[Settings, Readiness], Any] = getattr(importlib.import_module(module), function)
    return found
