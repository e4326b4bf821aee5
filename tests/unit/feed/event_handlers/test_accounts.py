from __future__ import annotations

import itertools

import pytest
from redis.asyncio import Redis

from photomesh_feed.store import keys
from photomesh_shared.events import AccountRegistered, AccountUpdated, Envelope
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import WriteSide

ACCOUNT = 7


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_newest_names_win(redis: Redis, sources: InMemorySources, order: tuple[int, ...]) -> None:
    events: list[Envelope[AccountRegistered] | Envelope[AccountUpdated]] = [
        Envelope.of(AccountRegistered.example().model_copy(update={"user_id": ACCOUNT}), entityversion=1),
        *(
            Envelope.of(
                AccountUpdated.example().model_copy(update={"user_id": ACCOUNT, "username": name, "private": True}),
                entityversion=version,
            )
            for version, name in ((2, "second"), (3, "third"))
        ),
    ]
    write_side = WriteSide(redis, sources)
    await write_side.know_since_long_ago()
    await write_side.handle(*(events[which] for which in order))
    stored = await redis.hgetall(keys.user(ACCOUNT))
    assert (stored[b"username"], stored[b"private"], stored[b"v"]) == (b"third", b"1", b"3")
