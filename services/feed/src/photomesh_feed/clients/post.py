"""Client of post: timelines, posts, likes and saves, names of authors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from photomesh_feed.clients.service import Service
from photomesh_feed.domain.accounts import Account
from photomesh_feed.domain.engagement import ViewerState
from photomesh_shared.ids import decode, encode

__all__ = ["PostClient"]


class PostClient:
    """Every method raises SourceUnavailable."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def posts(self, posts: Collection[int]) -> list[Mapping[str, Any]]:
        """Returns the data of those of at most 100 posts that are published."""
        ids = ",".join(encode("o", post) for post in posts)
        found: list[Mapping[str, Any]] = (await self._service.json("GET", f"/internal/posts?ids={ids}"))["posts"]
        return found

    async def timelines(self, authors: Sequence[int], *, before: int | None, limit: int) -> dict[int, list[int]]:
        """Returns the newest `limit` (at most 50) published posts below the id `before` of at most 200 authors, newest
        first. An author with fewer has no others."""
        body = {
            "author_ids": [encode("u", author) for author in authors],
            "before": None if before is None else encode("o", before),
            "limit": limit,
        }
        answer = await self._service.json("POST", "/internal/timelines", body)
        return {
            decode("u", author): [decode("o", post) for post in posts] for author, posts in answer["timelines"].items()
        }

    async def viewer_state(self, account: int, posts: Collection[int]) -> ViewerState:
        """Returns those of at most 100 posts that the account likes, and those that it saved."""
        body = {"account_id": encode("u", account), "post_ids": [encode("o", post) for post in posts]}
        answer = await self._service.json("POST", "/internal/viewer-state", body)
        return ViewerState(
            {decode("o", post) for post in answer["liked"]}, {decode("o", post) for post in answer["saved"]}
        )

    async def accounts(self, accounts: Collection[int]) -> list[Account]:
        """Returns the public names of those of at most 100 accounts that are known."""
        ids = ",".join(encode("u", account) for account in accounts)
        found = (await self._service.json("GET", f"/internal/accounts?ids={ids}"))["accounts"]
        return [
            Account(decode("u", one["id"]), one["username"] or "", one["display_name"] or "", one["avatar_url"])
            for one in found
        ]
