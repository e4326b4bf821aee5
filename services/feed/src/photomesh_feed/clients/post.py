"""The durable stores behind feeds: social-graph and post, over HTTP."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from photomesh_feed.domain.pages import Follows
from photomesh_feed.errors import SourceUnavailable
from photomesh_shared.ids import decode, encode
from photomesh_shared.observability import tracing

__all__ = ["Account", "HttpGraph", "HttpPosts"]

_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=1)


@dataclass(frozen=True)
class Account:
    id: int
    username: str
    display_name: str
    avatar_url: str | None


class _Service:
    def __init__(self, session: aiohttp.ClientSession, name: str, url: str) -> None:
        self._session = session
        self._name = name
        self._url = url

    async def _ask(self, method: str, path: str, json: object = None) -> Any:
        """The answer's JSON. Raises SourceUnavailable when there is none: nothing that we ask can be wrong."""
        headers: dict[str, str] = {}
        tracing.inject(headers)
        try:
            async with self._session.request(
                method, f"{self._url}{path}", json=json, headers=headers, timeout=_TIMEOUT
            ) as answer:
                answer.raise_for_status()
                return await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SourceUnavailable(f"{self._name} does not answer.") from error


class HttpGraph(_Service):
    """social-graph."""

    async def following(self, account: int) -> Follows:
        answer = await self._ask("GET", f"/internal/accounts/{encode('u', account)}/following")
        return Follows(
            [(other, version) for other, version in answer["following"]],
            [(other, version) for other, version in answer["muted"]],
        )


class HttpPosts(_Service):
    """post."""

    async def posts(self, posts: Collection[int]) -> list[Mapping[str, Any]]:
        """The data of those that are published, at most 100."""
        ids = ",".join(encode("o", post) for post in posts)
        found: list[Mapping[str, Any]] = (await self._ask("GET", f"/internal/posts?ids={ids}"))["posts"]
        return found

    async def timelines(self, authors: Sequence[int], *, before: int | None, limit: int) -> dict[int, list[int]]:
        """The newest posts below the id `before` of at most 200 authors; fewer than `limit` are all there are."""
        body = {
            "author_ids": [encode("u", author) for author in authors],
            "before": None if before is None else encode("o", before),
            "limit": limit,
        }
        answer = await self._ask("POST", "/internal/timelines", body)
        return {
            decode("u", author): [decode("o", post) for post in posts] for author, posts in answer["timelines"].items()
        }

    async def viewer_state(self, account: int, posts: Collection[int]) -> tuple[set[int], set[int]]:
        """Those of at most 100 posts that the account likes, and those that it saved."""
        body = {"account_id": encode("u", account), "post_ids": [encode("o", post) for post in posts]}
        answer = await self._ask("POST", "/internal/viewer-state", body)
        return {decode("o", post) for post in answer["liked"]}, {decode("o", post) for post in answer["saved"]}

    async def accounts(self, accounts: Collection[int]) -> list[Account]:
        """The public names of those of at most 100 accounts that are known."""
        ids = ",".join(encode("u", account) for account in accounts)
        found = (await self._ask("GET", f"/internal/accounts?ids={ids}"))["accounts"]
        return [
            Account(decode("u", one["id"]), one["username"] or "", one["display_name"] or "", one["avatar_url"])
            for one in found
        ]
