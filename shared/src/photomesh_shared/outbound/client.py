"""The client of addresses that strangers named."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from photomesh_shared.outbound.guard import OutboundPolicy, Refused, check_url
from photomesh_shared.settings import OutboundSettings

__all__ = ["Answer", "OutboundClient", "Unreachable", "authorities", "open_outbound"]

_CONNECT_SECONDS = 5.0
_ANSWER_BYTES = 4_096
_RESOLVERS = 32
_IDLE_SECONDS = 30.0

_refused_by_guard: ContextVar[list[str] | None] = ContextVar("refused_by_guard", default=None)
"""Addresses that the guard refused for the request of this context."""

AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]
]


class Unreachable(Exception):
    """No answer: the name does not resolve, nobody listens, TLS failed, the connection broke, or it took too long."""


@dataclass(frozen=True)
class Answer:
    """`headers` by their names in lower case; `body`: its beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OutboundClient:
    """Sends single requests; retries are the caller's. `open_outbound` makes one."""

    def __init__(self, session: aiohttp.ClientSession, policy: OutboundPolicy) -> None:
        self._session = session
        self._policy = policy

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        seconds: float,
        answer_bytes: int = _ANSWER_BYTES,
    ) -> Answer:
        """Send a request, and read up to `answer_bytes` of the answer, all within `seconds`. A redirect is an answer.

        Raises Refused if the URL or each address of its host is not public, and Unreachable without an answer.
        """
        checked = check_url(url, self._policy)
        refused: list[str] = []
        token = _refused_by_guard.set(refused)
        try:
            async with asyncio.timeout(seconds):
                async with self._session.post(
                    checked, data=body, headers={"Accept-Encoding": "identity", **headers}, allow_redirects=False
                ) as response:
                    answer = Answer(
                        response.status, _by_lower_name(response.headers), await _beginning(response, answer_bytes)
                    )
                    if not response.content.at_eof():
                        response.close()  # rather than read the rest, to use the connection again
                    return answer
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if refused:
                raise Refused("Its host has no public address.") from error
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        finally:
            _refused_by_guard.reset(token)


def _by_lower_name(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def _beginning(response: aiohttp.ClientResponse, limit: int) -> bytes:
    found = b""
    while len(found) < limit and (chunk := await response.content.read(limit - len(found))):
        found += chunk
    return found


def authorities(settings: OutboundSettings) -> ssl.SSLContext:
    """Who vouches for hosts: the system's authorities and, in tests, that of their receivers."""
    context = ssl.create_default_context()
    if settings.outbound_test_authority:
        context.load_verify_locations(settings.outbound_test_authority)
    return context


@asynccontextmanager
async def open_outbound(policy: OutboundPolicy, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[OutboundClient]:
    """Open the client's connections. `tls`: by default, the system's authorities vouch for hosts."""

    def guarded_socket(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        host, port = address[:2]
        if family not in (socket.AF_INET, socket.AF_INET6) or not policy.allows(host, port):
            refused = _refused_by_guard.get()
            if refused is not None:
                refused.append(host)
            raise OSError(errno.EACCES, "the address is not public")
        return socket.socket(family, kind, protocol)

    resolver = _Resolver()
    connector = aiohttp.TCPConnector(
        limit=0,  # callers bound their concurrency
        keepalive_timeout=_IDLE_SECONDS,
        ssl=tls or ssl.create_default_context(),
        resolver=resolver,
        socket_factory=guarded_socket,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
        headers={"User-Agent": "Photomesh"},
        trust_env=False,
        auto_decompress=False,
    ) as session:
        yield OutboundClient(session, policy)


class _Resolver(AbstractResolver):
    """The system's resolver in threads of its own: names whose servers do not answer must not occupy the threads that
    the rest of the process shares."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=of_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of_family, _, protocol, _, address in found
            if of_family in (socket.AF_INET, socket.AF_INET6)
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
