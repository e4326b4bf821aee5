"""Problems (RFC 9457) over HTTP: their OpenAPI documentation, and the handlers that render them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from photomesh_shared.errors import (
    CONTENT_TYPE,
    BadRequest,
    FieldError,
    InvalidRequest,
    MalformedJson,
    MethodNotAllowed,
    PayloadTooLarge,
    Problem,
    RouteNotFound,
    problem_body,
)
from photomesh_shared.http.schemas import Url
from photomesh_shared.observability import logs
from photomesh_shared.settings import ServiceSettings

__all__ = ["HANDLERS", "ProblemDocument", "problems", "with_problem_content"]

_MAX_ERRORS = 20  # an invalid body may cause thousands, and a response larger than itself
_MAX_NAME = 100  # characters of a member's name

Handler = Callable[[Request, Exception], Coroutine[Any, Any, Response]]


class ProblemField(BaseModel):
    """An error in one part of the request."""

    location: str = Field(description="`body`, `query`, `path` or `header`.", examples=["body"])
    pointer: str = Field(
        description="An RFC 6901 JSON pointer into that part; empty for the whole part.", examples=["/username"]
    )
    detail: str = Field(examples=["String should have at least 3 characters"])


class ProblemDocument(BaseModel):
    """An RFC 9457 problem. `type` is a stable URL with an explanation; other members may be added."""

    type: Url = Field(examples=["http://127.0.0.1:18000/problems/invalid-request"])
    title: str = Field(examples=["The request is not valid"])
    status: int = Field(examples=[422])
    code: str = Field(examples=["invalid-request"])
    retryable: bool = Field(description="Whether the same request may succeed later.", examples=[False])
    detail: str | None = None
    errors: list[ProblemField] | None = None
    request_id: str | None = Field(None, examples=["req_5Y1pXQm2"])
    limit: int | None = Field(None, description="How many are allowed.")
    max_bytes: int | None = Field(None, description="How many bytes are allowed.")
    quota: str | None = Field(None, description="The quota that is used up.")
    counted_by: str | None = Field(None, description="Whose quota it is: `account` or `address`. More may be added.")
    full_in: int | None = Field(None, description="Seconds until the quota is full again.")
    allowed_types: list[str] | None = Field(None, description="The media types that are accepted.")
    missing_part_numbers: list[int] | None = Field(None, description="The parts of the upload that have not arrived.")
    part_numbers: list[int] | None = Field(None, description="The parts that are not as announced.")
    announced_bytes: int | None = Field(None, description="The size that was announced.")
    arrived_bytes: int | None = Field(None, description="The size that arrived.")
    photo_id: str | None = Field(None, description="The photo that the upload became.")
    photo_status: str | None = Field(None, description="The status of the photo.")
    violated_policies: list[str] | None = Field(None, description="The names of the rate limits that are exceeded.")
    required_scope: str | None = Field(None, description="The scope that the token lacks.")
    required_role: str | None = Field(None, description="The role of staff that the token lacks.")
    ticket: str | None = Field(None, description="What completes the log-in, with a second factor.")
    expires_in: int | None = Field(None, description="Seconds for which the ticket is good.")
    methods: list[str] | None = Field(
        None, description="The second factors that it takes: `totp`, `recovery_code`. More may be added."
    )
    region: str | None = Field(None, description="The region to which the resource belongs.")
    region_url: Url | None = Field(None, description="Where that region's API is.")


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses=` of a route: its problems, each with an example."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = responses.setdefault(
            kind.status,
            {
                "model": ProblemDocument,
                "description": HTTPStatus(kind.status).phrase,
                "content": {CONTENT_TYPE: {"examples": {}}},
            },
        )
        body = problem_body(kind(), type_base="http://127.0.0.1:18000/problems", request_id="req_5Y1pXQm2")
        entry["content"][CONTENT_TYPE]["examples"][kind.code] = {"summary": kind.title, "value": body}
    return responses


def with_problem_content(document: dict[str, Any]) -> dict[str, Any]:
    """Correct the media type and schema of problems in an OpenAPI document: FastAPI documents every response as
    application/json, and invalid requests in its own format."""
    schemas = document.get("components", {}).get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in document.get("paths", {}).values():
        for operation in path.values():
            answers = operation["responses"]
            if "HTTPValidationError" in str(answers.get("422")):  # undeclared: only a name is validated
                del answers["422"]
            for answer in answers.values():
                content = answer.get("content", {})
                if CONTENT_TYPE in content:  # and beside it, the model under the media type of the route's successes
                    others = [content.pop(kind) for kind in list(content) if kind != CONTENT_TYPE]
                    content[CONTENT_TYPE] = (others[0] if others else {}) | content[CONTENT_TYPE]
    return document


def _respond(request: Request, problem: Problem) -> JSONResponse:
    settings: ServiceSettings = request.app.state.settings
    body = problem_body(problem, type_base=settings.problem_type_base, request_id=logs.request_id.get())
    return JSONResponse(body, problem.status, problem.headers, CONTENT_TYPE)


def _field_error(found: dict[str, Any]) -> FieldError:
    location, *path = found["loc"]
    pointer = "".join("/" + str(part)[:_MAX_NAME].replace("~", "~0").replace("/", "~1") for part in path)
    return FieldError(pointer, found["msg"].removeprefix("Value error, "), location)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _respond(request, error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return _respond(request, MalformedJson())
    fields = [_field_error(item) for item in found[:_MAX_ERRORS]]
    detail = f"There are {len(found)} errors; these are the first." if len(found) > _MAX_ERRORS else None
    return _respond(request, InvalidRequest(detail, errors=fields))


async def _on_lone_surrogate(request: Request, error: Exception) -> Response:
    """Handle a lone surrogate: JSON can escape one (``"\\ud800"``), but it cannot be encoded, hence not hashed, stored
    or sent. Only requests can contain one, so wherever the error occurs, the request is invalid."""
    return _respond(request, InvalidRequest("The text contains half a surrogate pair."))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 304:
            return Response(status_code=304, headers=error.headers)
        case 404:
            problem: Problem = RouteNotFound()
        case 405:
            problem = MethodNotAllowed(headers=error.headers)
        case 400:
            problem = MalformedJson()  # FastAPI's error for a body that is not text
        case 413:
            problem = PayloadTooLarge()
        case _:
            problem = BadRequest(str(error.detail))
    return _respond(request, problem)


HANDLERS: dict[int | type[Exception], Handler] = {
    Problem: _on_problem,
    RequestValidationError: _on_invalid,
    HTTPException: _on_http,
    UnicodeEncodeError: _on_lone_surrogate,
}
"""For `FastAPI(exception_handlers=…)`."""
