"""Connects to Redis, whose failures are NotificationsUnavailable."""

from __future__ import annotations

from functools import partial

from photomesh_notification.errors import NotificationsUnavailable
from photomesh_shared.stores import redis
from photomesh_shared.stores.redis import open_redis

__all__ = ["open_probe", "open_redis", "redis_errors"]

redis_errors = partial(redis.redis_errors, NotificationsUnavailable)
open_probe = partial(redis.open_probe, unavailable=NotificationsUnavailable)
