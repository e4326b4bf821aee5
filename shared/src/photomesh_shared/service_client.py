"""The HTTP client for calls between services.

async with open_session() as session:
    post = ServiceClient(session, "post", settings.post_url, caller=settings)
    found = await post.call(GET_POSTS, query=PostsQuery(ids=post_ids))
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from opentelemetry.trace import SpanKind
from prometheus_client import Gauge, Histogram
from pydantic import ValidationError

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.concurrency.circuit_breaker import CircuitBreaker, CircuitOpen
from photomesh_shared.errors import ServiceUnavailable, Unavailable
from photomesh_shared.internal_api import InternalModel, Operation
from photomesh_shared.internal_api.credentials import CallSigner
from photomesh_shared.observability import logs, tracing
from photomesh_shared.settings import CallerSettings

__all__ = ["ServiceClient", "ServiceResponse", "open_session"]

log = logging.getLogger(__name__)

SECONDS = Histogram(
    "photomesh_service_call_seconds",
    "Duration of calls to other services, with retries.",
    ["service", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

IN_FLIGHT = Gauge("photomesh_service_calls_in_flight", "Calls to other services in progress.", ["service"])
WAITING = Gauge("photomesh_service_calls_waiting", "Calls to other services that wait for a slot.", ["service"])

_CONNECT_SECONDS = 1.0
_IDLE_SECONDS = 60.0  # below the 75 s after which servers close idle connections
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_OVERLOADED = frozenset({429, 502, 503, 504})
_BACKOFF = Backoff(base=0.05, cap=1.0)

R = TypeVar("R")


@dataclass(frozen=True)
class ServiceResponse:
    status: int
    body: bytes


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    query: Mapping[str, str]
    body: bytes | None
    headers: Mapping[str, str]


class _Overloaded(Exception):
    """The service, or a proxy in front of it, is overloaded."""


class _Unexpected(Exception):
    """The response has an unexpected status."""


_OUTAGES = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError, _Overloaded)


@asynccontextmanager
async def open_session() -> AsyncIterator[aiohttp.ClientSession]:
    """Open the keep-alive connection pool for all clients of a process. The pool is unbounded: each client bounds its
    own concurrency, so no call waits inside the pool."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


class ServiceClient:
    """Calls one service: within a time limit, with bounded concurrency, retries of idempotent calls, and a circuit
    breaker. Forwards the trace and the `Request-Id`.

    Every failure to get a response is raised as `unavailable`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        name: str,
        url: str,
        *,
        caller: CallerSettings | None = None,
        timeout: float = 5.0,
        attempts: int = 3,
        concurrency: int = 64,
        unavailable: type[Unavailable] = ServiceUnavailable,
        clock: Clock | None = None,
        randomness: random.Random | None = None,
    ) -> None:
        """`caller`: the settings of the program that calls, for the service's internal API; `timeout`: seconds for a
        call, including the wait for a slot and all attempts; `attempts`: maximum for an idempotent call; `concurrency`:
        slots for calls in progress."""
        self._session = session
        self._name = name
        self._url = url
        self._timeout = timeout
        self._attempts = attempts
        self._places = asyncio.Semaphore(concurrency)
        self._unavailable = unavailable
        self._clock = clock or SystemClock()
        self._signer = CallSigner(caller.program, name, caller.call_keys[name], self._clock) if caller else None
        self._randomness = randomness or random.Random()  # noqa: S311 - jitter, no secret
        self._breaker = CircuitBreaker(self._clock, failures=_OUTAGES)

    async def call(
        self,
        operation: Operation[R],
        *,
        query: InternalModel | None = None,
        body: InternalModel | None = None,
        **path: str,
    ) -> R:
        """Call an operation of the service's internal API. `path` fills its placeholders, with ids in wire form.

        A response that does not match the operation is a failure: during a rollout, the service may have another
        version of the contract.
        """
        response = await self.request(
            operation.method,
            operation.url(**path),
            query=operation.query_of(query),
            body=body.model_dump_json().encode() if body else None,
            headers={"Authorization": self._signer.authorization()} if self._signer else None,
            idempotent=True,
        )
        try:
            return operation.parse(response.body)
        except ValidationError as error:
            where = {"service": self._name, "path": operation.path}
            log.warning("unexpected response from a service", extra=where, exc_info=True)
            raise self._unavailable(f"{self._name} gave an unexpected response.") from error

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        expected: Collection[int] = (200,),
        idempotent: bool | None = None,
    ) -> ServiceResponse:
        """Send a request whose body, if any, is JSON. Raises `unavailable` unless the status is among `expected`.

        `idempotent`: whether the request may be retried; by default, derived from the method.
        """
        attempts = self._attempts if (method in _IDEMPOTENT if idempotent is None else idempotent) else 1
        attributes = {"http.request.method": method, "url.path": path, "peer.service": self._name}
        started, outcome = self._clock.monotonic(), "cancelled"
        with tracing.tracer.start_as_current_span(
            f"{method} {self._name}", kind=SpanKind.CLIENT, attributes=attributes
        ):
            request = _Request(method, f"{self._url}{path}", query or {}, body, self._headers(headers, body))
            try:
                response = await self._send(request, attempts)
                if response.status not in expected:
                    raise _Unexpected(response.status)
                outcome = "ok"
            except CircuitOpen as error:
                outcome = "rejected"
                raise self._unavailable(f"{self._name} does not answer.") from error
            except (aiohttp.ClientError, TimeoutError, _Overloaded, _Unexpected) as error:
                outcome = "failed"
                where = {"service": self._name, "path": path, "reason": repr(error)}
                log.warning("call to a service failed", extra=where)
                raise self._unavailable(f"{self._name} does not answer.") from error
            finally:
                SECONDS.labels(self._name, outcome).observe(self._clock.monotonic() - started)
        return response

    def _headers(self, given: Mapping[str, str] | None, body: bytes | None) -> Mapping[str, str]:
        headers = dict(given or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
        if request_id := logs.request_id.get():
            headers["Request-Id"] = request_id
        tracing.inject(headers)
        return headers

    async def _send(self, request: _Request, attempts: int) -> ServiceResponse:
        deadline = self._clock.monotonic() + self._timeout
        with WAITING.labels(self._name).track_inprogress():
            async with asyncio.timeout(self._timeout):
                await self._places.acquire()
        IN_FLIGHT.labels(self._name).inc()
        try:
            failures = 0
            while True:
                try:
                    with self._breaker.call():
                        return await self._attempt(request, deadline - self._clock.monotonic())
                except _OUTAGES:
                    failures += 1
                    pause = _BACKOFF.delay(failures, self._randomness)
                    if failures == attempts or self._clock.monotonic() + pause >= deadline:
                        raise
                    await self._clock.sleep(pause)
        finally:
            IN_FLIGHT.labels(self._name).dec()
            self._places.release()

    async def _attempt(self, request: _Request, seconds: float) -> ServiceResponse:
        async with self._session.request(
            request.method,
            request.url,
            params=request.query,
            data=request.body,
            headers=request.headers,
            timeout=aiohttp.ClientTimeout(total=max(seconds, 0.001), sock_connect=_CONNECT_SECONDS),
            allow_redirects=False,
        ) as response:
            if response.status in _OVERLOADED:
                raise _Overloaded(response.status)
            return ServiceResponse(response.status, await response.read())
