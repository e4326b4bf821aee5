"""Stand-ins for social-graph and post: what they know is in memory, and they count what they are asked."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp import web

from photomesh_shared.events import PostPublished
from photomesh_shared.ids import decode, encode, timestamp_of

__all__ = ["Sources", "published"]


def published(post_id: int, author_id: int, caption: str = "") -> PostPublished:
    at = timestamp_of(post_id)
    tags = tuple(word[1:] for word in caption.split() if word.startswith("#"))
    changes = {
        "post_id": post_id,
        "author_id": author_id,
        "caption": caption or f"post {post_id}",
        "hashtags": tags,
        "created_at": at,
        "published_at": at + timedelta(seconds=1),
    }
    return PostPublished.example().model_copy(update=changes)


class Sources:
    """`url` is where both listen. While `away` is set they answer 503; while `gate` is not set they do not answer."""

    def __init__(self) -> None:
        self.url = ""
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.posts: dict[int, PostPublished] = {}
        self.by_author: dict[int, list[int]] = defaultdict(list)
        self.following: dict[int, dict[int, int]] = defaultdict(dict)
        self.muted: dict[int, dict[int, int]] = defaultdict(dict)
        self.liked: dict[int, set[int]] = defaultdict(set)
        self.saved: dict[int, set[int]] = defaultdict(set)
        self.asked: Counter[str] = Counter()

    def follow(self, account: int, authors: Iterable[int]) -> None:
        self.following[account].update((author, 1) for author in authors)

    def publish(self, post_id: int, author_id: int, caption: str = "") -> PostPublished:
        fact = self.posts[post_id] = published(post_id, author_id, caption)
        self.by_author[author_id].append(post_id)
        return fact

    def delete(self, post_id: int) -> None:
        fact = self.posts.pop(post_id)
        self.by_author[fact.author_id].remove(post_id)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Sources]:
        app = web.Application(middlewares=[self._frame])
        app.router.add_get("/internal/accounts/{id}/following", self._following)
        app.router.add_get("/internal/posts", self._posts)
        app.router.add_get("/internal/accounts", self._accounts)
        app.router.add_post("/internal/timelines", self._timelines)
        app.router.add_post("/internal/viewer-state", self._viewer_state)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    @web.middleware
    async def _frame(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked[request.path.rpartition("/")[2]] += 1
        await self.gate.wait()
        if self.away:
            return web.Response(status=503)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _following(self, request: web.Request) -> web.Response:
        account = decode("u", request.match_info["id"])
        return web.json_response(
            {"following": list(self.following[account].items()), "muted": list(self.muted[account].items())}
        )

    async def _posts(self, request: web.Request) -> web.Response:
        wanted = [decode("o", text) for text in request.query["ids"].split(",")]
        assert len(wanted) <= 100
        return web.json_response(
            {
                "posts": [
                    self.posts[post].model_dump(mode="json")
                    | {"version": 1, "like_count": 1, "comment_count": 0, "deleted": False, "edited_at": None}
                    for post in wanted
                    if post in self.posts
                ]
            }
        )

    async def _accounts(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "accounts": [
                    {"id": text, "username": f"name_{text[2:]}", "display_name": "Name", "avatar_url": None}
                    for text in request.query["ids"].split(",")
                ]
            }
        )

    async def _timelines(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert len(body["author_ids"]) <= 200
        before = decode("o", body["before"]) if body["before"] else 1 << 63
        return web.json_response(
            {
                "timelines": {
                    author: [
                        encode("o", post)
                        for post in sorted(self.by_author[decode("u", author)], reverse=True)
                        if post < before
                    ][: body["limit"]]
                    for author in body["author_ids"]
                }
            }
        )

    async def _viewer_state(self, request: web.Request) -> web.Response:
        body = await request.json()
        account = decode("u", body["account_id"])
        posts = {decode("o", text) for text in body["post_ids"]}
        return web.json_response(
            {
                "liked": [encode("o", post) for post in posts & self.liked[account]],
                "saved": [encode("o", post) for post in posts & self.saved[account]],
            }
        )
