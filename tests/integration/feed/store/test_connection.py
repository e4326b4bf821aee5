from __future__ import annotations

import pytest

from photomesh_feed.store.connection import open_redis
from photomesh_feed.store.writer import FeedWriter
from photomesh_shared.errors import Unavailable
from tests.support.tokens import free_port


async def test_unreachable_redis_is_unavailable() -> None:
    """For which a consumer waits, instead of giving up on the record."""
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as redis:
        with pytest.raises(Unavailable):
            await FeedWriter(redis).fan_out(1 << 40, [1], older_remain=False)
