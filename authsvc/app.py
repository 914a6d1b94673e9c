"""The application: what answers which path, and what runs beside it while it is up."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from authsvc import __version__
from authsvc.admin import pages, routes
from authsvc.admin.api import OPERATIONS
from authsvc.admin.call import Api
from authsvc.admin.caller import Callers
from authsvc.admin.described import components as admin_components
from authsvc.admin.paging import Cursors
from authsvc.admin.refused import Refused
from authsvc.assembly.minted import lasting_of
from authsvc.assembly.online import Online, online
from authsvc.changes.guard import NOTHING_HERE
from authsvc.errors import AuthsvcError
from authsvc.identity.sign_ins import SignIns
from authsvc.lifespan import running
from authsvc.settings import Settings
from authsvc.tokens import metadata, openapi, realm, revocation
from authsvc.tokens.metadata import Metadata
from authsvc.tokens.realm import Realm
from authsvc.tokens.revocation import Desk, Revocation
from authsvc.web.errors import OPAQUE, problem, refusal
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
    revoking = _revocation(settings, parts)

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path in revocation.PATHS:
            await revoking(scope, receive, send)
        elif realm.serves(path):
            await tokens(scope, receive, send)
        elif path in metadata.PATHS:
            await known(scope, receive, send)
        else:
            await otherwise(scope, receive, send)

    return front


def _sign_ins(parts: Online) -> SignIns:
    """How callers come in by all interfaces but the token realm itself."""
    clock, saw = parts.offline.clock, parts.uses.saw
    return SignIns(parts.authenticator, parts.log, clock, parts.pseudonym, saw)


def _revocation(settings: Settings, parts: Online) -> Revocation:
    desk = Desk(
        sign_ins=_sign_ins(parts), unit_of_work=parts.unit_of_work, readers=parts.readers,
        changers=parts.changers, hear=parts.hear, lasting=lasting_of(settings),
    )  # fmt: skip
    return Revocation(desk, issuer=settings.issuer, url=settings.realm)


def _api(settings: Settings, parts: Online) -> FastAPI:
    """The framework's part: the admin API and the pages of its documentation."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running(parts):
            yield

    app = FastAPI(
        title=TITLE, version=__version__, lifespan=lifespan, redirect_slashes=False,
        openapi_url=None, docs_url=None, redoc_url=None,
    )  # fmt: skip
    callers = Callers(_sign_ins(parts))
    app.include_router(routes.routes(_admin(settings, parts), callers))
    app.include_router(pages.routes(callers, _document(settings, app)))
    _speak_problems(app, settings.realm)
    return app


def _admin(settings: Settings, parts: Online) -> Api:
    secret = parts.offline.keys.secret()
    return Api(
        settings=settings, database=parts.offline.database, clock=parts.offline.clock,
        unit_of_work=parts.unit_of_work, authenticator=parts.authenticator,
        readers=parts.readers, changers=parts.changers, hashes=parts.hashes,
        policies=parts.policies,
        cursors=Cursors(secret), secret=secret,
        hear=parts.hear, refused=Refused(parts.log, parts.offline.clock), find=parts.find,
        owner=partial(parts.people.find, files=True),
    )  # fmt: skip


def _document(settings: Settings, app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of all interfaces: the framework's routes and the token realm."""
    document = app.openapi()
    document["servers"] = [{"url": settings.public_url}]
    document["paths"] |= openapi.paths()
    components = document.setdefault("components", {})
    described = admin_components(OPERATIONS.values())
    components.setdefault("schemas", {}).update(openapi.schemas() | described)
    components["securitySchemes"] = {
        name: {"type": "http", "scheme": name} for name in ("basic", "bearer")
    }
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
        # What nobody knows, and what a caller may not see, are told apart by no word.
        said = NOTHING_HERE if error.status_code == 404 else str(error.detail)
        status, headers, body = refusal(
            error.status_code, said, path=request.url.path, request_id=request_id
        )
        return _response(status, headers, body, error.headers or {})

    @app.exception_handler(Exception)
    def failed(request: Request, _: Exception) -> Response:
        """The shape of our own faults; they go on to the shell, which logs them."""
        request_id = request.scope["state"]["request_id"]
        return _response(*refusal(500, OPAQUE, path=request.url.path, request_id=request_id))


def _response(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes, more: Mapping[str, str] = {}
) -> Response:
    named = {name.decode(): value.decode() for name, value in headers}
    return Response(body, status, {**named, **more})
