"""The gateway as an ASGI app. The stages of a request, in order:

    route              a path that no service has is left to the gateway's own pages
    load               refused at once if even the queue for the service is full
    token              verified, if the route takes one
    rate limits        counted; refused if one is used up
    body               read whole, for each route bounds it
    admission          a place among the requests in flight
    service            request forwarded, response streamed back

A stream, which lasts for as long as its client listens, has a place of its own kind instead of admission.

Preflights, OPTIONS, methods that a path does not have and own pages are counted against the address, and answered here.

Raw ASGI, because every request takes this path; the gateway's own pages are an ordinary FastAPI app behind it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from time import perf_counter

from fastapi import FastAPI
from prometheus_client import Counter, Histogram
from starlette.types import Receive, Scope, Send

from photomesh_gateway.access_log import AccessLog
from photomesh_gateway.errors import UpstreamTimeout
from photomesh_gateway.pages.own_pages import OwnPages
from photomesh_gateway.pages.routes import pages_router
from photomesh_gateway.proxy.exchange import ClientGone, Exchange
from photomesh_gateway.routing.router import Resource, Route, Router
from photomesh_gateway.routing.table import ROUTES
from photomesh_gateway.settings import Settings
from photomesh_gateway.token_exchange import personal_token_of
from photomesh_gateway.traces import Trace, Traces
from photomesh_gateway.wiring import Deps, open_deps
from photomesh_shared.errors import (
    InternalError,
    MethodNotAllowed,
    MissingToken,
    Problem,
    TooManyRequests,
    Unauthorized,
)
from photomesh_shared.http import Auth, RateClass, Readiness, create_service_app
from photomesh_shared.http.request_context import new_request_id, well_formed_request_id
from photomesh_shared.observability import logs
from photomesh_shared.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS
from photomesh_shared.tokens.access import principal_from_header
from photomesh_shared.tokens.errors import RoleRequired
from photomesh_shared.tokens.roles import has_role

__all__ = ["Gateway", "create_app"]

log = logging.getLogger(__name__)

_FOR_OPERATORS = ("/healthz", "/readyz", "/metrics")  # answered whatever the load
_CLIENT_GONE = 499  # nginx's status for it, in logs and metrics only


class Gateway:
    """The ASGI app. `readiness.draining` turns /readyz off; `pages` is the app of the gateway's own pages."""

    def __init__(self, settings: Settings, routes: tuple[Route, ...] = ROUTES) -> None:
        self.readiness = Readiness()
        self._settings = settings
        self._router = Router(routes)
        self._access_log = AccessLog()
        self._traces = Traces()
        self.pages = create_service_app(
            "Photomesh gateway",
            settings,
            lifespan=self._lifespan,
            routers=[pages_router(settings)],
            readiness=self.readiness,
            openapi_url=None,  # the whole API's document is at that path
        )
        self._own_pages = OwnPages(self.pages)
        self._deps: Deps

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with open_deps(self._settings) as self._deps:
            yield
        self._access_log.flush()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _FOR_OPERATORS:
            await self.pages(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        exchange.request_id = _request_id(exchange.fields.get(b"request-id"))
        exchange.client, exchange.to_service = self._deps.addresses.of_request(scope, exchange.fields)
        exchange.headers += self._deps.cors.headers(exchange.fields.get(b"origin"))
        if (resource := self._router.match(scope["raw_path"].decode("ascii"))) is not None:
            await self._serve(exchange, resource)
        else:
            await self._serve_page(exchange, receive)

    async def _serve_page(self, exchange: Exchange, receive: Receive) -> None:
        try:
            exchange.headers += await self._deps.limiter.check_address(exchange.client)
            if (preflight := self._deps.cors.preflight(exchange.method, exchange.fields)) is not None:
                await exchange.respond(204, preflight)
            else:
                await self._own_pages.serve(exchange, receive)
        except (TooManyRequests, MethodNotAllowed) as problem:
            exchange.headers.append((b"request-id", exchange.request_id.encode()))
            await self._refuse(exchange, problem)

    async def _serve(self, exchange: Exchange, resource: Resource) -> None:
        """Responds, whatever happens, and records the request."""
        template = resource.template
        exchange.headers.append((b"request-id", exchange.request_id.encode()))
        logs.request_id.set(exchange.request_id)
        trace = self._traces.begin(f"{exchange.method} {template}", exchange.fields)
        exchange.trace_id = trace.trace_id
        exchange.to_service |= trace.headers
        exchange.to_service["Request-Id"] = exchange.request_id
        try:
            if (route := resource.methods.get(exchange.method)) is not None:
                await self._forward(exchange, route)
            else:
                await self._respond_to_other_method(exchange, resource)
        except Problem as problem:
            await self._refuse(exchange, problem)
        except ClientGone:
            exchange.status = _CLIENT_GONE
        except Exception:
            log.exception("unhandled error")
            await self._refuse(exchange, InternalError())
        finally:
            self._record(exchange, template, trace)

    def drain_streams(self) -> None:
        """Ends open streams, over some seconds. Called by the handler of SIGTERM."""
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._deps.streams.drain, self._settings.drain_streams_seconds)

    async def _forward(self, exchange: Exchange, route: Route) -> None:
        if route.rate is RateClass.STREAM:
            await self._forward_stream(exchange, route)
            return
        admission = self._deps.admission
        admission.refuse_if_full(route.upstream)
        await self._authorize(exchange, route)
        body = await exchange.read_body(route.max_body, self._settings.body_seconds)
        await admission.enter(route.upstream, exchange.client)
        timed_out: bool | None = None
        try:
            await self._deps.proxy.forward(exchange, route, body)
            timed_out = False
        except UpstreamTimeout:
            timed_out = True
            raise
        finally:
            admission.leave(route.upstream, exchange.client, timed_out=timed_out)

    async def _forward_stream(self, exchange: Exchange, route: Route) -> None:
        await self._authorize(exchange, route)
        body = await exchange.read_body(route.max_body, self._settings.body_seconds)
        with self._deps.streams.place(exchange):
            await self._deps.proxy.forward(exchange, route, body)

    async def _respond_to_other_method(self, exchange: Exchange, resource: Resource) -> None:
        exchange.headers += await self._deps.limiter.check_address(exchange.client)
        if (preflight := self._deps.cors.preflight(exchange.method, exchange.fields)) is not None:
            await exchange.respond(204, preflight)
        elif exchange.method == "OPTIONS":
            await exchange.respond(204, [(b"allow", resource.allow.encode())])
        else:
            raise MethodNotAllowed(headers={"Allow": resource.allow})

    async def _authorize(self, exchange: Exchange, route: Route) -> None:
        """Verifies the token and counts the request; without a valid token it is counted by address."""
        token = exchange.fields.get(b"authorization")
        if token is not None:
            exchange.to_service["Authorization"] = header = token.decode("latin-1")
        refusal: Problem | None = None
        if token is not None and route.auth is not Auth.NONE:
            try:
                if (personal := personal_token_of(header)) is not None:
                    header = await self._exchange(exchange, personal)
                    exchange.to_service["Authorization"] = header
                principal = await principal_from_header(self._deps.verifier, header)
                exchange.account_id = principal.account_id if principal else None
                if principal and route.role and not has_role(principal.roles, route.role):
                    # A personal token is for its service to refuse: its problem says so.
                    refusal = RoleRequired(required_role=route.role) if principal.scopes is None else None
            except Unauthorized as problem:
                refusal = problem
        elif route.auth in (Auth.REQUIRED, Auth.STAFF):
            refusal = MissingToken()
        exchange.headers += await self._deps.limiter.check(
            route.rate, exchange.account_id, exchange.client, route.budget
        )
        if refusal is not None:
            raise refusal

    async def _exchange(self, exchange: Exchange, personal: str) -> str:
        """The Authorization header for a personal access token. A call to identity counts as a refresh of the address,
        so that made-up tokens cost little."""
        tokens = self._deps.tokens
        if not tokens.known(personal):
            await self._deps.limiter.check(RateClass.REFRESH, None, exchange.client)
        return f"Bearer {await tokens.access_token(personal)}"

    async def _refuse(self, exchange: Exchange, problem: Problem) -> None:
        if exchange.status:  # the response has begun: our server closes the connection
            log.warning("response cut short", extra={"code": problem.code, "cause": repr(problem.__cause__)})
        else:
            await exchange.refuse(problem, self._settings.problem_type_base)

    def _record(self, exchange: Exchange, template: str, trace: Trace) -> None:
        """The request's metrics, span and line in the access log."""
        seconds = perf_counter() - exchange.started_at
        _answers(exchange.method, template, exchange.status).inc()
        if not exchange.streaming:  # how long people listen is no latency
            _durations(exchange.method, template).observe(seconds)
        trace.end(exchange.status, exchange.request_id)
        self._access_log.write(exchange, template, seconds)


def _request_id(given: bytes | None) -> str:
    return (given and well_formed_request_id(given.decode("latin-1"))) or new_request_id()


@lru_cache(maxsize=2048)
def _answers(method: str, template: str, status: int) -> Counter:
    return HTTP_REQUESTS.labels(method, template, status)


@lru_cache(maxsize=1024)
def _durations(method: str, template: str) -> Histogram:
    return HTTP_SECONDS.labels(method, template)


def create_app(settings: Settings) -> Gateway:
    return Gateway(settings)
