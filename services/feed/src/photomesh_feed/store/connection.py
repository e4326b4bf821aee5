"""Connects to Redis, whose failures are FeedsUnavailable."""

from __future__ import annotations

from functools import partial

from photomesh_feed.errors import FeedsUnavailable
from photomesh_shared.stores import redis
from photomesh_shared.stores.redis import open_redis

__all__ = ["open_probe", "open_redis", "redis_errors"]

redis_errors = partial(redis.redis_errors, FeedsUnavailable)
open_probe = partial(redis.open_probe, unavailable=FeedsUnavailable)
