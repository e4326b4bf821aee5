"""An HTTP server that stands in for post."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from photomesh_notification.errors import SightingsUnavailable
from photomesh_shared.internal_api.post import GET_SIGHTINGS, Sightings, SightingsQuery
from tests.support.notification.memory_inbox import MemoryPost

__all__ = ["serve_sightings"]


@asynccontextmanager
async def serve_sightings(post: MemoryPost) -> AsyncIterator[str]:
    """Serves what `post` shows. Yields the server's URL."""

    async def sightings(request: web.Request) -> web.Response:
        query = SightingsQuery.model_validate_json(await request.read())
        try:
            found = await post.hydrate(
                query.viewer_id,
                account_ids=query.account_ids,
                post_ids=query.post_ids,
                comment_ids=query.comment_ids,
                photo_ids=query.photo_ids,
                likers=query.likers,
                counted_post_ids=query.counted_post_ids,
                counted_comment_ids=query.counted_comment_ids,
            )
        except SightingsUnavailable:
            return web.Response(status=503)
        body = Sightings(
            accounts=list(found.accounts.values()),
            posts=list(found.posts.values()),
            comments=list(found.comments.values()),
            photos=list(found.photos.values()),
        )
        return web.Response(text=body.model_dump_json(), content_type="application/json")

    app = web.Application()
    app.add_routes([web.route(GET_SIGHTINGS.method, GET_SIGHTINGS.path, sightings)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
