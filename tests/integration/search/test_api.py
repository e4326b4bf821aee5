"""The API without what it asks: it says so, and refuses what it would refuse anyway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import httpx
import pytest

from photomesh_search.app import create_app
from photomesh_search.settings import Settings
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

PATHS = ("suggest", "accounts", "posts", "hashtags", "places")


@pytest.fixture
async def api(
    service_environment: Callable[[str], Mapping[str, str]], issuer: Issuer, new_id: Callable[[], int]
) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody listens where OpenSearch and the services should be."""
    away = "http://127.0.0.1:1"
    settings = settings_from(
        Settings,
        service_environment("search"),
        opensearch_url=away,
        post_url=away,
        social_graph_url=away,
        identity_url=away,
    )
    async with client_of(create_app(settings), Authorization=f"Bearer {issuer.token(new_id())}") as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
async def test_without_its_index_search_is_not_available(api: httpx.AsyncClient, path: str) -> None:
    response = await api.get(f"/v1/search/{path}", params={"q": "ada"})
    assert response.status_code == 503
    assert response.json()["code"] == "search-unavailable"
    assert "Retry-After" in response.headers


@pytest.mark.parametrize("path", PATHS)
async def test_queries_have_a_length(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(f"/v1/search/{path}", params={"q": "a" * 201})).status_code == 422


async def test_a_position_has_two_parts(api: httpx.AsyncClient) -> None:
    response = await api.get("/v1/search/places", params={"latitude": "46.1"})
    assert response.status_code in (400, 422)
