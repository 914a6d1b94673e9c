"""The application: what answers which path, and what runs beside it while it is up."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from authsvc import __version__
from authsvc.admin import pages
from authsvc.admin.caller import Callers
from authsvc.assembly.online import Online, online
from authsvc.errors import AuthsvcError
from authsvc.lifespan import running
from authsvc.settings import Settings
from authsvc.tokens import metadata, openapi, realm
from authsvc.tokens.metadata import Metadata
from authsvc.tokens.realm import Realm
from authsvc.web.errors import problem, refusal
from authsvc.web.health import Health, Readiness
from authsvc.web.middleware import ASGIApp, Receive, Scope, Send, Shell

VITAL = frozenset({"database", "keys"})
TITLE = "authsvc"


def create_app(settings: Settings, readiness: Readiness | None = None) -> ASGIApp:
    """The ASGI application of one worker; to be called on its event loop.

    Raises InvalidSettings when certs_dir cannot be used.
    """
    parts = online(settings)
    api = _api(settings, parts)
    states: dict[str, Callable[[], str]] = dict(parts.states)
    health = Health(
        api, states, vital=VITAL, readiness=readiness or Readiness(),
        metrics_allow=settings.server.metrics_allow,
    )  # fmt: skip
    tokens = Realm(parts.tokens, parts.offline.clock, url=settings.realm)
    shell = Shell(
        _front(settings, parts, tokens, health),
        trusted_proxies=settings.server.trusted_proxies,
        quick=tokens,
    )
    states["proxy"] = shell.proxy_state
    return shell


def _front(settings: Settings, parts: Online, tokens: Realm, otherwise: ASGIApp) -> ASGIApp:
    """The token realm and the well-known paths stand in front of all routing."""
    known = Metadata(
        issuer=settings.issuer, public_url=settings.public_url, jwks=parts.keyring.jwks
    )

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if realm.serves(path):
            await tokens(scope, receive, send)
        elif path in metadata.PATHS:
            await known(scope, receive, send)
        else:
            await otherwise(scope, receive, send)

    return front


def _api(settings: Settings, parts: Online) -> FastAPI:
    """The framework's part: documentation now, the admin API later."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running(parts):
            yield

    app = FastAPI(
        title=TITLE, version=__version__, lifespan=lifespan, redirect_slashes=False,
        openapi_url=None, docs_url=None, redoc_url=None,
    )  # fmt: skip
    callers = Callers(parts.authenticator, parts.log, parts.offline.clock, parts.pseudonym)
    app.include_router(pages.routes(callers, _document(settings, app)))
    _speak_problems(app, settings.realm)
    return app


def _document(settings: Settings, app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of all interfaces: the framework's routes and the token realm."""
    document = app.openapi()
    document["servers"] = [{"url": settings.public_url}]
    document["paths"] |= openapi.paths()
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(openapi.schemas())
    components["securitySchemes"] = {"basic": {"type": "http", "scheme": "basic"}}
    return document


def _speak_problems(app: FastAPI, url: str) -> None:
    """Answer every error of the framework's part as RFC 9457 says."""

    @app.exception_handler(AuthsvcError)
    def refused(request: Request, error: AuthsvcError) -> Response:
        request_id = request.scope["state"]["request_id"]
        answer = problem(error, instance=request.url.path, request_id=request_id, realm=url)
        return _response(*answer)

    @app.exception_handler(HTTPException)
    def unrouted(request: Request, error: HTTPException) -> Response:
        request_id = request.scope["state"]["request_id"]
        status, headers, body = refusal(
            error.status_code, str(error.detail), path=request.url.path, request_id=request_id
        )
        return _response(status, headers, body, error.headers or {})


def _response(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes, more: Mapping[str, str] = {}
) -> Response:
    named = {name.decode(): value.decode() for name, value in headers}
    return Response(body, status, {**named, **more})
