"""An HTTP server that stands in for post, social-graph and explore."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from aiohttp import web

from photomesh_feed.domain.suggestions import Suggestion
from photomesh_feed.errors import SourceUnavailable
from photomesh_shared.ids import decode
from photomesh_shared.internal_api import InternalModel, Operation, explore, post, social_graph
from tests.support.feed.sources import InMemorySources
from tests.support.feed.suggestions import InMemorySuggestions

__all__ = ["serve"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve(sources: InMemorySources, suggestions: InMemorySuggestions | None = None) -> AsyncIterator[str]:
    """Serves the internal operations that feed calls. Yields the URL for all services."""
    app = web.Application(middlewares=[_unavailable_as_503])
    routes = _Routes(sources, suggestions or InMemorySuggestions())
    app.add_routes(
        [web.route(operation.method, operation.path, handler) for operation, handler in routes.by_operation()]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@web.middleware
async def _unavailable_as_503(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except SourceUnavailable:
        return web.Response(status=503)


class _Routes:
    def __init__(self, sources: InMemorySources, suggestions: InMemorySuggestions) -> None:
        self._sources = sources
        self._suggestions = suggestions

    def by_operation(self) -> list[tuple[Operation[Any], Handler]]:
        return [
            (post.GET_POSTS, self.posts),
            (post.GET_TIMELINES, self.timelines),
            (post.GET_VIEWER_STATE, self.viewer_state),
            (post.GET_ACCOUNTS, self.accounts),
            (social_graph.GET_FOLLOWING, self.following),
            (social_graph.GET_FOLLOWERS, self.followers),
            (social_graph.GET_POPULAR, self.popular),
            (explore.GET_SUGGESTIONS, self.suggestions),
            (explore.SHOW_SUGGESTIONS, self.show_suggestions),
        ]

    async def posts(self, request: web.Request) -> web.Response:
        query = post.PostsQuery.model_validate({"ids": [request.query["ids"]]})
        return _json(await self._sources.find_posts(query.ids))

    async def timelines(self, request: web.Request) -> web.Response:
        query = post.TimelinesQuery.model_validate_json(await request.read())
        found = await self._sources.timelines(query.author_ids, before=query.before, limit=query.limit)
        return _json(post.Timelines(timelines=found))

    async def viewer_state(self, request: web.Request) -> web.Response:
        query = post.ViewerStateQuery.model_validate_json(await request.read())
        states = await self._sources.viewer_states(query.account_id, query.post_ids)
        return _json(
            post.ViewerState(
                liked=[one.post_id for one in states if one.liked],
                saved=[one.post_id for one in states if one.saved],
                like_versions={one.post_id: one.like_version for one in states if one.like_version},
                save_versions={one.post_id: one.save_version for one in states if one.save_version},
            )
        )

    async def accounts(self, request: web.Request) -> web.Response:
        query = post.AccountsQuery.model_validate({"ids": [request.query["ids"]]})
        found = [post.Account(**asdict(account)) for account in await self._sources.accounts(query.ids)]
        return _json(post.Accounts(accounts=found))

    async def following(self, request: web.Request) -> web.Response:
        relations = await self._sources.relations(_account_of(request))
        versions = {one: social_graph.VersionedAccount(one.other_id, one.version) for one in relations}
        return _json(
            social_graph.Following(
                following=[versions[one] for one in relations if one.follows],
                muted=[versions[one] for one in relations if one.mutes],
                ended=[versions[one] for one in relations if not one.follows and not one.mutes],
            )
        )

    async def followers(self, request: web.Request) -> web.Response:
        query = social_graph.FollowersQuery.model_validate(request.query, strict=False)
        page = await self._sources.followers_page(_account_of(request), query.after, query.limit)
        return web.Response(body=page)

    async def popular(self, request: web.Request) -> web.Response:
        query = social_graph.PopularQuery.model_validate(request.query, strict=False)
        return web.json_response(await self._sources.popular_accounts(query.at_least))

    async def suggestions(self, request: web.Request) -> web.Response:
        query = explore.SuggestionsQuery.model_validate(request.query, strict=False)
        found = await self._suggestions.suggestions(decode("u", request.match_info["account_id"]), query.limit)
        return _json(explore.SuggestedPosts(posts=[explore.SuggestedPost(**one._asdict()) for one in found]))

    async def show_suggestions(self, request: web.Request) -> web.Response:
        body = explore.SuggestedPosts.model_validate_json(await request.read())
        wanted = [Suggestion(one.post_id, one.source, one.about) for one in body.posts]
        found = await self._suggestions.show(decode("u", request.match_info["account_id"]), wanted)
        reasoned = [explore.ReasonedPost(post_id=post, **reason._asdict()) for post, reason in found.items()]
        return _json(explore.ShownSuggestions(posts=reasoned))


def _account_of(request: web.Request) -> int:
    return decode("u", request.match_info["user_id"])


def _json(body: InternalModel) -> web.Response:
    return web.Response(text=body.model_dump_json(), content_type="application/json")
