"""`Idempotency-Key`: a client may repeat a creating POST, and it takes effect once.

The first success is stored for a day and replayed, marked `Idempotency-Replayed: true`. The same key with another body
is a 422, and a repeat while the first request is in progress a 409. Responses may contain tokens, so they are stored
encrypted.

An error is not stored: the repeat is executed. The first attempt may still have taken effect, if the process died or a
server timed out between the write and the response. Therefore the key stores the id of the resource to create, and
every attempt uses it (`Creation`): it writes the same event or row again.

The records are in Redis. If they are lost, a repeat creates again; where that must never happen (usernames, the
completion of an upload), the database enforces uniqueness as well.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Depends, Request
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photomesh_shared.auth import principal_from_header
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
from photomesh_shared.ids import CreationId, encode
from photomesh_shared.observability import logs

__all__ = [
    "Attempt",
    "Creation",
    "IdempotencyMiddleware",
    "IdempotencyStore",
    "StoredResponse",
    "current_creation",
]

log = logging.getLogger(__name__)

KEEP_SECONDS = 24 * 3600
IN_PROGRESS_SECONDS = 60  # above any request's duration; then a repeat takes over from a crashed process
_MAX_KEY = 255
_STORED_HEADERS = {"content-type", "location", "etag", "link"}
_STATE = "creation"

# A record is a hash. `busy_until` (ms) ends the current attempt's lease and identifies it; 0 between attempts.
_BEGIN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local record = redis.call('HMGET', KEYS[1], 'fingerprint', 'creation_id', 'busy_until', 'response')
if record[1] and record[1] ~= ARGV[1] then return {'reused'} end
if record[4] then return {'completed', record[4]} end
if record[3] and tonumber(record[3]) > now then return {'in_progress'} end
local busy_until = string.format('%d', now + ARGV[3])
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'creation_id', record[2] or ARGV[2], 'busy_until', busy_until)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {record[1] and 'repeated' or 'new', record[2] or ARGV[2], busy_until}
"""
_RELEASE = (
    "if redis.call('HGET', KEYS[1], 'busy_until') == ARGV[1] then redis.call('HSET', KEYS[1], 'busy_until', 0) end"
)
_FORGET = "if redis.call('HGET', KEYS[1], 'busy_until') == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class IdSource(Protocol):
    def next(self) -> int:
        """Return a new id. Raises Unavailable."""
        ...


@dataclass(frozen=True)
class Attempt:
    """A request that holds a key until `busy_until` (ms)."""

    creation: CreationId
    busy_until: str


@dataclass(frozen=True)
class StoredResponse:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class IdempotencyStore:
    """Records by key, in Redis: keys are hashed, responses encrypted."""

    def __init__(self, redis: Redis, secret: str, ids: IdSource) -> None:
        self._redis = redis
        self._secret = secret.encode()
        self._ids = ids

    def new_creation(self) -> CreationId:
        """Return the creation id of a request without a key. Raises Unavailable."""
        return CreationId(self._ids.next())

    async def begin(self, scope_key: str, body: bytes) -> Attempt | StoredResponse:
        """Return the stored response, or an attempt for the caller to execute and to end by `finish`, `release` or
        `forget`. Raises IdempotencyKeyReused, IdempotencyKeyInUse, and Unavailable without Redis."""
        creation_id = self._ids.next()
        try:
            return await self._begin(scope_key, body, creation_id)
        except (RedisError, OSError) as error:
            raise Unavailable("Idempotency keys cannot be checked at the moment.") from error

    async def _begin(self, scope_key: str, body: bytes, creation_id: int) -> Attempt | StoredResponse:
        name, cipher = self._name_and_cipher(scope_key)
        fingerprint = hmac.digest(self._secret, body, "sha256").hex()
        while True:
            outcome, *rest = await self._redis.eval(
                _BEGIN, 1, name, fingerprint, creation_id, IN_PROGRESS_SECONDS * 1000, KEEP_SECONDS
            )
            match outcome:
                case b"new" | b"repeated":
                    return Attempt(CreationId(int(rest[0]), outcome == b"repeated"), rest[1].decode())
                case b"reused":
                    raise IdempotencyKeyReused
                case b"in_progress":
                    raise IdempotencyKeyInUse(headers={"Retry-After": "1"})
            try:
                return _load(cipher.decrypt(rest[0]))
            except InvalidToken:
                log.warning("cannot decrypt a stored response")
                await self._redis.delete(name)

    async def finish(self, scope_key: str, response: StoredResponse) -> None:
        """Store the response. Does not raise if Redis is unavailable, because the request has taken effect."""
        name, cipher = self._name_and_cipher(scope_key)
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(name, "response", cipher.encrypt(_dump(response)))
                pipeline.expire(name, KEEP_SECONDS)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            log.warning("response not stored for its idempotency key", extra={"error": str(error)})

    async def release(self, scope_key: str, attempt: Attempt) -> None:
        """End an attempt that may have taken effect: a repeat is executed at once, with the same creation id."""
        await self._end(_RELEASE, scope_key, attempt)

    async def forget(self, scope_key: str, attempt: Attempt) -> None:
        """End an attempt that had no effect: the key may be reused for any request."""
        await self._end(_FORGET, scope_key, attempt)

    async def _end(self, script: str, scope_key: str, attempt: Attempt) -> None:
        try:
            await self._redis.eval(script, 1, self._name_and_cipher(scope_key)[0], attempt.busy_until)
        except (RedisError, OSError) as error:
            log.warning("idempotency key not released", extra={"error": str(error)})

    def _name_and_cipher(self, scope_key: str) -> tuple[str, Fernet]:
        digest = hmac.digest(self._secret, scope_key.encode(), "sha512")
        return f"idempotency-key:{digest[:16].hex()}", Fernet(base64.urlsafe_b64encode(digest[32:]))


def _dump(response: StoredResponse) -> bytes:
    body = base64.b64encode(response.body).decode()
    return json.dumps([response.status, response.headers, body]).encode()


def _load(raw: bytes) -> StoredResponse:
    status, headers, body = json.loads(raw)
    return StoredResponse(status, tuple((name, value) for name, value in headers), base64.b64decode(body))


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
            field = FieldError("#header/idempotency-key", f"must have 1 to {_MAX_KEY} printable characters")
            return await self._refuse(InvalidRequest(errors=[field]), scope, receive, send)

        try:
            caller = await _caller(scope, headers)
            body = await _read_body(receive, max_body)
            store: IdempotencyStore = scope["app"].state.idempotency
            scope_key = "\n".join([caller, scope["path"], key])
            known = await store.begin(scope_key, body)
        except Problem as problem:
            return await self._refuse(problem, scope, receive, send)
        if isinstance(known, Attempt):
            scope.setdefault("state", {})[_STATE] = known.creation
            return await self._execute(scope, body, receive, send, store, scope_key, known)
        raw_headers = [(k.encode(), v.encode()) for k, v in known.headers] + [(b"idempotency-replayed", b"true")]
        await send({"type": "http.response.start", "status": known.status, "headers": raw_headers})
        await send({"type": "http.response.body", "body": known.body})
        return None

    def _max_body(self, path: str) -> int | None:
        """Return the maximum body of a path; None if it takes no key."""
        return next((max_body for pattern, max_body in self._paths if pattern.fullmatch(path)), None)

    async def _execute(
        self,
        scope: Scope,
        body: bytes,
        receive: Receive,
        send: Send,
        store: IdempotencyStore,
        scope_key: str,
        attempt: Attempt,
    ) -> None:
        start: dict[str, Any] = {"status": 500, "headers": []}
        response_body = bytearray()
        body_read = ended = False

        async def receive_again() -> Message:
            nonlocal body_read
            if body_read:
                return await receive()
            body_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send_and_store(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                response_body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    ended = True  # before the last byte is sent: a client that has the response may repeat at once
                    await end()
            await send(message)

        async def end() -> None:
            status: int = start["status"]
            if status < 400:
                headers = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in start["headers"]]
                stored = tuple((name, value) for name, value in headers if name in _STORED_HEADERS)
                await store.finish(scope_key, StoredResponse(status, stored, bytes(response_body)))
            elif status < 500 and not attempt.creation.repeated:
                await store.forget(scope_key, attempt)
            else:
                await store.release(scope_key, attempt)

        try:
            await self._app(scope, receive_again, send_and_store)
        finally:
            if not ended:
                await store.release(scope_key, attempt)

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


async def _caller(scope: Scope, headers: Headers) -> str:
    """Return the key's namespace, so that keys of different accounts never collide. Raises as
    `TokenVerifier.verify`."""
    principal = await principal_from_header(scope["app"].state.token_verifier, headers.get("authorization"))
    return encode("u", principal.account_id) if principal else "anonymous"
