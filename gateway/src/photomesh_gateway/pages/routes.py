"""The gateway's own pages: index, limits, problem types, the OpenAPI document, interactive documentation. They need no
token.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from photomesh_gateway.pages.html import DOCS, DOCS_START, HTML_HEADERS, Problem, problem_list, problem_page
from photomesh_gateway.pages.limits import Limits, limits_of
from photomesh_gateway.settings import Settings
from photomesh_shared.errors import NotFound
from photomesh_shared.http.conditional import NOT_MODIFIED

__all__ = ["pages_router"]

_PACKAGE = files("photomesh_gateway")
# The documentation's scripts come from an installed package, so that the page loads nothing from other sites, which its
# Content-Security-Policy enforces.
_SWAGGER_UI = files("fastapi_offline") / "static"
_DOCS_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "start.js": "text/javascript",
}


def _wants_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def pages_router(settings: Settings) -> APIRouter:
    """The routes of the pages."""
    pages = APIRouter()

    @cache
    def document() -> bytes:
        described = json.loads((_PACKAGE / "openapi.json").read_bytes())
        described["servers"][0]["url"] = settings.public_url  # clients are generated for the first server
        return json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()

    @cache
    def problems() -> dict[str, Problem]:
        found: list[Problem] = json.loads((_PACKAGE / "problems.json").read_bytes())
        return {p["code"]: {"type": f"{settings.problem_type_base}/{p['code']}", **p} for p in found}

    @cache
    def assets() -> dict[str, bytes]:
        vendored = {name: (_SWAGGER_UI / name).read_bytes() for name in _DOCS_ASSETS if name != "start.js"}
        return {**vendored, "start.js": DOCS_START.encode()}

    @pages.get(
        "/v1/limits",
        tags=["platform"],
        summary="Read what is enforced",
        operation_id="get_limits",
        responses={304: NOT_MODIFIED},
    )
    async def limits() -> Limits:
        """Lists rates, bytes, pixels and types, as the platform enforces them at the moment. Responses carry the state
        of the rate limits in `RateLimit` and `RateLimit-Policy`."""
        return limits_of(settings)

    @pages.get("/", include_in_schema=False)
    async def index() -> JSONResponse:
        base = settings.public_url
        return JSONResponse(
            {
                "name": "Photomesh",
                "documentation": f"{base}/docs",
                "openapi": f"{base}/openapi.json",
                "limits": f"{base}/v1/limits",
                "problems": f"{base}/problems/",
                "keys": f"{base}/.well-known/jwks.json",
            }
        )

    @pages.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(document(), headers={"Cache-Control": "no-cache"}, media_type="application/json")

    @pages.get("/docs", include_in_schema=False)
    @pages.get("/docs/", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(DOCS, headers=HTML_HEADERS)

    @pages.get("/docs/{name}", include_in_schema=False)
    async def docs_asset(name: str) -> Response:
        if name not in assets():
            raise NotFound
        return Response(
            assets()[name],
            media_type=_DOCS_ASSETS[name],
            headers={"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"},
        )

    @pages.get("/problems", include_in_schema=False)
    @pages.get("/problems/", include_in_schema=False)
    async def problem_types(request: Request) -> Response:
        if _wants_html(request):
            return problem_list([*problems().values()])
        return JSONResponse({"items": [*problems().values()]}, headers={"Vary": "Accept"})

    @pages.get("/problems/{code}", include_in_schema=False)
    async def problem_type(code: str, request: Request) -> Response:
        if code not in problems():
            raise NotFound(f"There is no problem type {code[:64]!r}.")
        if _wants_html(request):
            return problem_page(problems()[code])
        return JSONResponse(problems()[code], headers={"Vary": "Accept"})

    return pages
