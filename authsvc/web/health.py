"""/livez, /readyz and /metrics: names and states, and nothing about how the service is set up."""

import ipaddress
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from authsvc import logs, metrics

from .errors import refusal
from .middleware import ASGIApp, Receive, Scope, Send, respond
from .proxies import Network

Dependency = Callable[[], str]

OK, DEGRADED, FAILED = "ok", "degraded", "failed"

_JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
_log = logs.get(__name__)


class Readiness:
    """Whether this process still wants requests; the server says when it no longer does."""

    def __init__(self) -> None:
        self.draining = False

    def drain(self) -> None:
        """From now on, and for good, /readyz is 503."""
        self.draining = True


class Health:
    """The three paths; all others, and /metrics for whom it is not there, go to `otherwise`.

    A dependency says `ok`, `degraded` or `failed`; only a failed one of the `vital` makes
    /readyz 503. `metrics_allow` counts for the client's address as Shell found it; an address
    that is not known, because it was forwarded by somebody who is not trusted, is in no network.
    """

    def __init__(
        self,
        otherwise: ASGIApp,
        dependencies: Mapping[str, Dependency],
        *,
        vital: frozenset[str],
        readiness: Readiness,
        metrics_allow: Sequence[Network],
    ) -> None:
        self._otherwise = otherwise
        self._dependencies = dependencies
        self._vital = vital
        self._readiness = readiness
        self._allowed = tuple(metrics_allow)
        self._pages = {"/livez": self._livez, "/readyz": self._readyz, "/metrics": self._metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        page = self._pages.get(path)
        if page is None or (path == "/metrics" and not self._may_scrape(scope["state"])):
            await self._otherwise(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            await respond(send, *page())
        else:
            await _not_allowed(scope, send)

    def states(self) -> dict[str, str]:
        """The state of every dependency; one that raises has failed."""
        return {name: _state(name, ask) for name, ask in self._dependencies.items()}

    def _livez(self) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        return 200, _JSON, b'{"status":"ok"}'

    def _readyz(self) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        states = self.states()
        failed = any(states.get(name) == FAILED for name in self._vital)
        status = FAILED if failed else DEGRADED if set(states.values()) - {OK} else OK
        if self._readiness.draining:
            status = "draining"
        body = json.dumps({"status": status, "dependencies": states}, separators=(",", ":"))
        if failed or self._readiness.draining:
            return 503, [*_JSON, (b"retry-after", b"1")], body.encode()
        return 200, _JSON, body.encode()

    def _metrics(self) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        return 200, [(b"content-type", metrics.CONTENT_TYPE)], metrics.render()

    def _may_scrape(self, state: Mapping[str, Any]) -> bool:
        if not state["address_known"]:
            return False
        address = ipaddress.ip_address(state["address"])
        return any(address in network for network in self._allowed)


def _state(name: str, ask: Dependency) -> str:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - a dependency that cannot even say so has failed
        _log.warning("a dependency could not be asked", dependency=name, exc_info=error)
        return FAILED


async def _not_allowed(scope: Scope, send: Send) -> None:
    status, headers, body = refusal(
        405, "use GET", path=scope["path"], request_id=scope["state"]["request_id"]
    )
    await respond(send, status, [*headers, (b"allow", b"GET, HEAD")], body)
