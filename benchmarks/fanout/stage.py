"""Followers, their feeds, and the consumers that fill them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import httpx
from aiohttp import web
from redis.asyncio import Redis

import photomesh_local as local
from photomesh_feed.store import keys
from photomesh_shared.ids import encode
from photomesh_shared.packed_ids import ID_BYTES, pack

__all__ = ["Crowd", "bytes_per_entry", "consumers", "fill", "serve"]

_BATCH = 1_000
_COPIES = """
for i = 2, #KEYS do redis.call('COPY', KEYS[1], KEYS[i]) end
"""


class Crowd:
    """Somebody with followers, all of whom have feeds of `length` older posts."""

    def __init__(self, author_id: int, count: int, length: int) -> None:
        self.author_id = author_id
        self.followers = range(author_id + (1 << 30), author_id + (1 << 30) + count)
        self.length = length
        self.packed = pack(self.followers)

    @property
    def last_of_tasks(self) -> list[int]:
        """The last follower of each task: one call deals with all of a task, so when the last has the post all do."""
        return [*self.followers[_BATCH - 1 :: _BATCH], *(self.followers[-1:] if len(self.followers) % _BATCH else ())]


async def fill(redis: Redis, crowd: Crowd, older_than: int) -> None:
    """Makes the feeds again, from nothing."""
    first, *others = map(keys.feed, crowd.followers)
    entries: dict[str, float] = {keys.COMPLETE: float("-inf")}
    entries |= {str(post): keys.score(post) for post in (older_than - (n << 22) for n in range(1, crowd.length + 1))}
    await redis.zadd(first, entries)
    script = redis.register_script(_COPIES)
    for start in range(0, len(others), _BATCH):
        await script(keys=[first, *others[start : start + _BATCH]])


async def bytes_per_entry(redis: Redis, crowd: Crowd) -> float:
    """What Redis says a feed takes, key and all, for each post in it."""
    name = keys.feed(crowd.followers[0])
    return float(await redis.memory_usage(name, samples=0) or 0) / (int(await redis.zcard(name)) - 1)


@asynccontextmanager
async def serve(crowds: Sequence[Crowd]) -> AsyncIterator[str]:
    """The part of social-graph that feed asks; the URL."""
    by_author = {encode("u", crowd.author_id): crowd for crowd in crowds}

    async def followers(request: web.Request) -> web.Response:
        crowd = by_author.get(request.match_info["account"])
        if crowd is None:  # somebody's of whom the topic still tells
            return web.Response()
        first = max(0, int(request.query["after"]) - crowd.followers.start + 1)
        last = first + int(request.query["limit"])
        return web.Response(body=crowd.packed[first * ID_BYTES : last * ID_BYTES])

    async def popular(request: web.Request) -> web.Response:
        return web.json_response([])

    app = web.Application()
    app.add_routes(
        [web.get("/internal/accounts/{account}/followers", followers), web.get("/internal/popular", popular)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def consumers(graph_url: str, redis_url: str) -> AsyncIterator[None]:
    """feed-consumer and feed-fanout, one process each, that have caught up with their topics."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        urls = []
        for program, module in (("feed-consumer", "photomesh_feed.consumer"), ("feed-fanout", "photomesh_feed.fanout")):
            port = _port()
            environment = local.environment("test", program) | {
                "PHOTOMESH_PORT": str(port),
                "PHOTOMESH_FEED_REDIS_URL": redis_url,
                "PHOTOMESH_SOCIAL_GRAPH_URL": graph_url,
                "PHOTOMESH_CELEBRITY_FOLLOWERS": "100000000",
            }
            running.append(_start(module, environment))
            urls.append(f"http://127.0.0.1:{port}/readyz")
        async with httpx.AsyncClient() as client:
            for url in urls:
                await _ready(client, url)
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            await asyncio.to_thread(process.wait)


def _start(module: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PHOTOMESH_", "OTEL_"))}
    return subprocess.Popen(
        [sys.executable, "-m", module], env=env | dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )


async def _ready(client: httpx.AsyncClient, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
