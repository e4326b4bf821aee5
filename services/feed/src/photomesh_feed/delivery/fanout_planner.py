"""Cutting a fan-out into tasks: one post and up to 1,000 followers each, in a topic of their own.

So lag counts work rather than posts, several consumers share one big author, and a crash repeats one task only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Protocol

from photomesh_feed.delivery.metrics import TASKS
from photomesh_shared.events import Envelope, FanoutRequested
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.packed_ids import ID_BYTES

__all__ = ["TASK_FOLLOWERS", "Followers", "Tasks"]

AFTER_PAGE = declare("feed.tasks.after_page", "tasks of one page of followers are in the log, the next are not")

TASK_FOLLOWERS = 1_000
"""One call of a script: a few milliseconds, in which Redis does nothing else."""
_AT_ONCE = 50  # tasks in one request to Kafka, about half a megabyte


class Followers(Protocol):
    def pages(self, author_id: int) -> AsyncGenerator[bytes, None]:
        """All followers of an author, packed, in pages of a multiple of TASK_FOLLOWERS but the last."""
        ...


class Tasks:
    def __init__(self, followers: Followers, publisher: Publisher) -> None:
        self._followers = followers
        self._publisher = publisher

    async def request(
        self, author_id: int, post_ids: Sequence[int], *, cause: str, at: datetime, older_remain: bool = False
    ) -> None:
        """Asks for posts to be put into the feeds of all followers.

        `cause` and `at` are those of what led to it, so that a replay asks with the same event ids. `older_remain`
        says that the author has older posts than the last of these. Raises DependencyDown, after which some tasks may
        be in the log: repeat it.
        """
        part = 0
        async with aclosing(self._followers.pages(author_id)) as pages:
            async for page in pages:
                tasks: list[Envelope[FanoutRequested]] = []
                for start in range(0, len(page), TASK_FOLLOWERS * ID_BYTES):
                    part += 1
                    followers = page[start : start + TASK_FOLLOWERS * ID_BYTES]
                    for post_id in post_ids:
                        event = FanoutRequested(
                            post_id=post_id,
                            author_id=author_id,
                            part=part,
                            followers=followers,
                            older_remain=older_remain and post_id == post_ids[-1],
                        )
                        tasks.append(Envelope.of(event, entityversion=1, id=f"{event.subject()}.{cause}", time=at))
                for first in range(0, len(tasks), _AT_ONCE):
                    await self._publisher.publish_many(tasks[first : first + _AT_ONCE])
                TASKS.inc(len(tasks))
                await failpoint(AFTER_PAGE)
