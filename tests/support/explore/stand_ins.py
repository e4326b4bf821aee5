"""An HTTP server that stands in for post."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from photomesh_shared.internal_api.post import GET_SIGHTINGS, Sightings, SightingsQuery
from tests.support.explore.memory import MemorySights

__all__ = ["serve_sights"]


@asynccontextmanager
async def serve_sights(sights: MemorySights) -> AsyncIterator[str]:
    """Serves what viewers may see. Yields the server's URL."""

    async def sightings(request: web.Request) -> web.Response:
        query = SightingsQuery.model_validate_json(await request.read())
        posts, accounts = await sights.look(query.viewer_id, query.post_ids, query.account_ids)
        body = Sightings(accounts=list(accounts.values()), posts=list(posts.values()), comments=[], photos=[])
        return web.Response(body=body.model_dump_json(), content_type="application/json")

    app = web.Application()
    app.router.add_route(GET_SIGHTINGS.method, GET_SIGHTINGS.path, sightings)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
