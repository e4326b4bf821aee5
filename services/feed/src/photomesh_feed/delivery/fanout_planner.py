"""Splits a fan-out into tasks: one post and up to 1,000 followers each, in a topic of their own.

So lag counts work rather than posts, several consumers share a big author, and a crash repeats one task only.
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

__all__ = ["TASK_FOLLOWERS", "FanoutPlanner", "FollowerPages"]

AFTER_PAGE = declare("feed.tasks.after_page", "tasks of one page of followers are in the log, the next are not")

TASK_FOLLOWERS = 1_000
"""One script call: a few milliseconds, during which Redis serves nobody else."""
_BATCH_TASKS = 50  # in one request to Kafka, about half a megabyte


class FollowerPages(Protocol):
    def follower_pages(self, author_id: int) -> AsyncGenerator[bytes, None]:
        """Yields all followers of an author, packed, in pages of a multiple of TASK_FOLLOWERS except the last."""
        ...


class FanoutPlanner:
    def __init__(self, followers: FollowerPages, publisher: Publisher) -> None:
        self._followers = followers
        self._publisher = publisher

    async def plan(
        self, author_id: int, post_ids: Sequence[int], *, cause: str, at: datetime, older_remain: bool = False
    ) -> None:
        """Publishes the tasks that put posts into the feeds of all followers.

        `cause` and `at` are those of what led to it, so that a replay publishes the same event ids. `older_remain`: the
        author has older posts than the last of these. Raises Unavailable, after which some tasks may be in the log;
        idempotent.
        """
        part = 0
        async with aclosing(self._followers.follower_pages(author_id)) as pages:
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
                for first in range(0, len(tasks), _BATCH_TASKS):
                    await self._publisher.publish_many(tasks[first : first + _BATCH_TASKS])
                TASKS.inc(len(tasks))
                await failpoint(AFTER_PAGE)
