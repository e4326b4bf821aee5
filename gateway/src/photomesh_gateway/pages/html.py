"""The gateway's HTML pages."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from fastapi.responses import HTMLResponse

__all__ = ["DOCS", "DOCS_START", "HTML_HEADERS", "Problem", "problem_list", "problem_page"]

Problem = dict[str, Any]
"""A problem type, as in problems.json."""

HTML_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
DOCS = """<!doctype html>
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
# Requests go to the page's own origin, whatever name it was opened by: the policy above allows no other.
DOCS_START = """(async () => {
  const spec = await (await fetch("/openapi.json")).json();
  spec.servers = [{ url: location.origin }];
  SwaggerUIBundle({
    spec,
    dom_id: "#docs",
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
})();
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


def _html(title: str, content: str) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), content=content), headers=HTML_HEADERS | {"Vary": "Accept"})


def problem_page(problem: Problem) -> HTMLResponse:
    text = _CODE.sub(r"<code>\1</code>", escape(problem["explanation"]))
    repeat = "The same request may succeed later." if problem["retryable"] else "The same request will fail again."
    return _html(
        problem["title"],
        f"<p>{text}</p>"
        f"<table><tr><th>code<td><code>{escape(problem['code'])}</code>"
        f"<tr><th>status<td>{problem['status']}<tr><th>retryable<td>{repeat}</table>"
        '<p><a href="/problems/">All problem types</a> · <a href="/docs">API</a></p>',
    )


def problem_list(problems: list[Problem]) -> HTMLResponse:
    rows = "".join(
        f'<tr><td>{p["status"]}<td><a href="/problems/{escape(p["code"])}">{escape(p["code"])}</a>'
        f"<td>{escape(p['title'])}"
        for p in sorted(problems, key=lambda p: (p["status"], p["code"]))
    )
    return _html("Problem types", f"<table><tr><th>status<th>code<th>title{rows}</table>")
