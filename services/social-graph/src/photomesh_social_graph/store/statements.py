"""The longer SQL statements. Each reads one partition per table, by the account that partitions it."""

from __future__ import annotations

from photomesh_social_graph.domain import AccountList
from photomesh_social_graph.store.relation_states import RelationKind

__all__ = [
    "COUNTS",
    "EXISTS",
    "FOLLOWING_JSON",
    "KNOWN_FOLLOWERS",
    "NEWEST_FIRST",
    "OTHER_FOLLOWERS",
    "PAIRS",
    "PAIRS_TOTAL",
    "RELATIONS",
    "SIDES",
]

_LISTS = {
    AccountList.FOLLOWING: ("follows_out", "follower_id", "followee_id", "since"),
    AccountList.FOLLOWERS: ("follows_in", "followee_id", "follower_id", "since"),
    AccountList.REQUESTS: ("requests_in", "target_id", "requester_id", "since"),
    AccountList.BLOCKS: ("pairs", "actor_id", "target_id", "blocked_at"),
    AccountList.MUTES: ("pairs", "actor_id", "target_id", "muted_at"),
    AccountList.CLOSE_FRIENDS: ("close_friends", "owner_id", "friend_id", "since"),
}
"""Table, and its columns for the owner of the list, the listed account, and the sort key."""

NEWEST_FIRST = {
    kind: (
        f"SELECT {other} AS id, {at} AS at FROM {table} WHERE {owner} = $1 AND {at} IS NOT NULL"  # noqa: S608 — our own
        f" AND ({at}, {other}) < ($2, $3) ORDER BY {at} DESC, {other} DESC LIMIT $4"
    )
    for kind, (table, owner, other, at) in _LISTS.items()
}

EXISTS: dict[RelationKind, str] = {
    "follow": (
        "SELECT EXISTS (SELECT FROM follows_out WHERE follower_id = $1 AND followee_id = $2) OR EXISTS ("
        "SELECT FROM pairs WHERE actor_id = $1 AND target_id = $2 AND requested_at IS NOT NULL)"
    ),
    "block": "SELECT EXISTS (SELECT FROM pairs WHERE actor_id = $1 AND target_id = $2 AND blocked_at IS NOT NULL)",
    "mute": "SELECT EXISTS (SELECT FROM pairs WHERE actor_id = $1 AND target_id = $2 AND muted_at IS NOT NULL)",
}
"""Whether a relation exists."""

RELATIONS = """
SELECT other.id, o.since IS NOT NULL AS following, p.requested_at IS NOT NULL AS requested,
       i.since IS NOT NULL AS followed_by, r.since IS NOT NULL AS requested_by,
       p.blocked_at IS NOT NULL AS blocking, p.muted_at IS NOT NULL AS muting, b.since IS NOT NULL AS blocked_by,
       coalesce(a.status <> 'active', false) AS hidden
FROM unnest($2::bigint[]) AS other (id)
LEFT JOIN follows_out o ON o.follower_id = $1 AND o.followee_id = other.id AND o.followee_id = ANY($2)
LEFT JOIN follows_in i ON i.followee_id = $1 AND i.follower_id = other.id AND i.follower_id = ANY($2)
LEFT JOIN pairs p ON p.actor_id = $1 AND p.target_id = other.id AND p.target_id = ANY($2)
LEFT JOIN requests_in r ON r.target_id = $1 AND r.requester_id = other.id AND r.requester_id = ANY($2)
LEFT JOIN accounts a ON a.id = other.id AND a.id = ANY($2)
LEFT JOIN blocks_in b ON b.blocked_id = $1 AND b.blocker_id = other.id AND b.blocker_id = ANY($2)
"""
# The redundant ANY keeps the planner from reading all rows of an account that has very many.

_SIDE = """
SELECT {actor}::bigint AS actor_id, {target}::bigint AS target_id, coalesce(p.version, 0) AS version,
       o.since AS followed_at, p.requested_at, p.blocked_at, p.muted_at, p.followed_from, p.followed_until,
       (SELECT count(*) FROM pairs WHERE actor_id = {actor} AND requested_at IS NOT NULL) AS requesting
FROM (VALUES (1)) AS one
LEFT JOIN pairs p ON p.actor_id = {actor} AND p.target_id = {target}
LEFT JOIN follows_out o ON o.follower_id = {actor} AND o.followee_id = {target}
"""
SIDES = f"{_SIDE.format(actor='$1', target='$2')} UNION ALL {_SIDE.format(actor='$2', target='$1')}"
"""Both sides of the pair ($1, $2)."""

# A subquery, since the planner underestimates the number of rows and may choose a quadratic join.
FOLLOWING_JSON = """
SELECT json_build_object(
    'following', coalesce((
        SELECT json_agg(json_build_array(
            followee_id, (SELECT version FROM pairs WHERE actor_id = $1 AND target_id = followee_id)
        )) FROM follows_out WHERE follower_id = $1
    ), '[]'),
    'muted', coalesce((
        SELECT json_agg(json_build_array(target_id, version)) FROM pairs WHERE actor_id = $1 AND muted_at IS NOT NULL
    ), '[]'),
    'ended', coalesce((
        SELECT json_agg(json_build_array(target_id, version)) FROM pairs
        WHERE actor_id = $1 AND muted_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM follows_out WHERE follower_id = $1 AND followee_id = target_id)
    ), '[]')
)::text
"""

# Looks up each known account, however long the whole list is; their number is bounded by the following limit.
KNOWN_FOLLOWERS = """
WITH known AS MATERIALIZED (
    SELECT follower_id, since FROM follows_in WHERE followee_id = $1 AND follower_id = ANY($5::bigint[])
)
SELECT follower_id, since FROM known WHERE (since, follower_id) < ($2, $3)
ORDER BY since DESC, follower_id DESC LIMIT $4
"""
OTHER_FOLLOWERS = """
SELECT follower_id, since FROM follows_in
WHERE followee_id = $1 AND follower_id <> ALL($5::bigint[]) AND (since, follower_id) < ($2, $3)
ORDER BY since DESC, follower_id DESC LIMIT $4
"""


COUNTS = (
    "(SELECT count(*) FROM follows_in WHERE followee_id = accounts.id),"
    " (SELECT count(*) FROM follows_out WHERE follower_id = accounts.id)"
)

PAIRS = """
SELECT p.actor_id, p.target_id, p.version, o.since IS NOT NULL AS follows, p.blocked_at IS NOT NULL AS blocks,
       p.muted_at IS NOT NULL AS mutes
FROM (
    SELECT * FROM pairs WHERE (actor_id, target_id) > ($1, $2) ORDER BY actor_id, target_id LIMIT $3
) p
LEFT JOIN follows_out o ON o.follower_id = p.actor_id AND o.followee_id = p.target_id
ORDER BY p.actor_id, p.target_id
"""
PAIRS_TOTAL = """
SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint
FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'pairs'::regclass
"""

FOLLOWED_LAST = """
SELECT followee_id AS id FROM follows_out WHERE follower_id = $1 ORDER BY since DESC, followee_id DESC LIMIT $2
"""

BLOCKED_LAST = """
SELECT target_id AS id FROM pairs WHERE actor_id = $1 AND blocked_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM blocks_in WHERE blocked_id = $1 AND blocker_id = pairs.target_id)
 ORDER BY blocked_at DESC, target_id DESC LIMIT $2
"""
