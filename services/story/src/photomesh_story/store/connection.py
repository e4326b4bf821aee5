"""Connects to Redis, whose failures are StoriesUnavailable."""

from __future__ import annotations

from functools import partial

from photomesh_shared.stores import redis
from photomesh_shared.stores.redis import open_redis
from photomesh_story.errors import StoriesUnavailable

__all__ = ["open_probe", "open_redis", "redis_errors"]

redis_errors = partial(redis.redis_errors, StoriesUnavailable)
open_probe = partial(redis.open_probe, unavailable=StoriesUnavailable)
