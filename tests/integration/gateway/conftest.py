"""A gateway on a port of its own, before services that do as they are told, beside the real Redis."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from photomesh_gateway.app import Gateway
from photomesh_gateway.connections import gateway_protocol
from photomesh_gateway.routing.router import Route
from photomesh_gateway.routing.table import ROUTES
from photomesh_gateway.settings import Settings
from tests.integration.gateway.stand_in import Service
from tests.support.listening import listening
from tests.support.services import settings_from
from tests.support.tokens import Issuer

Environment = Callable[[str], Mapping[str, str]]
StartGateway = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session")
def service_environment(service_environment: Environment) -> Environment:
    """With a Redis database of its own: limits used up here must not meet the mesh that starts after."""

    def environment(program: str) -> dict[str, str]:
        values = dict(service_environment(program))
        values["PHOTOMESH_REDIS_URL"] = values["PHOTOMESH_REDIS_URL"].removesuffix("/0") + "/1"
        return values

    return environment


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    stand_in = Service()
    async with listening(stand_in, lifespan="off") as stand_in.url:
        yield stand_in


@pytest.fixture
def start_gateway(service_environment: Environment, service: Service) -> StartGateway:
    """Starts a gateway with changed settings, and perhaps other routes; yields a client of it.

    Whoever connects from here is a trusted proxy, so each client may have an address, and with it limits, of its own.
    """

    @asynccontextmanager
    async def start(routes: tuple[Route, ...] = ROUTES, **changes: str) -> AsyncIterator[httpx.AsyncClient]:
        urls = {f"{name}_url": service.url for name in ("identity", "upload", "post")}
        usual = urls | {"trusted_proxies": '["127.0.0.0/8"]'}
        settings = settings_from(Settings, service_environment("gateway"), **(usual | changes))
        async with listening(
            Gateway(settings, routes), gateway_protocol(settings), headers=[("Server", "photomesh")]
        ) as url:
            async with httpx.AsyncClient(
                base_url=url, headers={"X-Forwarded-For": f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"}
            ) as client:
                yield client

    return start


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with the usual settings."""
    async with start_gateway() as client:
        yield client


@pytest.fixture
def someone(issuer: Issuer, new_id: Callable[[], int]) -> dict[str, str]:
    """The headers of an account that nobody else uses."""
    return issuer.headers(new_id())
