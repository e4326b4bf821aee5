"""The API starts on its schema."""

from __future__ import annotations

import httpx


async def test_it_is_ready(api: httpx.AsyncClient) -> None:
    response = await api.get("/readyz")
    assert response.status_code == 200, response.text
