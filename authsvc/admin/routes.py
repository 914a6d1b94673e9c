"""The routes of the admin API: each is an operation, and the entrance that leads to it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from authsvc.changes.guard import NOTHING_HERE
from authsvc.errors import Forbidden, NotFound

from .api import OPERATIONS
from .bodies import read
from .call import Api, Call, Reply
from .caller import Caller
from .described import Described
from .permissions import PERMISSIONS, Entrance
from .preconditions import etag

PREFIX = "/api/v1"


def routes(api: Api, callers: Caller) -> APIRouter:
    """All routes of the API."""
    router = APIRouter(prefix=PREFIX)
    methods: dict[str, set[str]] = {}
    for (method, path), described in OPERATIONS.items():
        router.add_api_route(
            path,
            _endpoint(api, callers, (method, path), described),
            methods=[method],
            summary=described.summary,
            openapi_extra=described.openapi(method, path),
            response_class=Response,
            responses={},
            name=f"{method} {path}",
        )
        methods.setdefault(path, set()).add(method)
    for path, allowed in sorted(methods.items(), key=lambda item: "{" in item[0]):
        router.add_route(PREFIX + path, _Others(allowed), include_in_schema=False)
    return router


class _Others:
    """Whatever else is asked of a path: 405 with all its methods (RFC 9110, section 15.5.6)."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allow = ", ".join(sorted(allowed))

    async def __call__(self, *_: Any) -> Any:
        raise HTTPException(405, headers={"Allow": self._allow})


def _endpoint(api: Api, callers: Caller, route: tuple[str, str], described: Described) -> Any:
    entrance = PERMISSIONS.get(route)

    async def endpoint(request: Request) -> Response:
        actor = await callers(request)
        if request.scope["path"].endswith("\n"):  # which the framework takes for the same path
            raise NotFound(NOTHING_HERE)
        headers = _once_each(request)
        _refuse_other_sites(headers, api.settings.public_url)
        call = Call(
            api=api, actor=actor, route=" ".join(route), path=request.url.path,
            ids=request.path_params, query=request.query_params.multi_items(),
            headers=headers, raw=b"", reads=route[0] == "GET" or described.asks,
        )  # fmt: skip
        await _enter(call, entrance)
        call = replace(call, raw=await read(request.stream(), described.most))
        return _printed(await described.operation(call))

    return endpoint


async def _enter(call: Call, entrance: Entrance | None) -> None:
    """Raise NotFound unless the caller may come in here; nobody may where nothing says who."""
    actor = call.actor
    if entrance is None or not await call.read(lambda _, rights: entrance.admits(actor, rights)):
        if not call.reads:
            call.api.refused(call.actor, NOTHING_HERE)
        raise NotFound(NOTHING_HERE)


def _refuse_other_sites(headers: Mapping[str, str], public_url: str) -> None:
    """Raise Forbidden for what a page of another site has a browser send (Fetch Metadata).

    A browser that has signed in here once sends the credentials along, whoever's page asks.
    """
    site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
    ours = f"{urlsplit(public_url).scheme}://{urlsplit(public_url).netloc}"
    if site not in ("none", "same-origin") or origin not in (None, ours):
        raise Forbidden("a page of another site may not ask here")


def _once_each(request: Request) -> Mapping[str, str]:
    """The headers by their small names; of those that came twice, all, divided by commas."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _printed(reply: Reply) -> Response:
    headers = {"Cache-Control": "no-store", **reply.headers}
    if reply.item:
        headers["ETag"] = etag(reply.value)
    if reply.status == 204:
        return Response(status_code=204, headers=headers)
    if reply.printed is not None:
        return Response(reply.printed, reply.status, headers, "application/json")
    return JSONResponse(reply.value, reply.status, headers)
