"""What feed keeps in Redis: names of keys, how an id sorts, and how lists of ids travel.

Everything here can be lost: it is made again from events, post and social-graph.

    f:{account}   ZSET   the account's home feed: post ids and a marker. It exists only if they read it lately; pushed
                         posts go nowhere else. At most FEED_POSTS, newest first.
    t:{author}    ZSET   the author's newest published posts, in the same form, at most TIMELINE_POSTS. Whatever is in
                         it is without gaps from the newest on.
    p:{post}      HASH   s snapshot as JSON, v its version, a author, h hashtags; lc likes, cc comments, cv their
                         version; e an edit that came before the publication, ev its version;
                         x=1: deleted, and nothing else is there. Fields come independently: no s does not mean no post.
    u:{account}   HASH   username, display_name, avatar_url, private (0 or 1), v
    fv:{account}  HASH   what is known of the account's follows and mutes, and that it is known: see below
    fo:{account}  SET    whom the account follows
    mu:{account}  SET    whom it has muted
    li:{account}  HASH   post id → +version (likes it) or -version (does not); c<comment id> → the same of a comment
                         that the account wrote
    sa:{account}  HASH   post id → +version (saved) or -version
    af:{account}  ZSET   author → affinity, in the units of `affinity`
    rk:{account}  HASH   name of the order that ranking made last, head (the newest post then), limit (of its pages)
    rk:{account}:{name}  LIST  an order: the post behind which the feed goes on (0: none is), then post ids, with |
                         after each page
    lk:{account}  STRING who fills the feed; for half a minute
    pulled        ZSET   author → when readers may stop pulling their posts, in ms since 1970; +inf while they have too
                         many followers to push to
    refilling     SET    authors who are pushed to again, whose older posts are not yet in all feeds
    popular:known STRING exists as long as `pulled` agrees with what social-graph counts

Markers. Events are applied only to what exists, so whoever fills something first writes a marker, then reads the
durable store, then merges: what happens meanwhile is applied by event, and neither is lost. In `f:` and `t:` the marker
is a member: COMPLETE says that nothing is missing (below FEED_POSTS or TIMELINE_POSTS), INCOMPLETE that it is being
filled (`f:`), or that older posts exist in post only (`t:`). BOTTOM, the last member of an `f:`, says that it goes down
to the very first post; a trim takes it first. Without it the list is whole down to its oldest entry, so nobody may add
one below that: readers go on from timelines there. In `fv:`, `li:` and `sa:` it is the field MARKER.

`fv:` holds the version of each pair's last event, so that a late one changes nothing: other account's id → version for
follows, m<id> → version for mutes. Versions stay after an unfollow. In `li:` and `sa:` the reader sets what it read
with HSETNX as `+0` or `-0`.
"""

from __future__ import annotations

__all__ = [
    "ACTIVE_SECONDS",
    "AFFINITY_AUTHORS",
    "BOTTOM",
    "BOTTOM_SCORE",
    "COMPLETE",
    "FEED_POSTS",
    "INCOMPLETE",
    "MARKER",
    "MARKER_SCORE",
    "POPULAR_KNOWN",
    "POST_SECONDS",
    "PULLED",
    "REFILLING",
    "TIMELINE_POSTS",
    "affinity",
    "feed",
    "fill_lock",
    "follow_versions",
    "following",
    "latest_order",
    "likes",
    "muted",
    "order",
    "post",
    "saves",
    "score",
    "timeline",
    "user",
]

FEED_POSTS = 800
TIMELINE_POSTS = 500
ACTIVE_SECONDS = 30 * 86_400
"""How long what belongs to a reader is kept after they were last seen; timelines after they were last touched."""
AFFINITY_AUTHORS = 1_000
"""For how many authors a reader's affinity is kept; the least are dropped."""
POST_SECONDS = 30 * 86_400
"""How long snapshots, counts and tombstones are kept: longer than an event of the post may be late."""

COMPLETE, INCOMPLETE, BOTTOM = "0", "1", "2"  # no post has these ids: they are of the first millisecond of 2024
MARKER_SCORE = "-inf"  # before every post, so that a trim never takes it
BOTTOM_SCORE = "+inf"  # behind every post
MARKER = "0"

PULLED = "pulled"
REFILLING = "refilling"
POPULAR_KNOWN = "popular:known"


_SORTED_BITS = 22  # of an id, below its milliseconds


def score(post_id: int) -> int:
    """Where a post stands in a ZSET: the newest first. Ids of one millisecond are sorted by Redis, as text."""
    return -(post_id >> _SORTED_BITS)


def feed(account_id: int) -> str:
    return f"f:{account_id}"


def timeline(author_id: int) -> str:
    return f"t:{author_id}"


def post(post_id: int) -> str:
    return f"p:{post_id}"


def user(account_id: int) -> str:
    return f"u:{account_id}"


def follow_versions(account_id: int) -> str:
    return f"fv:{account_id}"


def following(account_id: int) -> str:
    return f"fo:{account_id}"


def muted(account_id: int) -> str:
    return f"mu:{account_id}"


def likes(account_id: int) -> str:
    return f"li:{account_id}"


def saves(account_id: int) -> str:
    return f"sa:{account_id}"


def latest_order(account_id: int) -> str:
    return f"rk:{account_id}"


def order(account_id: int, name: str) -> str:
    return f"rk:{account_id}:{name}"


def fill_lock(account_id: int) -> str:
    return f"lk:{account_id}"


def affinity(account_id: int) -> str:
    return f"af:{account_id}"
