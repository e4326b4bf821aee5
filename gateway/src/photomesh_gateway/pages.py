"""The gateway's own pages: index, limits, problem types, the OpenAPI document, interactive documentation.

They need no token and stand outside the rate limits.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from photomesh_gateway.limits import Limits, limits_of
from photomesh_gateway.settings import Settings
from photomesh_shared.errors import NotFound

__all__ = ["router"]

_PACKAGE = files("photomesh_gateway")
# The documentation's scripts come from an installed package, so that the page asks no other site for anything, and its
# policy holds it to that. Swagger UI writes style attributes, hence 'unsafe-inline' for styles.
_SWAGGER_UI = files("fastapi_offline") / "static"
_DOCS_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "start.js": "text/javascript",
}
_HTML_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_DOCS = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Photomesh API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
  body {{ max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
  td, th {{ text-align: left; padding: .2rem 1.5rem .2rem 0; vertical-align: top }}
</style>
<h1>{title}</h1>
{content}
</html>
"""

_CODE = re.compile("`([^`]*)`")

Problem = dict[str, Any]


def _html(title: str, content: str) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), content=content), headers=_HTML_HEADERS | {"Vary": "Accept"})


def _wants_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _problem_page(problem: Problem) -> HTMLResponse:
    text = _CODE.sub(r"<code>\1</code>", escape(problem["explanation"]))
    repeat = "The same request may succeed later." if problem["retryable"] else "The same request will fail again."
    return _html(
        problem["title"],
        f"<p>{text}</p>"
        f"<table><tr><th>code<td><code>{escape(problem['code'])}</code>"
        f"<tr><th>status<td>{problem['status']}<tr><th>retryable<td>{repeat}</table>"
        '<p><a href="/problems/">All problem types</a> · <a href="/docs">API</a></p>',
    )


def _problem_list(problems: list[Problem]) -> HTMLResponse:
    rows = "".join(
        f'<tr><td>{p["status"]}<td><a href="/problems/{escape(p["code"])}">{escape(p["code"])}</a>'
        f"<td>{escape(p['title'])}"
        for p in sorted(problems, key=lambda p: (p["status"], p["code"]))
    )
    return _html("Problem types", f"<table><tr><th>status<th>code<th>title{rows}</table>")


def router(settings: Settings) -> APIRouter:
    """The pages' routes."""
    pages = APIRouter()

    @cache
    def document() -> tuple[bytes, str]:
        content = (_PACKAGE / "openapi.json").read_bytes()
        return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'

    @cache
    def problems() -> dict[str, Problem]:
        found: list[Problem] = json.loads((_PACKAGE / "problems.json").read_bytes())
        return {p["code"]: {"type": f"{settings.problem_type_base}/{p['code']}", **p} for p in found}

    @cache
    def assets() -> dict[str, bytes]:
        vendored = {name: (_SWAGGER_UI / name).read_bytes() for name in _DOCS_ASSETS if name != "start.js"}
        return {**vendored, "start.js": _START.encode()}

    @pages.get("/v1/limits", tags=["platform"], summary="Read what is enforced", operation_id="get_limits")
    async def limits() -> Limits:
        """Lists rates, bytes, pixels and types, as the platform enforces them at the moment. Answers carry the state of
        the rate limits in `RateLimit` and `RateLimit-Policy`."""
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
    async def openapi(request: Request) -> Response:
        content, tag = document()
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type="application/json")

    @pages.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_DOCS, headers=_HTML_HEADERS)

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
    async def problem_list(request: Request) -> Response:
        if _wants_html(request):
            return _problem_list([*problems().values()])
        return JSONResponse({"items": [*problems().values()]}, headers={"Vary": "Accept"})

    @pages.get("/problems/{code}", include_in_schema=False)
    async def problem_type(code: str, request: Request) -> Response:
        if code not in problems():
            raise NotFound(f"There is no problem type {code[:64]!r}.")
        if _wants_html(request):
            return _problem_page(problems()[code])
        return JSONResponse(problems()[code], headers={"Vary": "Accept"})

    return pages
