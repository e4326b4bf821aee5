"""The whole mesh on the test stack, seen as its clients see it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from demo.client import Account, Platform


@pytest.fixture(scope="session")
def gateway_url(mesh: Mapping[str, int]) -> str:
    return f"http://127.0.0.1:{mesh['GATEWAY']}"


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def platform(http: httpx.AsyncClient, gateway_url: str) -> Platform:
    """A patient client: it waits out what the tests do to the servers."""
    return Platform(http, gateway_url, tries=60)


@pytest.fixture
async def ada(platform: Platform) -> Account:
    return await platform.register(f"ada_{secrets.token_hex(6)}")


@pytest.fixture
async def grace(platform: Platform) -> Account:
    return await platform.register(f"grace_{secrets.token_hex(6)}")
