"""A process that is killed while it fills a feed: the next read begins again, and nothing is lost or shown twice."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest

from photomesh_feed.reading.rebuild import AFTER_FOLLOWS, AFTER_MARKER, BEFORE_FINISH
from photomesh_feed.store import keys
from tests.integration.feed.conftest import World
from tests.support.services import process
from tests.support.tokens import free_port


@pytest.mark.parametrize("failpoint", [AFTER_MARKER, AFTER_FOLLOWS, BEFORE_FINISH])
async def test_killed_between_two_steps(world: World, failpoint: str) -> None:
    reader, ada = world.account(), world.account()
    expected = world.publish(ada, range(40))
    world.sources.follow(reader, [ada])
    url, headers = "/v1/feed", world.issuer.headers(reader)
    async with process(
        "photomesh_feed", world.environment, port=free_port(), failpoints=f"{failpoint}=kill"
    ) as running:
        async with httpx.AsyncClient(base_url=running.url, headers=headers) as client:
            with suppress(httpx.TransportError):
                await client.get(url)
        await running.ended()
    assert await world.redis.zrange(keys.feed(reader), 0, 0) == [keys.INCOMPLETE.encode()]
    newest = world.sources.publish(world.post_id(100), ada)
    await world.push(newest, reader)  # meanwhile
    assert await world.all(reader, limit=15) == [newest.post_id, *expected]
    await world.redis.delete(keys.fill_lock(reader))  # which would end by itself after half a minute
    assert await world.all(reader, limit=15) == [newest.post_id, *expected]
    await world.whole(reader)
    assert await world.all(reader, limit=15) == [newest.post_id, *expected]
