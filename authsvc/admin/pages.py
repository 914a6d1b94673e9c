"""The documentation of the interfaces: /openapi.json and /docs, which fetch nothing elsewhere."""

from html import escape
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, JSONResponse

from .caller import Caller

NO_STORE = {"Cache-Control": "no-store"}
POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"} | NO_STORE
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem;"
    "border-bottom:1px solid #ccc}code{background:#f3f3f3}"
)


def routes(caller: Caller, document: dict[str, Any]) -> APIRouter:
    """Both pages, open to any valid credentials."""
    router = APIRouter(dependencies=[Depends(caller)], include_in_schema=False)
    page = rendered(document)

    @router.get("/openapi.json")
    def openapi() -> JSONResponse:
        return JSONResponse(document, headers=NO_STORE)

    @router.get("/docs")
    def docs() -> HTMLResponse:
        return HTMLResponse(page, headers=POLICY)

    return router


def rendered(document: dict[str, Any]) -> str:
    """An OpenAPI document as one plain page."""
    operations = "".join(
        _operation(method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    )
    title = escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1>"
        '<p>The machine-readable form is <a href="openapi.json">openapi.json</a>.</p>'
        f"{operations}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(p['name'])}</code><td>{escape(p.get('description', ''))}"
        for p in operation.get("parameters", ())
    )
    answers = "".join(
        f"<tr><td>{escape(status)}<td>{escape(answer['description'])}"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<h2><code>{escape(method)} {escape(path)}</code></h2>"
        f"<p>{escape(operation.get('summary', ''))}</p>"
        f"<table>{parameters}</table><h3>Answers</h3><table>{answers}</table>"
    )
