"""What accounts said, in Redis: the log in Kafka has it for good."""

from __future__ import annotations

import json
from collections.abc import Sequence

from redis.asyncio import Redis

from photomesh_explore.candidates.domain import ms_of
from photomesh_explore.errors import ExploreUnavailable
from photomesh_explore.feedback.domain import Feedback
from photomesh_explore.store import keys
from photomesh_explore.store.connection import Scripts, redis_errors
from photomesh_shared.clock import Clock

__all__ = ["FeedbackStore"]


class FeedbackStore:
    """Implements `feedback.event_log.FeedbackStore`. Every method raises ExploreUnavailable."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._scripts = Scripts(redis, "feedback")

    async def given(self, account_id: int) -> tuple[Sequence[Feedback], int]:
        """Return what stands, the latest first, and the highest version of all that was said or taken back. Raises
        ExploreUnavailable also while Redis is built again: what is not known yet would be ignored."""
        with redis_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.exists(keys.READY)
                pipe.hgetall(f"{keys.FEEDBACK}{account_id}")
                ready, fields = await pipe.execute()
        if not ready:
            raise ExploreUnavailable(headers={"Retry-After": "2"}, retryable=True)
        given: list[Feedback] = []
        revision = 0
        for feedback_id, stored in fields.items():
            version, _, value = stored.decode().partition("\n")
            revision = max(revision, int(version))
            if value:
                kind, post_id, author_id, tags = json.loads(value)
                given.append(Feedback(feedback_id.decode(), kind, int(version), post_id, author_id, tuple(tags)))
        return sorted(given, key=lambda one: -one.version), revision

    async def save(self, account_id: int, feedback: Feedback) -> None:
        value = json.dumps([feedback.kind, feedback.post_id, feedback.author_id, feedback.tags])
        await self._run(account_id, feedback.feedback_id, feedback.version, value)

    async def remove(self, account_id: int, feedback_id: str, version: int) -> None:
        await self._run(account_id, feedback_id, version, "")

    async def _run(self, *arguments: object) -> None:
        await self._scripts.run("feedback", ms_of(self._clock.now()), *arguments)
