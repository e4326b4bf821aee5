"""Loads the Lua scripts in ``lua/``.

Each begins with the constants below, so that numbers and names of keys are written once, in Python. Scripts are
registered by their text: redis-py calls EVALSHA, and loads the script again when the server has lost it.

On one Redis (or one behind Sentinel) a script may touch any key. In a Redis Cluster all keys of a call must share a
slot: names of keys would begin with a hash tag of the account's shard, fan-out tasks would be cut by shard rather than
by 1,000, and the look at a tombstone would be a call of its own.
"""

from __future__ import annotations

from importlib.resources import files

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from photomesh_feed.domain.order import MS_BITS
from photomesh_feed.domain.suggestions import SUGGESTION_EVERY
from photomesh_feed.domain.timelines import FEED_POSTS, TIMELINE_POSTS
from photomesh_feed.store import keys

__all__ = ["load_script"]

_CONSTANTS: dict[str, str | int] = {
    "FEED": keys.FEED,
    "TIMELINE": keys.TIMELINE,
    "POST": keys.POST,
    "USER": keys.USER,
    "FOLLOW_VERSIONS": keys.FOLLOW_VERSIONS,
    "FOLLOWING": keys.FOLLOWING,
    "MUTED": keys.MUTED,
    "LIKES": keys.LIKES,
    "SAVES": keys.SAVES,
    "AFFINITY": keys.AFFINITY,
    "IMPRESSIONS": keys.IMPRESSIONS,
    "ORDER": keys.ORDER,
    "PAGE_END": keys.PAGE_END,
    "SUGGESTED": keys.SUGGESTED,
    "SUGGESTION_EVERY": SUGGESTION_EVERY,
    "PULLED": keys.PULLED,
    "COMPLETE": keys.COMPLETE,
    "INCOMPLETE": keys.INCOMPLETE,
    "BOTTOM": keys.BOTTOM,
    "MARKER_SCORE": keys.MARKER_SCORE,
    "BOTTOM_SCORE": keys.BOTTOM_SCORE,
    "MARKER": keys.MARKER,
    "FEED_POSTS": FEED_POSTS,
    "TIMELINE_POSTS": TIMELINE_POSTS,
    "AFFINITY_AUTHORS": keys.AFFINITY_AUTHORS,
    "ACTIVE_SECONDS": keys.ACTIVE_SECONDS,
    "RENEW_SECONDS": keys.RENEW_SECONDS,
    "POST_SECONDS": keys.POST_SECONDS,
    "ID_MS": 1 << MS_BITS,  # of an id: one millisecond
}
_HEADER = "".join(f"local {name} = {value!r}\n" for name, value in _CONSTANTS.items())


def load_script(redis: Redis, *names: str) -> AsyncScript:
    """Returns the script ``lua/<name>.lua``; several files follow one another."""
    folder = files(__package__) / "lua"
    return redis.register_script("\n".join([_HEADER, *((folder / f"{name}.lua").read_text() for name in names)]))
