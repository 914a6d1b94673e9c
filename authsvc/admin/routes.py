"""The routes of the admin API: each is an operation, and the entrance that leads to it."""

from collections.abc import Collection, Mapping
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from authsvc.changes.guard import NOTHING_HERE
from authsvc.errors import NotFound

from .api import OPERATIONS
from .call import Api, Call, Operation, Reply
from .caller import Caller
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
            _endpoint(api, callers, method, path, described.operation),
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


def _endpoint(api: Api, callers: Caller, method: str, path: str, operation: Operation) -> Any:
    entrance = PERMISSIONS.get((method, path))

    async def endpoint(request: Request) -> Response:
        if request.scope["path"].endswith("\n"):  # which the framework takes for the same path
            raise NotFound(NOTHING_HERE)
        actor = await callers(request)
        call = Call(
            api=api, actor=actor, route=f"{method} {path}", path=request.url.path,
            ids=request.path_params, query=request.query_params.multi_items(),
            headers=_once_each(request), raw=await request.body(),
        )  # fmt: skip
        await _enter(call, entrance)
        return _printed(await operation(call))

    return endpoint


async def _enter(call: Call, entrance: Entrance | None) -> None:
    """Raise NotFound unless the caller may come in here; nobody may where nothing says who."""
    if entrance is None or not await call.read(lambda _, rights: entrance.admits(rights)):
        raise NotFound(NOTHING_HERE)


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
    return JSONResponse(reply.value, reply.status, headers)
