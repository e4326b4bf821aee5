"""Whatever is cut off, comes again or comes in another order: at the end the index is what the stores are."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnection

from photomesh_search.errors import SearchUnavailable
from photomesh_search.indexing.domain import account_document, post_document
from photomesh_search.indexing.event_handlers import AccountEventHandlers, FollowEventHandlers, PostEventHandlers
from photomesh_search.indexing.store import IndexWriter
from photomesh_shared.events import AccountUpdated, Envelope, PostDeleted
from tests.integration.search.conftest import Searching
from tests.support.search.events import account, deleted, edited, follow, post

NewId = Callable[[], int]
Handle = Callable[[Sequence[Envelope[Any]]], Any]

_ACCOUNTS, _POSTS, _PARTITIONS = 6, 30, 3


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


class _History:
    """What happened: the events of each topic, in their order."""

    def __init__(self, new_id: NewId, chance: random.Random) -> None:
        authors = [new_id() for _ in range(_ACCOUNTS)]
        self.accounts: list[Envelope[Any]] = []
        self.posts: list[Envelope[Any]] = []
        self.follows = [follow(authors[0], one, number) for number, one in enumerate(authors)]
        for author in authors:
            for version in range(1, chance.randrange(2, 6)):
                kind = chance.choice(("public", "public", "private", "unsearchable", "deactivated"))
                self.accounts.append(
                    account(
                        author,
                        10 * version,
                        f"name{author}",
                        private=kind == "private",
                        searchable=kind != "unsearchable",
                        status="deactivated" if kind == "deactivated" else "active",
                    )
                )
        for _ in range(_POSTS):
            one, author = new_id(), chance.choice(authors)
            self.posts.append(post(one, author, 10, "First words"))
            if chance.random() < 0.5:
                self.posts.append(edited(one, author, 20, "Second words"))
            if chance.random() < 0.3:
                self.posts.append(deleted(one, author, 30))

    def newest(self, events: Sequence[Envelope[Any]], name: str) -> Mapping[int, Envelope[Any]]:
        return {
            getattr(envelope.data, name): envelope
            for envelope in sorted(events, key=lambda envelope: envelope.entityversion)
        }

    def partitions(self, events: Sequence[Envelope[Any]], name: str) -> list[list[Envelope[Any]]]:
        found: list[list[Envelope[Any]]] = [[] for _ in range(_PARTITIONS)]
        for envelope in events:
            found[getattr(envelope.data, name) % _PARTITIONS].append(envelope)
        return found


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
    history = _History(new_id, chance)
    accounts, posts = history.newest(history.accounts, "user_id"), history.newest(history.posts, "post_id")
    for one in posts.values():
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

    async def stored(name: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        found = await search.client.mget(
            index=search.indices.aliases("read")[name], body={"ids": [str(one) for one in ids]}
        )
        return {int(one["_id"]): one["_source"] for one in found["docs"] if one.get("found")}

    async def check() -> None:
        in_index = await stored("accounts", list(accounts))
        public = {}
        for account_id, envelope in accounts.items():
            assert isinstance(envelope.data, AccountUpdated)
            document = account_document(envelope.data, envelope.entityversion)
            public[account_id] = document.public
            row = in_index[account_id]
            assert {name: row.get(name) for name in document.fields} == dict(document.fields)
            assert row["v"]["profile"] == envelope.entityversion
        rows = await stored("posts", list(posts))
        for post_id, envelope in posts.items():
            row = rows.get(post_id, {})
            expected = post_document(envelope)
            assert expected is not None
            if not public[envelope.data.author_id]:
                expected = expected.emptied()
            content = {name: value for name, value in row.items() if name != "version"}
            assert content == dict(expected.fields), (seed, post_id)

    await _consume(lanes(), chance)
    assert cut.cuts > 0
    await check()
    # All of it once more, as after a lost offset: nothing old comes back.
    await _consume(lanes(), chance)
    await check()
