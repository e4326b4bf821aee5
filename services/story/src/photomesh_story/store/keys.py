"""Layout of story's Redis. Everything in it can be lost: `rebuilding` builds it again from topics.

    st:ready        STRING  exists while everything below is known; without it, reads fail rather than show too little
    st:building     STRING  the token of the process that builds everything again
    st:on           ZSET    author → when the newest story of theirs expires; only authors who have one
    st:a:{author}   ZSET    story (close friends only: with a c behind it) → when it expires. Negative: it was deleted
    st:f:{viewer}   SET     accounts that it follows
    st:fv:{viewer}  HASH    account → version of the last follow, or of its end
    st:c:{viewer}   SET     accounts whose close friend it is
    st:cv:{viewer}  HASH    account → version of the last change of that
    st:s:{viewer}   HASH    author → when the newest story expires that the viewer saw: it and earlier ones are seen
    st:v:{story}    ZSET    viewer → when it saw the story first; of more than 10,000, the latest
    st:vf:{story}   ZSET    the same, of earlier ones those whom the author follows
    st:vh:{story}   HLL     all viewers, if they are more than 10,000: they are counted to about 1 %
    st:due          ZSET    story → when its objects are to be removed

All times are milliseconds since 1970. What may be read is decided by comparing a story's time with that of Redis, the
one clock that all pods share; times to live only save memory.

Events arrive in any order and more than once, from requests, the consumer and a rebuild: stories are added if they are
new, deletions are lower than any other value, the seen time only rises, the first view stays, and relations keep the
higher version.
"""

from __future__ import annotations

__all__ = ["CLOSE", "CONSTANTS", "PREFIXES", "READY"]

READY, BUILDING, ON, DUE = "st:ready", "st:building", "st:on", "st:due"
AUTHOR, SEEN, VIEWS, FOLLOWED_VIEWS, ALL_VIEWS = "st:a:", "st:s:", "st:v:", "st:vf:", "st:vh:"
CLOSE = "c"

PREFIXES = {"follows": ("st:f:", "st:fv:"), "close_friends": ("st:c:", "st:cv:")}
"""By kind of relation: the set, and the versions."""

BUILDING_SECONDS = 60
DAY_MS = 86_400_000
_KEPT_SECONDS = 3 * 86_400
MOST_VIEWERS = 10_000
"""Of a story, whose viewing times are kept."""
_MOST_AUTHORS = 1_000
"""Authors with stories whom a tray looks at: those with the newest ones."""

CONSTANTS: dict[str, str | int] = {
    "READY": READY,
    "BUILDING": BUILDING,
    "ON": ON,
    "DUE": DUE,
    "AUTHOR": AUTHOR,
    "SEEN": SEEN,
    "VIEWS": VIEWS,
    "FOLLOWED_VIEWS": FOLLOWED_VIEWS,
    "ALL_VIEWS": ALL_VIEWS,
    "FOLLOWS": PREFIXES["follows"][0],
    "CLOSE_FRIENDS": PREFIXES["close_friends"][0],
    "FOLLOWS_VERSIONS": PREFIXES["follows"][1],
    "CLOSE_FRIENDS_VERSIONS": PREFIXES["close_friends"][1],
    "DAY_MS": DAY_MS,
    "KEPT_SECONDS": _KEPT_SECONDS,
    "MOST_AUTHORS": _MOST_AUTHORS,
}
