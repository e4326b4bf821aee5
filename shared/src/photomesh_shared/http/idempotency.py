"""`Idempotency-Key`: a client may repeat a creating POST, and it takes effect once.

For a day, the service's database keeps the id of the resource that a key creates, and a fingerprint of the request:
the same key with another body is a 422. No response is kept. A repeat is executed under the same id
(`CreationId.repeated`): the use case finds what exists and responds with it as it is now, or writes the same event or
row again if the first attempt did not get that far. The response is marked `Idempotency-Replayed: true`.

Bodies that are equal as JSON are equal. A key belongs to its account. Callers without a token cannot be told apart:
their address changes with the network, which is when they repeat. So theirs belongs to the key and the body together:
whoever knows both, a password among them, is the same caller, and the same key with another body is another request.

Requests of one key are serialised by a lock in Redis: a repeat while the first request is in progress is a 409. Only
requests in progress take memory there. If the lock is lost, two requests of one key write the same event or row.

A first attempt that is refused (4xx) had no effect, so its key may be used again for another request.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photomesh_shared.errors import (
    CONTENT_TYPE,
    BadRequest,
    FieldError,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidRequest,
    PayloadTooLarge,
    Problem,
    Unavailable,
    problem_body,
)
from photomesh_shared.ids import CreationId, KeyRecord, encode
from photomesh_shared.observability import logs
from photomesh_shared.tokens.access import principal_from_header

__all__ = [
    "Attempt",
    "Creation",
    "IdempotencyMiddleware",
    "IdempotencyStore",
    "KeyRecords",
    "current_creation",
]

log = logging.getLogger(__name__)

IN_PROGRESS_SECONDS = 60  # above any request's duration; then a repeat takes over from a crashed process
_MAX_KEY = 255
_STATE = "creation"
_UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class IdSource(Protocol):
    def next(self) -> int:
        """Return a new id. Raises Unavailable."""
        ...


class KeyRecords(Protocol):
    """Records in the database of a service: `stores.idempotency_keys`."""

    async def claim(self, record: KeyRecord) -> KeyRecord:
        """Store the record unless its name has one of the last 24 hours; return the one that stands. Raises
        DatabaseUnavailable, after which it may be stored."""
        ...

    async def remove(self, record: KeyRecord) -> None:
        """Remove the record if it still stands. Raises DatabaseUnavailable."""
        ...


@dataclass(frozen=True)
class Attempt:
    """A request that holds the lock of its key."""

    creation: CreationId
    record: KeyRecord
    token: str


class IdempotencyStore:
    """The records of keys, and the locks of requests in progress. Keys and requests are stored as keyed hashes."""

    def __init__(self, redis: Redis, records: KeyRecords, secret: str, ids: IdSource) -> None:
        self._redis = redis
        self._records = records
        self._secret = secret.encode()
        self._ids = ids

    def new_creation(self) -> CreationId:
        """Return the creation id of a request without a key. Raises Unavailable."""
        return CreationId(self._ids.next())

    async def begin(self, scope_key: str, body: bytes) -> Attempt:
        """Return an attempt for the caller to execute, and to end by `release` or `forget`. Raises
        IdempotencyKeyReused, IdempotencyKeyInUse, and Unavailable without Redis or the database."""
        name = hmac.digest(self._secret, scope_key.encode(), "sha256")[:16]
        record = KeyRecord(name, self._fingerprint(body), self._ids.next())
        token = secrets.token_hex(8)
        await self._lock(name, token)
        try:
            standing = await self._records.claim(record)
            if standing.fingerprint != record.fingerprint:
                raise IdempotencyKeyReused
        except BaseException:
            await self._unlock(name, token)
            raise
        repeated = standing.creation_id != record.creation_id
        return Attempt(CreationId(standing.creation_id, repeated), standing, token)

    def anonymous_caller(self, body: bytes) -> str:
        """Return the namespace of keys of a caller without a token."""
        return f"anonymous {self._fingerprint(body).hex()}"

    def _fingerprint(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, _canonical(body), "sha256")

    async def release(self, attempt: Attempt) -> None:
        """End an attempt that has taken effect, or may have: a repeat is executed with the same creation id."""
        await self._unlock(attempt.record.name, attempt.token)

    async def forget(self, attempt: Attempt) -> None:
        """End an attempt that had no effect: the key may be reused for any request."""
        try:
            await self._records.remove(attempt.record)
        except Unavailable as error:
            log.warning("record of an idempotency key not removed", extra={"error": str(error)})
        await self._unlock(attempt.record.name, attempt.token)

    async def _lock(self, name: bytes, token: str) -> None:
        try:
            locked = await self._redis.set(_lock_key(name), token, nx=True, ex=IN_PROGRESS_SECONDS)
        except (RedisError, OSError) as error:
            raise Unavailable("Idempotency keys cannot be checked at the moment.") from error
        if not locked:
            raise IdempotencyKeyInUse(headers={"Retry-After": "1"})

    async def _unlock(self, name: bytes, token: str) -> None:
        """Does not raise if Redis is unavailable: the lock ends by itself."""
        try:
            await self._redis.eval(_UNLOCK, 1, _lock_key(name), token)
        except (RedisError, OSError) as error:
            log.warning("idempotency key not released", extra={"error": str(error)})


def _lock_key(name: bytes) -> str:
    return f"idempotency-lock:{name.hex()}"


async def current_creation(request: Request) -> CreationId:
    """Return the creation id of the request's idempotency key, or a new one. Raises Unavailable."""
    creation: CreationId | None = getattr(request.state, _STATE, None)
    store: IdempotencyStore = request.app.state.idempotency
    return creation or store.new_creation()


Creation = Annotated[CreationId, Depends(current_creation)]


class IdempotencyMiddleware:
    """ASGI middleware for POSTs to `paths` that have the header. `paths` maps templates, such as
    ``/v1/posts/{post_id}/comments``, to the maximum size of the body in bytes.

    The store is `app.state.idempotency`, the token verifier `app.state.token_verifier`.
    """

    def __init__(self, app: ASGIApp, *, paths: Mapping[str, int], problem_type_base: str) -> None:
        self._app = app
        self._paths = [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), max_body) for path, max_body in paths.items()
        ]
        self._type_base = problem_type_base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or (max_body := self._max_body(scope["path"])) is None:
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        key = headers.get("idempotency-key")
        if key is None:
            return await self._app(scope, receive, send)
        if not 1 <= len(key) <= _MAX_KEY or not key.isprintable():
            field = FieldError("/Idempotency-Key", f"must have 1 to {_MAX_KEY} printable characters", location="header")
            return await self._refuse(InvalidRequest(errors=[field]), scope, receive, send)

        try:
            account = await _account(scope, headers)
            body = await _read_body(receive, max_body)
            store: IdempotencyStore = scope["app"].state.idempotency
            caller = account or store.anonymous_caller(body)
            scope_key = "\n".join([caller, scope["path"], key])
            attempt = await store.begin(scope_key, body)
        except Problem as problem:
            return await self._refuse(problem, scope, receive, send)
        scope.setdefault("state", {})[_STATE] = attempt.creation
        return await self._execute(scope, body, receive, send, store, attempt)

    def _max_body(self, path: str) -> int | None:
        """Return the maximum body of a path; None if it takes no key."""
        return next((max_body for pattern, max_body in self._paths if pattern.fullmatch(path)), None)

    async def _execute(
        self, scope: Scope, body: bytes, receive: Receive, send: Send, store: IdempotencyStore, attempt: Attempt
    ) -> None:
        status = 500
        body_read = ended = False

        async def receive_again() -> Message:
            nonlocal body_read
            if body_read:
                return await receive()
            body_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send_and_end(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                if status < 400 and attempt.creation.repeated:
                    message["headers"] = [*message["headers"], (b"idempotency-replayed", b"true")]
            elif not message.get("more_body"):
                ended = True  # before the last byte is sent: a client that has the response may repeat at once
                await end()
            await send(message)

        async def end() -> None:
            if 400 <= status < 500 and not attempt.creation.repeated:
                await store.forget(attempt)
            else:
                await store.release(attempt)

        try:
            await self._app(scope, receive_again, send_and_end)
        finally:
            if not ended:
                await store.release(attempt)

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        body = problem_body(problem, type_base=self._type_base, request_id=logs.request_id.get())
        await JSONResponse(body, problem.status, problem.headers, CONTENT_TYPE)(scope, receive, send)


async def _read_body(receive: Receive, max_body: int) -> bytes:
    """Read the body. Raises PayloadTooLarge, or BadRequest if the client disconnects before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The body is incomplete.")
        body += message.get("body", b"")
        if len(body) > max_body:
            raise PayloadTooLarge
        if not message.get("more_body"):
            return bytes(body)


def _canonical(body: bytes) -> bytes:
    """Return the same bytes for equal JSON, whatever the order of members, the space and the escapes."""
    try:
        return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return body


async def _account(scope: Scope, headers: Headers) -> str | None:
    """Return the caller's account; None without a token. Raises as `TokenVerifier.verify`."""
    principal = await principal_from_header(scope["app"].state.token_verifier, headers.get("authorization"))
    return encode("u", principal.account_id) if principal else None
