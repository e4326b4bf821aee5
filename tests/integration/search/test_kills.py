"""The consumer as a process, killed while OpenSearch has half of what it sent; then its partitions come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, web

from photomesh_search.consumer import GROUP
from photomesh_search.indices.store import Indices, open_client
from photomesh_shared.internal_api.post import GET_TIMELINES
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.settings import KafkaSettings
from tests.support.groups import rewind, skip_to_end
from tests.support.kafka import Topics
from tests.support.search.events import account, deleted, edited, follow, post
from tests.support.search.history import History
from tests.support.services import process
from tests.support.tokens import free_port

_TOPICS = ("accounts", "erasures", "follows", "posts")
_POSTS = 40


@dataclass
class _Between:
    """Stands between the consumer and OpenSearch, and for post, which knows of no posts. While it is `armed`, the first
    bulk request with several posts is cut in half: the first half arrives, then `cut` happens, and there is no answer.
    """

    opensearch: str
    http: ClientSession
    armed: asyncio.Event = field(default_factory=asyncio.Event)
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    cut: Callable[[], None] = lambda: None

    async def pass_on(self, request: web.Request) -> web.Response:
        if request.path == GET_TIMELINES.path:
            return web.json_response({"timelines": {}})
        body = await request.read()
        if self.armed.is_set() and request.path == "/posts-write/_bulk":
            await self.complete.wait()
            lines = body.splitlines(keepends=True)
            if len(lines) >= 4:
                self.armed.clear()
                await self._send(request, b"".join(lines[: len(lines) // 4 * 2]))
                self.cut()
                raise web.HTTPServiceUnavailable
        return await self._send(request, body)

    async def _send(self, request: web.Request, body: bytes) -> web.Response:
        headers = {"Content-Type": request.headers.get("Content-Type", "application/json")}
        url = f"{self.opensearch}{request.path_qs}"
        async with self.http.request(request.method, url, data=body, headers=headers) as response:
            answer = await response.read()
            return web.Response(body=answer, status=response.status, content_type=response.content_type)


@asynccontextmanager
async def _between(opensearch: str) -> AsyncIterator[tuple[_Between, str]]:
    port = free_port()
    async with ClientSession() as http:
        between = _Between(opensearch, http)
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", between.pass_on)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield between, f"http://127.0.0.1:{port}"
        finally:
            await runner.cleanup()


async def test_a_consumer_killed_in_the_middle_of_a_bulk_request_leaves_an_index_that_becomes_right(
    opensearch: str,
    kafka: KafkaSettings,
    topics: Topics,
    service_environment: Callable[[str], Mapping[str, str]],
    new_id: Callable[[], int],
) -> None:
    authors = [new_id() for _ in range(3)]
    history = History(
        accounts=[account(one, 10, f"name{one}") for one in authors],
        follows=[follow(authors[0], one, 5 + number) for number, one in enumerate(authors[1:])],
    )
    begins = await skip_to_end(kafka, GROUP, _TOPICS)
    async with _between(opensearch) as (between, url), open_publisher(kafka, "tests") as publisher:
        variables = {
            **service_environment("search-consumer"),
            "PHOTOMESH_OPENSEARCH_URL": url,
            "PHOTOMESH_POST_URL": url,
        }
        async with process("photomesh_search.consumer", variables, port=free_port()) as victim:
            await publisher.publish_many(history.accounts)
            await topics.caught_up(GROUP, within=120)
            between.cut = victim.kill
            between.armed.set()
            ids = [(new_id(), authors[number % 3]) for number in range(_POSTS)]
            history.posts += [post(one, author, 10, "First words") for one, author in ids]
            history.posts += [edited(one, author, 20, "Second words") for one, author in ids[::2]]
            history.posts += [deleted(one, author, 30) for one, author in ids[::5]]
            last = account(authors[2], 20, f"name{authors[2]}", private=True)
            history.accounts.append(last)
            await publisher.publish_many([*history.posts, *history.follows, last])
            between.complete.set()
            assert await victim.ended(120) == -9
        assert not between.armed.is_set()
        await rewind(kafka, GROUP, begins)
        async with process("photomesh_search.consumer", variables, port=free_port()):
            await topics.caught_up(GROUP, within=120)
        async with open_client(opensearch) as client:
            await history.check(client, Indices(client).aliases("read"))
