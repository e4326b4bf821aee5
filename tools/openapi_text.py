"""What the merged OpenAPI document says beside the services: how the API works, and what the gateway adds."""

from __future__ import annotations

from typing import Any

from photomesh_gateway.errors import Overloaded, RequestTimeout, UpstreamFailed, UpstreamTimeout, UpstreamUnavailable
from photomesh_shared.errors import (
    ExpiredToken,
    InvalidToken,
    MissingToken,
    PayloadTooLarge,
    Problem,
    TooManyRequests,
    Unavailable,
)
from photomesh_shared.http import RoutePolicy, problems
from photomesh_shared.http.policy import POLICY

__all__ = [
    "DESCRIPTION",
    "HEADERS",
    "PARAMETERS",
    "SECURITY_SCHEMES",
    "TAGS",
    "TOKEN",
    "common_responses",
    "headers_of",
    "takes",
]

Json = dict[str, Any]

DESCRIPTION = """\
Photo sharing over HTTP and JSON.

**Accounts.** Register or log in for an access token, and send it as `Authorization: Bearer …`. It lasts some minutes;
the refresh token gets you the next one, once.

**Photos** go straight into object storage: begin an upload, PUT the bytes to the URLs that you get, complete it, and
look at the photo until its `status` is no longer `processing`.

**Ids** are opaque strings whose prefix says what they are of: `u_` user, `p_` photo, `o_` post, `c_` comment,
`k_` collection, `up_` upload. Times are RFC 3339 in UTC. Strings like `status` and `code` may get new values: treat one
that you do not know as such.

**Errors** are RFC 9457 problems (`application/problem+json`). `type` is stable and its URL explains it; `retryable`
says whether the same request may succeed later; `errors` points at fields; quote `request_id` when you ask us.

**Repeating** is safe: GET, PUT and DELETE always are, and a POST that takes an `Idempotency-Key` is with the same key.

**Lists** give `items` and `next_cursor`, and a `Link` header. Send the cursor back as it came.

**Limits**: `GET /v1/limits` lists them all, and the `RateLimit` header of each answer says what is left.
"""

TAGS: list[Json] = [
    {"name": "accounts", "description": "Registering, logging in, profiles."},
    {"name": "uploads", "description": "Photos on their way in: presigned, resumable, in parts when large."},
    {"name": "photos", "description": "Photos and their public sizes."},
    {"name": "posts", "description": "Posts of one to ten photos."},
    {"name": "likes", "description": "Liking posts and comments, and who does."},
    {"name": "comments", "description": "Comments on posts, with one level of replies."},
    {"name": "saves", "description": "Posts that you keep, and collections of them. Nobody else sees either."},
    {"name": "feed", "description": "What those whom you follow have posted."},
    {"name": "people", "description": "Following, blocking and muting, and lists of who does."},
    {"name": "platform", "description": "What holds for the whole API."},
]

SECURITY_SCHEMES: Json = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "From registering, logging in or refreshing.",
    }
}
TOKEN: Json = {"accessToken": []}


def _header(description: str, example: str) -> Json:
    return {"description": description, "schema": {"type": "string"}, "example": example}


HEADERS: Json = {
    "Request-Id": _header("Joins this answer with our logs, traces and events.", "req_5Y1pXQm2aWlAtoN0"),
    "RateLimit": _header(
        "Of each limit that the request counted against: how many more requests fit now (`r`), and in how many "
        "seconds all of them do again (`t`).",
        '"user";r=1199;t=1, "read";r=899;t=1, "address";r=2999;t=1',
    ),
    "RateLimit-Policy": _header(
        "Those limits: so many requests (`q`) in so many seconds (`w`).",
        '"user";q=1200;w=60, "read";q=900;w=60, "address";q=3000;w=60',
    ),
    "Retry-After": _header("Seconds to wait before trying again.", "2"),
    "ETag": _header("The version of what you got, for `If-None-Match` and `If-Match`.", '"5d41402abc4b2a76"'),
    "Link": _header(
        'The next page, as `rel="next"`; absent on the last.', '</v1/users/u_8aB3x9Q2/posts?cursor=…>; rel="next"'
    ),
    "Idempotency-Replayed": _header("`true` when this is the answer to an earlier, equal request.", "true"),
    "WWW-Authenticate": _header("How to authenticate.", "Bearer"),
}

PARAMETERS: Json = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Makes repeating safe: equal requests with one key are carried out once. Use a new one, "
        "such as a UUID, for each thing that you create.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": "7f9c24e8-3b12-4b6f-9f1c-2f0f3a1f6c55",
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` that you have: if it is still right, the answer is a 304 without a body.",
        "schema": {"type": "string"},
        "example": '"5d41402abc4b2a76"',
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` that you read: if it has changed since, nothing is changed and the answer is a 412.",
        "schema": {"type": "string"},
        "example": '"5d41402abc4b2a76"',
    },
}


def takes(parameter: str, operation: Json) -> bool:
    """Whether an operation takes one of `PARAMETERS`, by what it may answer."""
    responses = operation["responses"]
    match parameter:
        case "IfNoneMatch":
            return "304" in responses
        case "IfMatch":
            return "412" in responses
        case _:
            return POLICY in operation and RoutePolicy.of(operation).idempotent


def headers_of(status: int, operation: Json) -> Json:
    """The headers that an answer of this status carries."""
    names = ["Request-Id", "RateLimit", "RateLimit-Policy"]
    if status in (429, 503):
        names.append("Retry-After")
    if status == 401:
        names.append("WWW-Authenticate")
    if status in (200, 304) and takes("IfNoneMatch", operation):
        names.append("ETag")
    if status in (200, 201):
        if takes("IdempotencyKey", operation):
            names.append("Idempotency-Replayed")
        if "cursor" in [parameter.get("name") for parameter in operation.get("parameters", [])]:
            names.append("Link")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def common_responses() -> Json:
    """What the gateway may answer to any operation."""

    def response(*kinds: type[Problem]) -> Json:
        (status,) = {kind.status for kind in kinds}
        made = problems(*kinds)[status]
        made["content"]["application/problem+json"]["schema"] = {"$ref": "#/components/schemas/ProblemDocument"}
        del made["model"]
        return made | {"headers": headers_of(status, {"responses": {}})}

    return {
        "PayloadTooLarge": response(PayloadTooLarge),
        "RequestTimeout": response(RequestTimeout),
        "TooManyRequests": response(TooManyRequests),
        "Unauthorized": response(MissingToken, InvalidToken, ExpiredToken),
        "Unavailable": response(Unavailable, Overloaded, UpstreamUnavailable),
        "UpstreamFailed": response(UpstreamFailed),
        "UpstreamTimeout": response(UpstreamTimeout),
    }
