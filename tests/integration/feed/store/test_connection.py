from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from photomesh_feed.store.connection import open_probe, open_redis
from photomesh_feed.store.writer import FeedWriter
from photomesh_shared.errors import Unavailable
from tests.support.tokens import free_port


async def test_unreachable_redis_is_unavailable() -> None:
    """For which a consumer waits, instead of giving up on the record."""
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as redis:
        with pytest.raises(Unavailable):
            await FeedWriter(redis).fan_out(1 << 40, [1], older_remain=False)


async def test_a_pool_that_is_used_up_does_not_look_like_a_redis_that_is_down(
    service_environment: Callable[[str], Mapping[str, str]],
) -> None:
    url = service_environment("feed")["PHOTOMESH_FEED_REDIS_URL"]
    async with open_redis(url, connections=1) as redis, open_probe(url) as probe:
        async with redis.client():  # holds the only connection
            await probe.check()
    async with open_probe(f"redis://127.0.0.1:{free_port()}/0") as probe:
        with pytest.raises(Unavailable):
            await probe.check()
