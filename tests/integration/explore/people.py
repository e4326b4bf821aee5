"""People who explore, and events of those whose posts they see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from photomesh_explore.candidates.event_handlers import CandidateEventHandlers
from photomesh_explore.candidates.scoring import Scorer
from photomesh_explore.store.index import ExploreIndex
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import (
    AccountUpdated,
    Envelope,
    Event,
    FollowCreated,
    Place,
    PostDeleted,
    PostLiked,
    PostPublished,
    PostSaved,
    PostUnliked,
)
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import decode, encode
from tests.support.explore.memory import MemorySights
from tests.support.tokens import Issuer
from tests.support.waiting import eventually

_MONTHS = 90 * 86_400_000 << 22

COMO = Place(name="Lake Como", latitude=46.016, longitude=9.257)


@dataclass
class People:
    api: httpx.AsyncClient
    index: ExploreIndex
    sights: MemorySights
    issuer: Issuer
    new_id: Callable[[], int]

    def __post_init__(self) -> None:
        self.last = version_at(datetime.now(UTC))
        self.handlers = CandidateEventHandlers(self.index, SystemClock())

    # Events

    def old_account(self) -> int:
        """An account that exists for three months."""
        return self.new_id() - _MONTHS

    def envelope(self, event: Event) -> Envelope[Any]:
        """Each a little later than the one before."""
        self.last = max(self.last + 1, version_at(datetime.now(UTC)))
        return Envelope.of(event, entityversion=self.last, time=datetime.now(UTC))

    def account(self, account_id: int, **changes: object) -> Envelope[Any]:
        return self.envelope(
            AccountUpdated.example().model_copy(update={"user_id": account_id, "private": False, **changes})
        )

    def published(self, author: int, *tags: str, place: Place | None = None) -> Envelope[Any]:
        now = datetime.now(UTC)
        post = PostPublished.example().model_copy(
            update={
                "post_id": self.new_id(),
                "author_id": author,
                "hashtags": tags,
                "place": place,
                "created_at": now,
                "published_at": now,
            }
        )
        self.sights.authors[post.post_id] = author
        return self.envelope(post)

    def deleted(self, post: Envelope[Any]) -> Envelope[Any]:
        return self.envelope(
            PostDeleted.example().model_copy(update={"post_id": post.data.post_id, "author_id": post.data.author_id})
        )

    def liked(self, account_id: int, post: Envelope[Any], *, saved: bool = False) -> Envelope[Any]:
        ids = {"post_id": post.data.post_id, "account_id": account_id}
        if saved:
            return self.envelope(PostSaved.example().model_copy(update=ids))
        return self.envelope(PostLiked.example().model_copy(update={**ids, "post_author_id": post.data.author_id}))

    def unliked(self, account_id: int, post: Envelope[Any]) -> Envelope[Any]:
        ids = {"post_id": post.data.post_id, "account_id": account_id, "post_author_id": post.data.author_id}
        return self.envelope(PostUnliked.example().model_copy(update=ids))

    def followed(self, follower: int, followee: int, followers: int = 50) -> Envelope[Any]:
        return self.envelope(
            FollowCreated.example().model_copy(
                update={
                    "follower_id": follower,
                    "followee_id": followee,
                    "followers": followers,
                    "created_at": datetime.now(UTC) + timedelta(microseconds=self.last % 1_000_000),
                }
            )
        )

    async def apply(self, *envelopes: Envelope[Any]) -> None:
        """As the consumer does, and score."""
        by_kind: dict[str, Callable[[Envelope[Any]], Awaitable[None]]] = {
            "post": self.handlers.post_changed,
            "account": self.handlers.account_changed,
            "follow": self.handlers.follow_changed,
        }
        for envelope in envelopes:
            _, noun, verb, _ = envelope.data.type_.split(".")
            if noun == "post" and verb == "deleted":
                await self.handlers.post_deleted(envelope)
            elif verb in ("liked", "unliked"):
                await self.handlers.post_engaged(envelope)
            elif verb in ("saved", "unsaved"):
                await self.handlers.post_saved(envelope)
            else:
                await by_kind[noun](envelope)
        await self.score()

    async def score(self) -> None:
        scorer = Scorer(self.index, SystemClock(), interval_seconds=1)
        while await scorer.score():
            pass

    async def public_post(self, *tags: str, place: Place | None = None, author: int | None = None) -> Envelope[Any]:
        author = author or self.old_account()
        post = self.published(author, *tags, place=place)
        await self.apply(self.account(author), post)
        return post

    async def known_people(self, count: int) -> Sequence[int]:
        """Accounts that many follow."""
        found = [self.old_account() for _ in range(count)]
        await self.apply(*(self.followed(self.new_id(), one) for one in found))
        return found

    # Calls

    async def call(self, who: int, method: str, path: str, *, patient: bool = True, **rest: Any) -> httpx.Response:
        """`patient`: a 503 is repeated, as a busy machine lets calls between services time out."""

        async def attempt() -> httpx.Response:
            return await self.api.request(method, path, headers=self.issuer.headers(who), **rest)

        if not patient:
            return await attempt()
        return await eventually(attempt, until=lambda response: response.status_code != 503, within=60, every=0.2)

    async def ok(self, who: int, method: str, path: str, **rest: Any) -> Any:
        response = await self.call(who, method, path, **rest)
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def everything(self, who: int, **params: Any) -> list[int]:
        """The posts of all pages."""
        found: list[int] = []
        cursor = None
        while True:
            query = {**params, **({"cursor": cursor} if cursor else {})}
            page = await self.ok(who, "GET", "/v1/explore", params=query)
            found += [decode("o", one["id"]) for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def post_name(self, post: Envelope[Any]) -> str:
        return encode("o", post.data.post_id)
