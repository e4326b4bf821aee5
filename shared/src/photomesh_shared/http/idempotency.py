"""`Idempotency-Key`: a client may repeat a POST that creates, and it happens once.

The first success is kept for a day and given again, marked `Idempotency-Replayed: true`. An error is never kept:
nothing was created, so the repeat is a real try. The same key with another body is a 422, and a repeat while the
first is still under way a 409. Answers may hold tokens, so they are kept encrypted under the caller's own key.

The memory is Redis: if it is lost, a repeat creates again. What must not happen twice at any price is guarded by the
database as well (a username, the completion of an upload).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
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
from photomesh_shared.ids import encode
from photomesh_shared.observability import logs

__all__ = ["IdempotencyMiddleware", "IdempotencyStore", "StoredAnswer"]

log = logging.getLogger(__name__)

KEEP_SECONDS = 24 * 3600
IN_PROGRESS_SECONDS = 60  # longer than any request may take; then a crashed one no longer blocks its key
_MAX_KEY = 255
_KEPT_HEADERS = {"content-type", "location", "etag", "link"}


@dataclass(frozen=True)
class StoredAnswer:
    """`fingerprint` is of the request; `status` 0 means the request is still under way."""

    fingerprint: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class IdempotencyStore:
    """Answers by key, in Redis, encrypted: neither Redis nor a dump of it gives the tokens away."""

    def __init__(self, redis: Redis, secret: str) -> None:
        self._redis = redis
        self._secret = secret.encode()

    def _names(self, scope_key: str) -> tuple[str, Fernet]:
        digest = hmac.digest(self._secret, scope_key.encode(), "sha512")
        return f"idempotency:{digest[:16].hex()}", Fernet(base64.urlsafe_b64encode(digest[32:]))

    async def begin(self, scope_key: str, fingerprint: str) -> StoredAnswer | None:
        """None when the request is new and now ours to answer; else what is known of it. Raises Unavailable when the
        memory is away: a promise that cannot be kept is not given."""
        try:
            return await self._begin(scope_key, fingerprint)
        except (RedisError, OSError) as error:
            raise Unavailable("Idempotency keys cannot be checked at the moment.") from error

    async def _begin(self, scope_key: str, fingerprint: str) -> StoredAnswer | None:
        name, cipher = self._names(scope_key)
        mine = cipher.encrypt(self._dump(StoredAnswer(fingerprint)))
        for _ in range(2):
            if await self._redis.set(name, mine, nx=True, ex=IN_PROGRESS_SECONDS):
                return None
            kept = await self._redis.get(name)
            if kept is not None:
                try:
                    return self._load(cipher.decrypt(kept))
                except InvalidToken:
                    await self._redis.delete(name)  # written under another secret: of no use to anyone
        return StoredAnswer(fingerprint)

    async def finish(self, scope_key: str, answer: StoredAnswer) -> None:
        """Keeps the answer. What was done is done: if the memory is away now, the answer goes out all the same."""
        name, cipher = self._names(scope_key)
        try:
            await self._redis.set(name, cipher.encrypt(self._dump(answer)), ex=KEEP_SECONDS)
        except (RedisError, OSError) as error:
            log.warning("an answer was not kept for its idempotency key", extra={"error": str(error)})

    async def forget(self, scope_key: str) -> None:
        """Frees the key; if the memory is away, it expires by itself."""
        try:
            await self._redis.delete(self._names(scope_key)[0])
        except (RedisError, OSError) as error:
            log.warning("an idempotency key was not freed", extra={"error": str(error)})

    @staticmethod
    def _dump(answer: StoredAnswer) -> bytes:
        body = base64.b64encode(answer.body).decode()
        return json.dumps([answer.fingerprint, answer.status, answer.headers, body]).encode()

    @staticmethod
    def _load(raw: bytes) -> StoredAnswer:
        fingerprint, status, headers, body = json.loads(raw)
        return StoredAnswer(fingerprint, status, tuple((k, v) for k, v in headers), base64.b64decode(body))


class IdempotencyMiddleware:
    """Raw ASGI. Looks only at POSTs to `paths` that carry the header. `paths` maps templates, such as
    ``/v1/posts/{post_id}/comments``, to the most bytes that the body may have.

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
            fingerprint = hashlib.sha256(body).hexdigest()
            known = await store.begin(scope_key, fingerprint)
        except Problem as problem:
            return await self._refuse(problem, scope, receive, send)
        if known is None:
            return await self._answer(scope, body, receive, send, store, scope_key, fingerprint)
        if known.fingerprint != fingerprint:
            return await self._refuse(IdempotencyKeyReused(), scope, receive, send)
        if known.status == 0:
            return await self._refuse(IdempotencyKeyInUse(headers={"Retry-After": "1"}), scope, receive, send)
        raw_headers = [(k.encode(), v.encode()) for k, v in known.headers] + [(b"idempotency-replayed", b"true")]
        await send({"type": "http.response.start", "status": known.status, "headers": raw_headers})
        await send({"type": "http.response.body", "body": known.body})
        return None

    def _max_body(self, path: str) -> int | None:
        """None for a path that takes no key."""
        return next((max_body for pattern, max_body in self._paths if pattern.fullmatch(path)), None)

    async def _answer(
        self,
        scope: Scope,
        body: bytes,
        receive: Receive,
        send: Send,
        store: IdempotencyStore,
        scope_key: str,
        fingerprint: str,
    ) -> None:
        status, headers, answered = 500, [], bytearray()
        replayed_body = concluded = False

        async def receive_again() -> Message:
            nonlocal replayed_body
            if replayed_body:
                return await receive()
            replayed_body = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send_and_keep(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in message["headers"]]
            else:
                answered.extend(message.get("body", b""))
                if not message.get("more_body"):
                    await conclude()  # before the last byte leaves: a client that has the answer may repeat at once
            await send(message)

        async def conclude() -> None:
            nonlocal concluded
            concluded = True
            if status >= 400:
                await store.forget(scope_key)
            else:
                kept = tuple((k, v) for k, v in headers if k in _KEPT_HEADERS)
                await store.finish(scope_key, StoredAnswer(fingerprint, status, kept, bytes(answered)))

        try:
            await self._app(scope, receive_again, send_and_keep)
        except BaseException:
            if not concluded:  # an answer that was kept stays, although its way to the client broke
                await store.forget(scope_key)
            raise

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        body = problem_body(problem, type_base=self._type_base, request_id=logs.request_id.get())
        await JSONResponse(body, problem.status, problem.headers, CONTENT_TYPE)(scope, receive, send)


async def _read_body(receive: Receive, max_body: int) -> bytes:
    """The whole body. Raises PayloadTooLarge, and BadRequest when the client goes away in the middle."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The body did not arrive whole.")
        body += message.get("body", b"")
        if len(body) > max_body:
            raise PayloadTooLarge
        if not message.get("more_body"):
            return bytes(body)


async def _caller(scope: Scope, headers: Headers) -> str:
    """Whose key it is: one account's keys never meet another's. Raises as `TokenVerifier.verify`."""
    principal = await principal_from_header(scope["app"].state.token_verifier, headers.get("authorization"))
    return encode("u", principal.account_id) if principal else "anonymous"
