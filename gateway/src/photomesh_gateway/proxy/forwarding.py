"""Forwards a request to a service and streams the response back; failures become problems.

aiohttp retries once when a kept-alive connection turns out to be closed before any byte of a response, and only for
idempotent methods whose body can be sent again (RFC 9112, section 9.3.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import perf_counter

import aiohttp
from yarl import URL

from photomesh_gateway import compression
from photomesh_gateway.errors import UpstreamFailed, UpstreamTimeout, UpstreamUnavailable
from photomesh_gateway.metrics import UPSTREAM_FAILURES, UPSTREAM_SECONDS
from photomesh_gateway.proxy import headers
from photomesh_gateway.proxy.deadline import Ended
from photomesh_gateway.proxy.exchange import ClientGone, Exchange
from photomesh_gateway.routing.router import Route
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_shared.errors import Problem
from photomesh_shared.http import RateClass

__all__ = ["Proxy", "open_session"]

_KEEP_ALIVE_SECONDS = 60  # the services keep connections for 75 s, so we never send on one that they are closing
_MAX_HEADER_BYTES = 32 * 1024
_NO_DEFAULTS = ("Content-Type",)  # a client that sent none keeps it so


@asynccontextmanager
async def open_session(connect_timeout: float) -> AsyncIterator[aiohttp.ClientSession]:
    """The pool of connections to the services. Unbounded, because admission bounds the requests in flight."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS, ttl_dns_cache=10),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),  # or clients would share cookies
        max_line_size=_MAX_HEADER_BYTES,
        max_field_size=_MAX_HEADER_BYTES,
    ) as session:
        yield session


class Proxy:
    def __init__(
        self,
        session: aiohttp.ClientSession,
        urls: Mapping[Upstream, str],
        timeouts: Mapping[RateClass, float],
        silence: float,
    ) -> None:
        """`timeouts`: seconds for a whole response; of a stream, until it begins. `silence`: seconds for which a stream
        may send nothing."""
        self._session = session
        self._urls, self._timeouts, self._silence = urls, timeouts, silence
        self._seconds = {upstream: UPSTREAM_SECONDS.labels(upstream) for upstream in urls}

    async def forward(self, exchange: Exchange, route: Route, body: bytes | None) -> None:
        """Sends the request and relays the response. Raises a Problem, perhaps after the response has begun."""
        deadline = exchange.deadline
        deadline.start(self._timeouts[route.rate])
        try:
            await self._forward(exchange, route, body)
        except aiohttp.ClientConnectorError as error:
            raise _failure(route, "refused", UpstreamUnavailable()) from error
        except TimeoutError as error:  # connecting took too long
            raise _failure(route, "timeout", UpstreamTimeout()) from error
        except asyncio.CancelledError as error:
            if deadline.ended is None:
                raise
            deadline.uncancel()
            if deadline.ended is Ended.CLIENT_GONE or exchange.writing:
                raise ClientGone from error
            if deadline.ended is Ended.DRAINED:
                await _end_stream(exchange)
                return
            raise _failure(route, "timeout", UpstreamTimeout()) from error
        except aiohttp.ClientError as error:
            raise _failure(route, "broken", UpstreamFailed()) from error
        finally:
            deadline.stop()

    async def _forward(self, exchange: Exchange, route: Route, body: bytes | None) -> None:
        fields = headers.to_service(exchange.scope["headers"], exchange.fields, exchange.to_service)
        sent_at = perf_counter()
        response = await self._session.request(
            route.method,  # GET for HEAD
            self._url(exchange, route),
            headers=fields,
            data=body,
            skip_auto_headers=_NO_DEFAULTS if body is not None and b"content-type" not in exchange.fields else None,
            allow_redirects=False,
        )
        exchange.upstream_seconds = perf_counter() - sent_at
        self._seconds[route.upstream].observe(exchange.upstream_seconds)
        try:
            if route.rate is RateClass.STREAM and response.status == 200:
                exchange.streaming = True
                exchange.deadline.limit_silence(self._silence)
                await _relay_stream(response, exchange)
            else:
                await _relay(response, exchange)
        except BaseException:
            response.close()  # and the connection with it, instead of reading the rest of the response
            raise

    def _url(self, exchange: Exchange, route: Route) -> URL:
        target = self._urls[route.upstream] + exchange.scope["raw_path"].decode("ascii")
        if query := exchange.scope["query_string"]:
            target += "?" + query.decode("latin-1")
        return URL(target, encoded=True)


async def _relay(response: aiohttp.ClientResponse, exchange: Exchange) -> None:
    fields = headers.to_client(response.raw_headers)
    if response.status in (204, 304):  # a 304 may name a length without a body, which our server refuses
        fields = [(name, value) for name, value in fields if name != b"content-length"]
    if response.status == 304:
        fields = compression.not_modified_headers(fields, exchange.fields.get(b"if-none-match"))
    elif compression.is_compressible(response.status, fields):
        fields.append(compression.VARY)
        if compression.accepts_gzip(exchange.fields.get(b"accept-encoding")):
            body = compression.compress(await response.read())
            await exchange.begin(response.status, compression.gzip_headers(fields, len(body)))
            await exchange.write(body, more=False)
            return
    await exchange.begin(response.status, fields)
    content, more = response.content, True
    while more:
        piece = await content.readany()
        more = not content.at_eof()
        await exchange.write(piece, more=more)


async def _relay_stream(response: aiohttp.ClientResponse, exchange: Exchange) -> None:
    await exchange.begin(response.status, headers.to_client(response.raw_headers))
    content = response.content
    while piece := await content.readany():
        exchange.deadline.heard()
        await exchange.write(piece, more=True)
    await exchange.write(b"", more=False)


async def _end_stream(exchange: Exchange) -> None:
    """Ends a stream as if the service had: the client connects again, to another process."""
    if not exchange.status:
        raise UpstreamUnavailable
    await exchange.write(b"", more=False)


def _failure(route: Route, kind: str, problem: Problem) -> Problem:
    UPSTREAM_FAILURES.labels(route.upstream, kind).inc()
    return problem
