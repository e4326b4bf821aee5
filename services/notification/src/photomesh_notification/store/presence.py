"""Whether an account has a stream of its notifications open, as the streams say in Redis."""

from __future__ import annotations

import logging

from redis.asyncio import Redis

from photomesh_notification.errors import NotificationsUnavailable
from photomesh_notification.store.connection import redis_errors

__all__ = ["StreamPresence"]

log = logging.getLogger(__name__)


class StreamPresence:
    """Implements `push.worker.Presence`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def is_open(self, account_id: int) -> bool:
        """Without Redis nobody seems to have one: better a push too many than one too few."""
        try:
            with redis_errors():
                return bool(await self._redis.exists(f"n:o:{account_id}"))
        except NotificationsUnavailable as error:
            log.warning("pushing without knowing of streams", extra={"reason": str(error)})
            return False
