"""Layout of feed's Redis: names of keys, lengths of lists, time to live.

Everything here can be lost: it is built again from events, post and social-graph.

    f:{account}   ZSET   home feed: post ids, newest first, at most FEED_POSTS, and markers. It exists only while its
                         owner reads it; posts are pushed nowhere else.
    t:{author}    ZSET   timeline: the author's newest published posts in the same form, at most TIMELINE_POSTS, without
                         gaps from the newest on.
    p:{post}      HASH   s snapshot as JSON, v its version, a author, h hashtags; lc likes, cc comments, cv their
                         version, ct their time in microseconds; e an edit that came before the publication, ev its
                         version; x=1: deleted, and no other field is there. Each may be there without the others:
                         no s does not mean that there is no post.
    u:{account}   HASH   username, display_name, avatar_url, private (0 or 1), hidden (0 or 1: posts are shown to nobody
                         else), v version. erased=1: the account was erased, and only hidden and v are there
    fv:{account}  HASH   versions of the account's follows and mutes, and the field MARKER: see below
    fo:{account}  SET    accounts that it follows
    mu:{account}  SET    accounts that it mutes
    li:{account}  HASH   post id → +version (likes it) or -version (does not); c<comment id> → the same for comments
                         that the account wrote. After a change of a known state :version of each change follows, the
                         latest first, four at most
    sa:{account}  HASH   post id → +version (saved) or -version
    af:{account}  ZSET   author → affinity, in the units of `domain.affinity`
    im:{account}  STRING how many posts the account's apps reported as seen
    rk:{account}  HASH   latest ranked order: name, head (the newest post then), limit (of its pages)
    rk:{account}:{name}  LIST  a ranked order: the post after which the feed goes on (0: none), then post ids, with |
                         after each page
    rk:{account}:{name}:s  HASH  suggested post of this order → why explore has it, a space, and what it is due to
    lk:{account}  STRING token of the process that fills the feed
    pulled        ZSET   author → when readers may stop pulling their posts, in ms since 1970; +inf while the author has
                         too many followers to push to
    refilling     SET    authors who are pushed again, and whose older posts are not in all feeds yet
    deferred      ZSET   fan-outs that wait for social-graph: post, author and time of publication → when it is tried,
                         in seconds since 1970
    popular:known STRING exists while `pulled` is known to agree with social-graph
    cp:{copy}     STRING how far the comparison of copies with their owner is, as JSON
    since         STRING when Redis began to know (ms since 1970): it has seen every event of a later time, unless it is
                         still to come

Old events. What Redis holds says which events are outdated: versions, tombstones, lists. After a loss of Redis it holds
nothing, and an old event that is delivered once more would look new. So an event from before `since`, or from so long
ago that a tombstone may have expired (KNOWN_SECONDS), is not believed where nothing is known: post is asked instead.

Markers. Events apply only to keys that exist. So filling a key begins with its marker, then reads the durable
store, then merges: an event that arrives in between is applied, and nothing is lost. In `f:` and `t:` the marker is a
member: COMPLETE (nothing is missing down to the last entry) or INCOMPLETE (being filled, in `f:`; older posts are in
post only, in `t:`). BOTTOM, the last member of an `f:`, says that the list goes down to the very first post; a trim
removes it first. Without it the list ends somewhere, and nothing may be added below its last entry, because readers go
on from timelines there. In `fv:`, `li:` and `sa:` the marker is the field MARKER; in `li:` and `sa:` its value is when
it was set, in the milliseconds of ids.

`fv:` holds the version of each pair's last event, so that an old one changes nothing, also of pairs whose relation has
ended: id of the other account → version of the follow, m<id> → version of the mute. A pair as social-graph returned it
has the first alone, for both. In `li:` and `sa:` a version of 0 means that post has no like (or save) and none undone.
"""

from __future__ import annotations

from collections.abc import Iterable

from photomesh_feed.domain.order import MS_BITS

__all__ = [
    "ACTIVE_SECONDS",
    "AFFINITY_AUTHORS",
    "BOTTOM",
    "BOTTOM_SCORE",
    "COMPLETE",
    "DEFERRED",
    "INCOMPLETE",
    "KNOWN_SECONDS",
    "MARKER",
    "MARKER_SCORE",
    "PAGE_END",
    "POPULAR_KNOWN",
    "POST_SECONDS",
    "PULLED",
    "REFILLING",
    "SINCE",
    "SKEW_SECONDS",
    "SUGGESTED",
    "affinity",
    "copy_pass",
    "feed",
    "fill_lock",
    "follow_versions",
    "following",
    "impressions",
    "latest_order",
    "likes",
    "muted",
    "order",
    "post",
    "saves",
    "score",
    "scored",
    "suggested",
    "timeline",
    "user",
]

ACTIVE_SECONDS = 30 * 86_400
"""Time to live of a reader's keys after they last read, and of timelines after they were last written."""
RENEW_SECONDS = 29 * 86_400
"""A reader's keys get their time to live again when less than this is left: one write a day."""
AFFINITY_AUTHORS = 1_000
"""Authors in an `af:`; those with the least affinity are dropped."""
POST_SECONDS = 30 * 86_400
"""Time to live of snapshots, counts and tombstones: longer than an event of the post may be late."""

KNOWN_SECONDS = POST_SECONDS - 86_400
"""Age up to which the deletion of a post is certain to be known."""
SKEW_SECONDS = 60
"""Clocks of producers may differ from the consumer's by so much."""

COMPLETE, INCOMPLETE, BOTTOM = "0", "1", "2"  # no post has these ids: they belong to the first millisecond of 2024
MARKER_SCORE = "-inf"  # before every post, so that a trim never removes it
BOTTOM_SCORE = "+inf"  # after every post
MARKER = "0"

FEED, TIMELINE, POST, USER = "f:", "t:", "p:", "u:"
FOLLOW_VERSIONS, FOLLOWING, MUTED = "fv:", "fo:", "mu:"
LIKES, SAVES, AFFINITY, IMPRESSIONS = "li:", "sa:", "af:", "im:"
ORDER, FILL_LOCK = "rk:", "lk:"
PAGE_END, SUGGESTED = "|", ":s"
COMPARISON = "cp:"
PULLED = "pulled"
REFILLING = "refilling"
DEFERRED = "deferred"
POPULAR_KNOWN = "popular:known"
SINCE = "since"


def score(post_id: int) -> int:
    """Returns the score of a post: newest first. Redis sorts ids of one millisecond as text."""
    return -(post_id >> MS_BITS)


def scored(post_ids: Iterable[int]) -> list[int]:
    """Returns score and id of each post, flat, as ZADD takes them."""
    return [value for post_id in post_ids for value in (score(post_id), post_id)]


def feed(account_id: int) -> str:
    return f"{FEED}{account_id}"


def timeline(author_id: int) -> str:
    return f"{TIMELINE}{author_id}"


def post(post_id: int) -> str:
    return f"{POST}{post_id}"


def user(account_id: int) -> str:
    return f"{USER}{account_id}"


def follow_versions(account_id: int) -> str:
    return f"{FOLLOW_VERSIONS}{account_id}"


def following(account_id: int) -> str:
    return f"{FOLLOWING}{account_id}"


def muted(account_id: int) -> str:
    return f"{MUTED}{account_id}"


def likes(account_id: int) -> str:
    return f"{LIKES}{account_id}"


def saves(account_id: int) -> str:
    return f"{SAVES}{account_id}"


def impressions(account_id: int) -> str:
    return f"{IMPRESSIONS}{account_id}"


def latest_order(account_id: int) -> str:
    return f"{ORDER}{account_id}"


def order(account_id: int, name: str) -> str:
    return f"{ORDER}{account_id}:{name}"


def suggested(account_id: int, name: str) -> str:
    return f"{order(account_id, name)}{SUGGESTED}"


def fill_lock(account_id: int) -> str:
    return f"{FILL_LOCK}{account_id}"


def affinity(account_id: int) -> str:
    return f"{AFFINITY}{account_id}"


def copy_pass(copy: str) -> str:
    return f"{COMPARISON}{copy}"
