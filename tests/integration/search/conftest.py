"""Search on a real OpenSearch, each module with indices of its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest
from opensearchpy import AsyncOpenSearch

from photomesh_search.indexing.event_handlers import AccountEventHandlers, FollowEventHandlers, PostEventHandlers
from photomesh_search.indexing.store import IndexWriter
from photomesh_search.indices.store import Indices, open_client
from photomesh_search.searching.store import IndexReader
from tests.support.search.memory_index import MemoryPosts


class Searching:
    """The index, and what writes and reads it, without other programs."""

    def __init__(self, client: AsyncOpenSearch, prefix: str) -> None:
        self.client = client
        self.prefix = prefix
        self.indices = Indices(client, prefix=prefix)
        self.index = IndexWriter(client, self.indices.aliases("write"))
        self.reader = IndexReader(client, self.indices.aliases("read"))
        self.source = MemoryPosts()
        self.accounts = AccountEventHandlers(self.index, self.source)
        self.posts = PostEventHandlers(self.index)
        self.follows = FollowEventHandlers(self.index)

    async def refresh(self) -> None:
        await self.client.indices.refresh(index=f"{self.prefix}*")


@pytest.fixture
async def search(opensearch: str) -> AsyncIterator[Searching]:
    async with open_client(opensearch) as client:
        searching = Searching(client, f"t{secrets.token_hex(6)}-")
        await searching.indices.ensure()
        yield searching
        await client.indices.delete(index=f"{searching.prefix}*")
