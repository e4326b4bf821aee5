"""What is needed to read stories quickly, in Redis: `keys` says what lies where. Each method is one call.

On one Redis (or one behind Sentinel) a script may touch any key, as in feed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis

from photomesh_shared.events import StoryDeleted, StoryPublished, StoryViewed
from photomesh_story.errors import StoriesUnavailable
from photomesh_story.store import keys
from photomesh_story.store.connection import redis_errors
from photomesh_story.stories.domain import Audience, ListedStory, Ring, Standing, View, ms_of

__all__ = ["StoryIndex"]

_HEADER = "".join(f"local {name} = {value!r}\n" for name, value in keys.CONSTANTS.items())
_SCRIPTS = (
    "tray",
    "stories_of",
    "standing",
    "published",
    "deleted",
    "viewed",
    "relation",
    "due",
    "forget",
    "built",
)
_MOST_AT_A_MOMENT = 20
"""Views that a page may have to skip, because they are of the very millisecond of the cursor."""


def _redis_time() -> int:
    """Asks scripts to take the time of Redis."""
    return 0


class StoryIndex:
    """Every method raises StoriesUnavailable. `now_ms`: of tests, in place of the time of Redis. `most_viewers`: of a
    story, whose viewing times are kept."""

    def __init__(
        self, redis: Redis, now_ms: Callable[[], int] = _redis_time, *, most_viewers: int = keys.MOST_VIEWERS
    ) -> None:
        self._redis = redis
        self._now_ms = now_ms
        folder = files(__package__) / "lua"
        common = f"{_HEADER}local MOST_VIEWERS = {most_viewers}\n" + (folder / "common.lua").read_text()
        self._scripts = {
            name: redis.register_script(f"{common}\n{(folder / f'{name}.lua').read_text()}") for name in _SCRIPTS
        }

    async def _run(self, script: str, *arguments: object) -> Any:
        with redis_errors():
            return await self._scripts[script](args=[self._now_ms(), *(str(one) for one in arguments)])

    async def _read(self, script: str, *arguments: object) -> Any:
        found = await self._run(script, *arguments)
        if found is None:
            raise StoriesUnavailable(headers={"Retry-After": "2"}, retryable=True)
        return found

    async def now_ms(self) -> int:
        """The time by which stories are compared."""
        if (injected := self._now_ms()) != 0:
            return injected
        with redis_errors():
            seconds, microseconds = await self._redis.time()
        return int(seconds * 1000 + microseconds // 1000)

    # Reads

    async def tray(self, viewer_id: int, limit: int) -> list[Ring]:
        """The viewer's own ring if there is one, then unseen ones, close friends' first, then seen ones."""
        flat = await self._read("tray", viewer_id, limit)
        return [
            Ring(int(author), int(story), int(expires), bool(close), bool(unseen))
            for author, story, expires, close, unseen in zip(*[iter(flat)] * 5, strict=True)
        ]

    async def stories_of(self, author_id: int, viewer_id: int) -> list[ListedStory]:
        """Those that the viewer may see, if it may see the author's at all."""
        flat = await self._read("stories_of", author_id, viewer_id)
        return [
            ListedStory(int(story), int(expires), bool(unseen))
            for story, expires, unseen in zip(*[iter(flat)] * 3, strict=True)
        ]

    async def standing(self, story: StoryPublished, viewer_id: int) -> Standing:
        member = _member(story.story_id, story.audience)
        now, alive, close, viewed = await self._read("standing", member, story.author_id, viewer_id, story.story_id)
        return Standing(now, bool(alive), bool(close), bool(viewed))

    async def published_in_a_day(self, author_id: int) -> int:
        """How many stories the author published in the last 24 hours, deleted ones among them."""
        now, key = await self.now_ms(), f"{keys.AUTHOR}{author_id}"
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.zcount(key, f"({now}", "+inf")
                pipe.zcount(key, "-inf", f"({-now}")
                there, deleted = await pipe.execute()
        return int(there) + int(deleted)

    async def views(self, story_ids: Collection[int]) -> Mapping[int, int]:
        """How many accounts saw each of the stories: exact up to 10,000, then to about 1 %."""
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                for story_id in story_ids:
                    pipe.zcard(f"{keys.VIEWS}{story_id}")
                    pipe.pfcount(f"{keys.ALL_VIEWS}{story_id}")
                counts = iter(await pipe.execute())
        return {story_id: max(listed, every) for story_id, listed, every in zip(story_ids, counts, counts, strict=True)}

    async def viewers(self, story_id: int, after: View | None, limit: int) -> list[View]:
        """Who saw a story, the latest first: of more than 10,000, the latest and those whom its author follows."""
        found = await self._viewers(f"{keys.VIEWS}{story_id}", after, limit)
        if len(found) < limit:  # these saw it before all others
            found += await self._viewers(f"{keys.FOLLOWED_VIEWS}{story_id}", after, limit - len(found))
        return found

    async def _viewers(self, key: str, after: View | None, limit: int) -> list[View]:
        newest = "+inf" if after is None else after.at_ms
        with redis_errors():
            found: Any = await self._redis.zrevrangebyscore(
                key, newest, "-inf", withscores=True, start=0, num=limit + _MOST_AT_A_MOMENT
            )
        views = [View(int(member), int(score)) for member, score in found]
        if after is not None:
            # Redis orders those of one moment by the text of their ids.
            place = (after.at_ms, str(after.viewer_id))
            views = [view for view in views if (view.at_ms, str(view.viewer_id)) < place]
        return views[:limit]

    async def seen_by(self, viewer_id: int) -> Mapping[int, int]:
        """By author, when the newest story expires that the viewer saw."""
        with redis_errors():
            found = await self._redis.hgetall(f"{keys.SEEN}{viewer_id}")
        return {int(author): int(expires) for author, expires in found.items()}

    # Events

    async def published(self, story: StoryPublished) -> None:
        member = _member(story.story_id, story.audience)
        await self._run("published", member, story.author_id, ms_of(story.expires_at), story.story_id)

    async def deleted(self, event: StoryDeleted) -> None:
        member = _member(event.story_id, event.audience)
        await self._run("deleted", member, event.author_id, ms_of(event.expires_at), event.story_id)

    async def viewed(self, view: StoryViewed) -> None:
        await self._run(
            "viewed", view.story_id, view.author_id, view.viewer_id, ms_of(view.expires_at), ms_of(view.viewed_at)
        )

    async def relation(self, kind: str, account_id: int, other_id: int, version: int, *, active: bool) -> None:
        """Notes whether an account follows another (`follows`), or is its close friend (`close_friends`)."""
        members, versions = keys.PREFIXES[kind]
        await self._run("relation", f"{members}{account_id}", f"{versions}{account_id}", other_id, version, int(active))

    async def forget(self, account_id: int, story_ids: Collection[int]) -> None:
        """Removes an account, and who saw these stories of it. Raises StoriesUnavailable while Redis is built again."""
        await self._read("forget", account_id)
        if story_ids:
            with redis_errors():
                prefixes = (keys.VIEWS, keys.FOLLOWED_VIEWS, keys.ALL_VIEWS)
                await self._redis.delete(*(f"{prefix}{story_id}" for prefix in prefixes for story_id in story_ids))

    # Sweeping

    async def due(self, limit: int, lease_ms: int) -> list[int]:
        """Takes stories whose objects are to be removed: others get them only after the lease."""
        return [int(story_id) for story_id in await self._run("due", limit, lease_ms)]

    async def due_again(self, story_id: int, at_ms: int) -> None:
        with redis_errors():
            await self._redis.zadd(keys.DUE, {str(story_id): at_ms})

    async def done(self, story_id: int) -> None:
        with redis_errors():
            await self._redis.zrem(keys.DUE, str(story_id))

    # Building it again

    async def is_ready(self) -> bool:
        with redis_errors():
            return bool(await self._redis.exists(keys.READY))

    async def begin_building(self, token: str) -> bool:
        """Returns False if another process builds. A building whose process has died is over after a minute."""
        with redis_errors():
            return bool(await self._redis.set(keys.BUILDING, token, nx=True, ex=keys.BUILDING_SECONDS))

    async def keep_building(self) -> None:
        with redis_errors():
            await self._redis.expire(keys.BUILDING, keys.BUILDING_SECONDS)

    async def finish_building(self, token: str) -> bool:
        """Returns False if Redis lost everything once more, or somebody else builds."""
        return bool(await self._run("built", token))


def _member(story_id: int, audience: str) -> str:
    return str(story_id) if audience == Audience.FOLLOWERS else f"{story_id}{keys.CLOSE}"
