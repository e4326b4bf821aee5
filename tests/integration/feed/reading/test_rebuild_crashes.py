"""A process killed while it rebuilds a feed: the next read starts over, and no post is lost or shown twice."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest

from photomesh_feed.reading.rebuild import AFTER_FOLLOWS, AFTER_MARKER, BEFORE_FINISH
from photomesh_feed.store import keys
from tests.integration.feed.read_side import ReadSide
from tests.support.services import process
from tests.support.tokens import free_port


@pytest.mark.parametrize("failpoint", [AFTER_MARKER, AFTER_FOLLOWS, BEFORE_FINISH])
async def test_killed_between_two_steps(read_side: ReadSide, failpoint: str) -> None:
    reader, ada = read_side.new_account(), read_side.new_account()
    expected = read_side.publish(ada, range(40))
    read_side.sources.follow(reader, [ada])
    url, headers = "/v1/feed", read_side.issuer.headers(reader)
    async with process(
        "photomesh_feed", read_side.environment, port=free_port(), failpoints=f"{failpoint}=kill"
    ) as running:
        async with httpx.AsyncClient(base_url=running.url, headers=headers) as client:
            with suppress(httpx.TransportError):
                await client.get(url)
        await running.ended()
    assert await read_side.redis.zrange(keys.feed(reader), 0, 0) == [keys.INCOMPLETE.encode()]
    newest = read_side.sources.publish(read_side.post_id(100), ada)
    await read_side.push(newest, reader)  # meanwhile
    assert await read_side.all_pages(reader, limit=15) == [newest.post_id, *expected]
    await read_side.redis.delete(keys.fill_lock(reader))  # it would expire after half a minute
    assert await read_side.all_pages(reader, limit=15) == [newest.post_id, *expected]
    await read_side.list_filled(reader)
    assert await read_side.all_pages(reader, limit=15) == [newest.post_id, *expected]
