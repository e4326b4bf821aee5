"""What happened to accounts and posts, and what the index has to hold of it at the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opensearchpy import AsyncOpenSearch

from photomesh_search.indexing.domain import account_document, post_document
from photomesh_shared.events import AccountUpdated, Envelope
from tests.support.search.events import account, deleted, edited, follow, post

__all__ = ["History"]

Events = list[Envelope[Any]]

_ACCOUNTS, _POSTS, _PARTITIONS = 6, 30, 3


@dataclass
class History:
    """The events of each topic, in their order."""

    accounts: Events = field(default_factory=list)
    posts: Events = field(default_factory=list)
    follows: Events = field(default_factory=list)

    @classmethod
    def drawn(cls, new_id: Callable[[], int], chance: random.Random) -> History:
        authors = [new_id() for _ in range(_ACCOUNTS)]
        history = cls(follows=[follow(authors[0], one, number) for number, one in enumerate(authors)])
        for author in authors:
            for version in range(1, chance.randrange(2, 6)):
                kind = chance.choice(("public", "public", "private", "unsearchable", "deactivated"))
                history.accounts.append(
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
            history.posts.append(post(one, author, 10, "First words"))
            if chance.random() < 0.5:
                history.posts.append(edited(one, author, 20, "Second words"))
            if chance.random() < 0.3:
                history.posts.append(deleted(one, author, 30))
        return history

    @staticmethod
    def newest(events: Events, name: str) -> Mapping[int, Envelope[Any]]:
        """The latest event of each subject, whose id is its field `name`."""
        return {
            getattr(envelope.data, name): envelope
            for envelope in sorted(events, key=lambda envelope: envelope.entityversion)
        }

    @staticmethod
    def partitions(events: Events, name: str) -> list[Events]:
        found: list[Events] = [[] for _ in range(_PARTITIONS)]
        for envelope in events:
            found[getattr(envelope.data, name) % _PARTITIONS].append(envelope)
        return found

    async def check(self, client: AsyncOpenSearch, indices: Mapping[str, str]) -> None:
        """Compares what the indices of these names hold with the latest events."""
        accounts, posts = self.newest(self.accounts, "user_id"), self.newest(self.posts, "post_id")
        in_index, public = await _stored(client, indices["accounts"], list(accounts)), {}
        for account_id, envelope in accounts.items():
            assert isinstance(envelope.data, AccountUpdated)
            document = account_document(envelope.data, envelope.entityversion)
            public[account_id] = document.public
            row = in_index[account_id]
            assert {name: row.get(name) for name in document.fields} == dict(document.fields)
            assert row["v"]["profile"] == envelope.entityversion
        for envelope in self.follows:
            assert in_index[envelope.data.followee_id]["followers"] == envelope.data.followers + 1
        rows = await _stored(client, indices["posts"], list(posts))
        for post_id, envelope in posts.items():
            row = rows.get(post_id, {})
            expected = post_document(envelope)
            assert expected is not None
            if not public[envelope.data.author_id]:
                expected = expected.emptied()
            content = {name: value for name, value in row.items() if name != "version"}
            assert content == dict(expected.fields), post_id


async def _stored(client: AsyncOpenSearch, index: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    found = await client.mget(index=index, body={"ids": [str(one) for one in ids]})
    return {int(one["_id"]): one["_source"] for one in found["docs"] if one.get("found")}
