"""HTTP servers that stand in for post and social-graph."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

from aiohttp import web

from photomesh_feed.errors import SourceUnavailable
from photomesh_shared.ids import decode, encode
from tests.support.feed.sources import InMemorySources

__all__ = ["serve"]


@asynccontextmanager
async def serve(sources: InMemorySources) -> AsyncIterator[str]:
    """Serves the `/internal` routes that feed calls. Yields the URL for both services."""
    app = web.Application(middlewares=[_unavailable_as_503])
    routes = _Routes(sources)
    app.add_routes(
        [
            web.get("/internal/posts", routes.posts),
            web.post("/internal/timelines", routes.timelines),
            web.post("/internal/viewer-state", routes.viewer_state),
            web.get("/internal/accounts", routes.accounts),
            web.get("/internal/accounts/{id}/following", routes.following),
            web.get("/internal/accounts/{id}/followers", routes.followers),
            web.get("/internal/popular", routes.popular),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@web.middleware
async def _unavailable_as_503(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except SourceUnavailable:
        return web.Response(status=503)


class _Routes:
    def __init__(self, sources: InMemorySources) -> None:
        self._sources = sources

    async def posts(self, request: web.Request) -> web.Response:
        wanted = [decode("o", text) for text in request.query["ids"].split(",")]
        return web.json_response({"posts": await self._sources.posts(wanted)})

    async def timelines(self, request: web.Request) -> web.Response:
        body = await request.json()
        found = await self._sources.timelines(
            [decode("u", author) for author in body["author_ids"]],
            before=decode("o", body["before"]) if body["before"] else None,
            limit=body["limit"],
        )
        return web.json_response(
            {
                "timelines": {
                    encode("u", author): [encode("o", post) for post in posts] for author, posts in found.items()
                }
            }
        )

    async def viewer_state(self, request: web.Request) -> web.Response:
        body = await request.json()
        liked, saved = await self._sources.viewer_state(
            decode("u", body["account_id"]), [decode("o", text) for text in body["post_ids"]]
        )
        return web.json_response(
            {"liked": [encode("o", post) for post in liked], "saved": [encode("o", post) for post in saved]}
        )

    async def accounts(self, request: web.Request) -> web.Response:
        found = await self._sources.accounts([decode("u", text) for text in request.query["ids"].split(",")])
        return web.json_response({"accounts": [asdict(one) | {"id": encode("u", one.id)} for one in found]})

    async def following(self, request: web.Request) -> web.Response:
        follows = await self._sources.follows(decode("u", request.match_info["id"]))
        return web.json_response({"following": follows.following, "muted": follows.muted})

    async def followers(self, request: web.Request) -> web.Response:
        page = await self._sources.followers_page(
            decode("u", request.match_info["id"]), int(request.query["after"]), int(request.query["limit"])
        )
        return web.Response(body=page)

    async def popular(self, request: web.Request) -> web.Response:
        return web.json_response(await self._sources.popular_accounts(int(request.query["at_least"])))
