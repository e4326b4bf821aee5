"""Whatever is cut off, comes again or comes in another order: at the end the index is what the stores are."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnection

from photomesh_search.errors import SearchUnavailable
from photomesh_search.indexing.domain import post_document
from photomesh_search.indexing.event_handlers import AccountEventHandlers, FollowEventHandlers, PostEventHandlers
from photomesh_search.indexing.store import IndexWriter
from photomesh_shared.events import Envelope, PostDeleted
from tests.integration.search.conftest import Searching
from tests.support.search.history import History

NewId = Callable[[], int]
Handle = Callable[[Sequence[Envelope[Any]]], Any]


class _Cut:
    """The server, for a process that is killed while it sends: half of a bulk request arrives, and no answer comes."""

    def __init__(self, client: AsyncOpenSearch, chance: random.Random) -> None:
        self._client = client
        self._chance = chance
        self.cuts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def bulk(self, *, index: str, body: str) -> Any:
        lines = body.splitlines(keepends=True)
        if self._chance.random() < 0.25:
            self.cuts += 1
            half = 2 * self._chance.randrange(len(lines) // 2 + 1)
            if half:
                await self._client.bulk(index=index, body="".join(lines[:half]))
            raise NoConnection("N/A", "killed", Exception("killed"))
        return await self._client.bulk(index=index, body=body)


async def _consume(lanes: list[tuple[list[Envelope[Any]], Handle]], chance: random.Random) -> None:
    """Handles batches of all partitions, in any order among these. A batch that fails comes again from its beginning,
    or from earlier, as after a crash before offsets were committed."""
    offsets = [0] * len(lanes)
    while waiting := [number for number, (events, _) in enumerate(lanes) if offsets[number] < len(events)]:
        number = chance.choice(waiting)
        events, handle = lanes[number]
        size = chance.randrange(1, 8)
        try:
            await handle(events[offsets[number] : offsets[number] + size])
        except SearchUnavailable:
            offsets[number] = max(0, offsets[number] - chance.randrange(4))
            continue
        offsets[number] += size


@pytest.mark.parametrize("seed", range(4))
async def test_the_index_is_what_the_stores_are(search: Searching, new_id: NewId, seed: int) -> None:
    chance = random.Random(seed)
    history = History.drawn(new_id, chance)
    for one in history.newest(history.posts, "post_id").values():
        if not isinstance(one.data, PostDeleted) and (document := post_document(one)):
            search.source.posts[document.post_id] = document
    cut = _Cut(search.client, chance)
    index = IndexWriter(cast(AsyncOpenSearch, cut), search.indices.aliases("write"))
    of_accounts = AccountEventHandlers(index, search.source)
    of_posts, of_follows = PostEventHandlers(index), FollowEventHandlers(index)

    def lanes() -> list[tuple[list[Envelope[Any]], Handle]]:
        return [
            *((events, of_accounts.accounts_changed) for events in history.partitions(history.accounts, "user_id")),
            *((events, of_posts.posts_changed) for events in history.partitions(history.posts, "author_id")),
            *((events, of_follows.followers_changed) for events in history.partitions(history.follows, "followee_id")),
        ]

    await _consume(lanes(), chance)
    assert cut.cuts > 0
    await history.check(search.client, search.indices.aliases("read"))
    # All of it once more, as after a lost offset: nothing old comes back.
    await _consume(lanes(), chance)
    await history.check(search.client, search.indices.aliases("read"))
