"""Texts of the merged OpenAPI document: how the API works, and what the gateway adds."""

from __future__ import annotations

from typing import Any

from photomesh_gateway.errors import (
    BudgetExhausted,
    HeaderNotText,
    Overloaded,
    RequestTimeout,
    UpstreamFailed,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from photomesh_gateway.settings import Settings
from photomesh_shared.errors import (
    ExpiredToken,
    InvalidToken,
    MissingToken,
    PayloadTooLarge,
    Problem,
    TooManyRequests,
    Unavailable,
)
from photomesh_shared.http import RoutePolicy
from photomesh_shared.http.policy import POLICY
from photomesh_shared.http.problems import problems

__all__ = [
    "DESCRIPTION",
    "HEADERS",
    "PARAMETERS",
    "SECURITY_SCHEMES",
    "SERVERS",
    "TAGS",
    "TOKEN",
    "common_responses",
    "headers_of",
    "takes",
]

Json = dict[str, Any]

DESCRIPTION = """\
Photo sharing over HTTP and JSON.

**Accounts.** Register or log in for an access token, and send it as `Authorization: Bearer …`. It is valid for some
minutes; exchange the refresh token for the next one. Each refresh token works once.

**Photos** go straight into object storage: begin an upload, PUT the bytes to the returned URLs, complete it, and poll
the photo while its `status` is `processing`.

**Ids** are opaque strings with a prefix per type: `u_` user, `p_` photo, `o_` post, `c_` comment,
`k_` collection, `up_` upload. Times are RFC 3339 in UTC. Strings like `status` and `code` may get new values: handle
unknown ones.

**Errors** are RFC 9457 problems (`application/problem+json`). `type` is stable and its URL explains it; `retryable`
says whether the same request may succeed later; `errors` points at fields; quote `request_id` when you contact us.

**Retries** are safe: GET, PUT and DELETE are idempotent, and a POST that takes an `Idempotency-Key` is so with the
same key, for a day: a repeat creates nothing, and responds with what the first request created as it is now, or with a
404 if it was deleted meanwhile.

**Lists** return `items` and `next_cursor`, and a `Link` header. Send the cursor back unchanged.

**Limits**: `GET /v1/limits` lists them all; the `RateLimit` header of each response shows the remaining quota.
"""

SERVERS: list[Json] = [
    {
        "url": Settings.model_construct().public_url,
        "description": "The gateway that serves this document writes its own public URL here.",
    },
    {
        "url": "{scheme}://{host}",
        "description": "Any other deployment.",
        "variables": {
            "scheme": {"default": "https", "enum": ["https", "http"]},
            "host": {"default": "localhost", "description": "The name of its gateway, with a port if need be."},
        },
    },
]

TAGS: list[Json] = [
    {"name": "accounts", "description": "Registering, logging in, profiles."},
    {"name": "uploads", "description": "Photo uploads: presigned, resumable, multipart if large."},
    {"name": "photos", "description": "Photos and their public sizes."},
    {"name": "posts", "description": "Posts of one to ten photos."},
    {"name": "likes", "description": "Likes of posts and comments, and lists of likers."},
    {"name": "comments", "description": "Comments on posts, with one level of replies."},
    {"name": "saves", "description": "Saved posts and collections of them. Both are private."},
    {"name": "feed", "description": "Posts of the accounts that you follow."},
    {"name": "people", "description": "Follows, blocks, mutes and close friends, and their lists."},
    {"name": "staff", "description": "For support, moderators and administrators."},
    {"name": "platform", "description": "General information about the API."},
]

SECURITY_SCHEMES: Json = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Access token, from registering, logging in or refreshing.",
    }
}
TOKEN: Json = {"accessToken": []}


def _header(description: str, example: str) -> Json:
    return {"description": description, "schema": {"type": "string"}, "example": example}


HEADERS: Json = {
    "Request-Id": _header("Links this response to our logs, traces and events.", "req_5Y1pXQm2aWlAtoN0"),
    "RateLimit": _header(
        "Of each limit that the request counted against: how many more requests fit now (`r`), and in how many "
        "seconds the next one does (`t`; 0 if `r` is not).",
        '"user";r=1199;t=0, "read";r=0;t=1, "address";r=2999;t=0',
    ),
    "RateLimit-Policy": _header(
        "Those limits: so many requests (`q`) in so many seconds (`w`).",
        '"user";q=1200;w=60, "read";q=900;w=60, "address";q=3000;w=60',
    ),
    "Accept": _header("The media type that the body may have.", "application/json"),
    "Accept-Encoding": _header("The content coding that the body may have.", "identity"),
    "Content-Encoding": _header("`gzip` if the response is compressed, as `Accept-Encoding` allowed.", "gzip"),
    "Retry-After": _header("Seconds to wait before trying again, where that may help.", "2"),
    "Location": _header("The path of what was created.", "/v1/posts/o_9xQ4w2Lr"),
    "Cache-Control": _header("Whether and how long the response may be cached (RFC 9111).", "private, no-cache"),
    "Vary": _header("The request headers on which the response depends (RFC 9110).", "Authorization, Accept-Encoding"),
    "ETag": _header("The version of the representation, for `If-None-Match` and `If-Match`.", '"5d41402abc4b2a76"'),
    "Link": _header(
        'The next page, as `rel="next"`; absent on the last.', '</v1/users/u_8aB3x9Q2/posts?cursor=…>; rel="next"'
    ),
    "Idempotency-Replayed": _header(
        "`true` if an earlier, equal request has taken effect, or may have: the response shows what it created, as it "
        "is now.",
        "true",
    ),
    "WWW-Authenticate": _header("How to authenticate.", "Bearer"),
}

# None has an example: interactive documentation would send it.
PARAMETERS: Json = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Makes repeating safe: equal requests with one key are carried out once. Use a new one, "
        "such as a UUID, for each thing that you create.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` that you have: if it is still right, the answer is a 304 without a body.",
        "schema": {"type": "string"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` that you read: if it has changed since, nothing is changed and the answer is a 412.",
        "schema": {"type": "string"},
    },
}


def takes(parameter: str, operation: Json) -> bool:
    """Return whether an operation takes one of `PARAMETERS`, derived from its responses."""
    responses = operation["responses"]
    match parameter:
        case "IfNoneMatch":
            return "304" in responses
        case "IfMatch":
            return "412" in responses
        case _:
            return POLICY in operation and RoutePolicy.of(operation).idempotent


def headers_of(status: int, operation: Json) -> Json:
    """Return the headers of a response with this status."""
    names = ["Request-Id", "RateLimit", "RateLimit-Policy", "Cache-Control", "Vary"]
    if status >= 400:
        names.append("Retry-After")
    if status == 401:
        names.append("WWW-Authenticate")
    if status == 415:
        names += ["Accept", "Accept-Encoding"]
    if status != 304:
        names.append("Content-Encoding")
    conditional = takes("IfNoneMatch", operation) or takes("IfMatch", operation)
    if status == 201 or (conditional and status in (200, 304, 412)):
        names.append("ETag")
    if status in (201, 202):
        names.append("Location")
    if status in (200, 201):
        if takes("IdempotencyKey", operation):
            names.append("Idempotency-Replayed")
        if "cursor" in [parameter.get("name") for parameter in operation.get("parameters", [])]:
            names.append("Link")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def common_responses() -> Json:
    """Return the gateway's possible responses to any operation."""

    def response(*kinds: type[Problem]) -> Json:
        (status,) = {kind.status for kind in kinds}
        made = problems(*kinds)[status]
        made["content"]["application/problem+json"]["schema"] = {"$ref": "#/components/schemas/ProblemDocument"}
        del made["model"]
        return made | {"headers": headers_of(status, {"responses": {}})}

    return {
        "HeaderNotText": response(HeaderNotText),
        "PayloadTooLarge": response(PayloadTooLarge),
        "RequestTimeout": response(RequestTimeout),
        "TooManyRequests": response(TooManyRequests, BudgetExhausted),
        "Unauthorized": response(MissingToken, InvalidToken, ExpiredToken),
        "Unavailable": response(Unavailable, Overloaded, UpstreamUnavailable),
        "UpstreamFailed": response(UpstreamFailed),
        "UpstreamTimeout": response(UpstreamTimeout),
    }
