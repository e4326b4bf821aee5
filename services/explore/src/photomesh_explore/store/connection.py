"""Connects to Redis, whose failures are ExploreUnavailable, and loads the scripts."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis

from photomesh_explore.errors import ExploreUnavailable
from photomesh_explore.store import keys
from photomesh_shared.stores import redis
from photomesh_shared.stores.redis import open_redis

__all__ = ["Scripts", "open_redis", "redis_errors"]

redis_errors = partial(redis.redis_errors, ExploreUnavailable)
_HEADER = "".join(f"local {name} = {value!r}\n" for name, value in keys.CONSTANTS.items())


class Scripts:
    """Scripts of `lua/` by name. On one Redis (or one behind Sentinel) a script may touch any key, as in feed."""

    def __init__(self, redis: Redis, *names: str) -> None:
        folder = files(__package__) / "lua"
        common = _HEADER + (folder / "common.lua").read_text()
        self._scripts = {
            name: redis.register_script(f"{common}\n{(folder / f'{name}.lua').read_text()}") for name in names
        }

    async def run(self, name: str, now_ms: int, *arguments: object) -> Any:
        """Raises ExploreUnavailable."""
        with redis_errors():
            return await self._scripts[name](args=[now_ms, *(str(one) for one in arguments)])
