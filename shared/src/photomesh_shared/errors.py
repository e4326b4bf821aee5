"""Errors of the API, as RFC 9457 problems.

    Problem
    ├── BadRequest 400        ── MalformedJson, InvalidCursor
    ├── Unauthorized 401      ── MissingToken, InvalidToken, ExpiredToken
    ├── Forbidden 403         ── InsufficientScope, SessionRequired (photomesh_shared.tokens.errors)
    ├── NotFound 404          ── RouteNotFound, AccountNotFound
    ├── MethodNotAllowed 405
    ├── Conflict 409          ── IdempotencyKeyInUse
    ├── Gone 410
    ├── PreconditionFailed 412
    ├── PayloadTooLarge 413
    ├── UnsupportedMediaType 415
    ├── Misdirected 421       ── WrongRegion
    ├── Unprocessable 422     ── InvalidRequest, IdempotencyKeyReused
    ├── TooManyRequests 429
    ├── HeadersTooLarge 431
    ├── InternalError 500
    └── Unavailable 503       ── DatabaseUnavailable, EventLogUnavailable, ObjectStorageUnavailable, ServiceUnavailable

A class that sets its own `code` is a problem type: its docstring is the explanation shown at the type's URL, so it says
what happened and what to do. A service defines its own types in its `errors.py`, as subclasses of the class with the
right status. One handler (`photomesh_shared.http`) renders them all.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Unpack

from photomesh_shared.problem_members import FieldError, ProblemExtensions

__all__ = [
    "AccountNotFound",
    "BadRequest",
    "Conflict",
    "DatabaseUnavailable",
    "EventLogUnavailable",
    "ExpiredToken",
    "FieldError",
    "Forbidden",
    "Gone",
    "HeadersTooLarge",
    "IdempotencyKeyInUse",
    "IdempotencyKeyReused",
    "InternalError",
    "InvalidCursor",
    "InvalidRequest",
    "InvalidToken",
    "MalformedJson",
    "MethodNotAllowed",
    "Misdirected",
    "MissingToken",
    "NotFound",
    "ObjectStorageUnavailable",
    "PayloadTooLarge",
    "PreconditionFailed",
    "Problem",
    "ProblemExtensions",
    "RouteNotFound",
    "ServiceUnavailable",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "Unprocessable",
    "UnsupportedMediaType",
    "WrongRegion",
    "all_problem_types",
    "explanation",
    "problem_body",
]

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """An error with a stable type.

    `detail` describes this occurrence; `extensions` become additional members of the problem document.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: Unpack[ProblemExtensions],
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extensions = extensions


class BadRequest(Problem):
    """The request is malformed."""

    status, code, title = 400, "bad-request", "The request cannot be understood"


class MalformedJson(BadRequest):
    """The body is not JSON. Send a JSON object in UTF-8 with `Content-Type: application/json`."""

    code, title = "malformed-json", "The body is not JSON"


class InvalidCursor(BadRequest):
    """The cursor belongs to another list, or was altered. Cursors are opaque: send `next_cursor` back unchanged, to the
    same list; omit it to get the first page."""

    code, title = "invalid-cursor", "The cursor does not belong to this list"


class Unauthorized(Problem):
    """The request needs authentication. Log in and send `Authorization: Bearer <access token>`."""

    status, code, title = 401, "unauthorized", "Authentication is needed"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, **rest)
        self.headers.setdefault("WWW-Authenticate", "Bearer")


class MissingToken(Unauthorized):
    """This route needs an access token. Log in (`POST /v1/sessions`) and send it as `Authorization: Bearer …`."""

    code, title = "missing-token", "An access token is needed"


class InvalidToken(Unauthorized):
    """The access token is invalid: its signature, issuer or audience is wrong, or it is not a token. Log in again."""

    code, title = "invalid-token", "The access token is not valid"


class ExpiredToken(Unauthorized):
    """The access token has expired. Get a new one with your refresh token
    (`POST /v1/sessions/refresh`)."""

    code, title = "expired-token", "The access token has expired"


class Forbidden(Problem):
    """The account is not allowed to do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(Problem):
    """The resource does not exist, or is hidden from you; the two cases are indistinguishable on purpose."""

    status, code, title = 404, "not-found", "Not found"


class RouteNotFound(NotFound):
    """The API has no such path. All paths are listed at `/docs`."""

    code, title = "route-not-found", "No such path"


class AccountNotFound(NotFound):
    """The account does not exist, or is hidden from you; the two cases are indistinguishable on purpose."""

    code, title = "account-not-found", "There is no such account"


class MethodNotAllowed(Problem):
    """The path does not support this method. The `Allow` header lists the supported ones."""

    status, code, title = 405, "method-not-allowed", "The path does not support this method"


class Conflict(Problem):
    """The request conflicts with the current state of the resource."""

    status, code, title = 409, "conflict", "The request conflicts with the current state"


class IdempotencyKeyInUse(Conflict):
    """A request with this `Idempotency-Key` is in progress. Wait a moment, then send the same request again."""

    code, title, retryable = (
        "idempotency-key-in-use",
        "A request with this Idempotency-Key is in progress",
        True,
    )


class Gone(Problem):
    """The resource no longer exists."""

    status, code, title = 410, "gone", "It no longer exists"


class PreconditionFailed(Problem):
    """`If-Match` does not name the current version. Fetch the resource again, then repeat your change."""

    status, code, title = 412, "precondition-failed", "It has changed since you read it"


class PayloadTooLarge(Problem):
    """The body exceeds the maximum size. Photos do not go through the API: upload them to the presigned URLs."""

    status, code, title = 413, "payload-too-large", "The body is too large"


class UnsupportedMediaType(Problem):
    """The body is not plain JSON. Send `Content-Type: application/json`, and no `Content-Encoding`."""

    status, code, title = 415, "unsupported-media-type", "The body must be plain JSON"


class Misdirected(Problem):
    """Another server is responsible for this request."""

    status, code, title = 421, "misdirected", "Another server is responsible"


class WrongRegion(Misdirected):
    """The upload belongs to another region. Send the request to the URL in `region_url`; an upload stays in the region
    where it was begun."""

    code, title = "wrong-region", "The upload belongs to another region"


class Unprocessable(Problem):
    """The request is well-formed, but cannot be carried out."""

    status, code, title = 422, "unprocessable", "The request cannot be carried out"


class InvalidRequest(Unprocessable):
    """Fields of the request are missing or invalid. `errors` lists each with a pointer and a reason."""

    code, title = "invalid-request", "The request is not valid"


class IdempotencyKeyReused(Unprocessable):
    """This `Idempotency-Key` was used for a different request. Use a new key for each request; reuse a key only to
    repeat the same request."""

    code, title = "idempotency-key-reused", "The Idempotency-Key belongs to another request"


class TooManyRequests(Problem):
    """A rate limit is exceeded. Wait `Retry-After` seconds. `GET /v1/limits` lists all limits."""

    status, code, title, retryable = 429, "too-many-requests", "Too many requests", True


class HeadersTooLarge(Problem):
    """The request's headers are too many or too long. `GET /v1/limits` lists the limits."""

    status, code, title = 431, "headers-too-large", "The headers are too large"


class InternalError(Problem):
    """An error on our side, logged under the `request_id`. Trying again later may help."""

    status, code, title, retryable = 500, "internal-error", "Something went wrong on our side", True


class Unavailable(Problem):
    """A part of the platform is unreachable or overloaded. Try again after `Retry-After` seconds; repeating is safe
    with the same `Idempotency-Key`."""

    status, code, title, retryable = 503, "unavailable", "Not available at the moment", True

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, **rest)
        self.headers.setdefault("Retry-After", "2")


class DatabaseUnavailable(Unavailable):
    """The database did not respond in time. The requested change may or may not have been made: check before you repeat
    it, or repeat it with the same `Idempotency-Key`."""

    code, title = "database-unavailable", "The database is unavailable"


class EventLogUnavailable(Unavailable):
    """The event log, to which every change is written first, is unreachable. Try again in a few seconds; repeating is
    safe with the same `Idempotency-Key`."""

    code, title = "event-log-unavailable", "The event log is unavailable"


class ObjectStorageUnavailable(Unavailable):
    """The storage of photos is unreachable. Try again in a moment; no acknowledged upload is lost."""

    code, title = "object-storage-unavailable", "Object storage is unavailable"


class ServiceUnavailable(Unavailable):
    """A service that this request needs is unreachable. Try again after `Retry-After` seconds;
    repeating is safe with the same `Idempotency-Key`."""

    code, title = "service-unavailable", "A service is unavailable"


def problem_body(problem: Problem, *, type_base: str, request_id: str | None) -> dict[str, Any]:
    """Return the problem document. `type_base` is the URL prefix of the types' pages."""
    body: dict[str, Any] = {
        "type": f"{type_base}/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "retryable": problem.retryable,
    }
    if problem.detail:
        body["detail"] = problem.detail
    if problem.errors:
        body["errors"] = [asdict(error) for error in problem.errors]
    if request_id:
        body["request_id"] = request_id
    return body | problem.extensions


def explanation(kind: type[Problem]) -> str:
    """Return the text of a type's page."""
    return " ".join((inspect.getdoc(kind) or kind.title).split())


def all_problem_types() -> list[type[Problem]]:
    """Return every problem type that imported modules define, by code."""
    found: dict[str, type[Problem]] = {}

    def visit(kind: type[Problem]) -> None:
        for child in kind.__subclasses__():
            if "code" in vars(child):
                found[child.code] = child
            visit(child)

    visit(Problem)
    return [found[code] for code in sorted(found)]
