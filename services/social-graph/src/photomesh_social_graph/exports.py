"""What social-graph holds of an account, for its export."""

from __future__ import annotations

from photomesh_shared.stores.record_pages import RecordQuery

__all__ = ["RECORDS"]


def _with_account(selected: str, account: str, edges: str) -> str:
    """Return a query of edges to other accounts, with the names that those have now."""
    return (
        f"SELECT e.{account} AS account_id, a.username, {selected}, e.{account} AS position"  # noqa: S608 - ours
        f" FROM {edges} LEFT JOIN accounts a ON a.id = e.{account} ORDER BY e.{account} LIMIT $3"
    )


_ID = {"account_id": "u"}

RECORDS = {
    "following": RecordQuery(
        _with_account(
            "e.since",
            "followee_id",
            "(SELECT * FROM follows_out WHERE follower_id = $1 AND followee_id > $2 ORDER BY followee_id LIMIT $3) e",
        ),
        ids=_ID,
    ),
    "followers": RecordQuery(
        _with_account(
            "e.since",
            "follower_id",
            "(SELECT * FROM follows_in WHERE followee_id = $1 AND follower_id > $2 ORDER BY follower_id LIMIT $3) e",
        ),
        ids=_ID,
    ),
    "follow_requests": RecordQuery(
        _with_account(
            "e.direction, e.since",
            "other_id",
            # One account may have asked while it is asked itself: both are on one page, so that the position says all.
            "(SELECT * FROM (SELECT target_id AS other_id, 'sent' AS direction, requested_at AS since FROM pairs"
            " WHERE actor_id = $1 AND requested_at IS NOT NULL"
            " UNION ALL SELECT requester_id, 'received', since FROM requests_in WHERE target_id = $1) u"
            " WHERE other_id > $2 ORDER BY other_id FETCH FIRST ($3::bigint) ROWS WITH TIES) e",
        ).removesuffix(" LIMIT $3"),
        ids=_ID,
    ),
    "blocks": RecordQuery(
        _with_account(
            "e.blocked_at AS since",
            "target_id",
            "(SELECT * FROM pairs WHERE actor_id = $1 AND target_id > $2 AND blocked_at IS NOT NULL"
            " ORDER BY target_id LIMIT $3) e",
        ),
        ids=_ID,
    ),
    "mutes": RecordQuery(
        _with_account(
            "e.muted_at AS since",
            "target_id",
            "(SELECT * FROM pairs WHERE actor_id = $1 AND target_id > $2 AND muted_at IS NOT NULL"
            " ORDER BY target_id LIMIT $3) e",
        ),
        ids=_ID,
    ),
    "close_friends": RecordQuery(
        _with_account(
            "e.since",
            "friend_id",
            "(SELECT * FROM close_friends WHERE owner_id = $1 AND friend_id > $2 AND since IS NOT NULL"
            " ORDER BY friend_id LIMIT $3) e",
        ),
        ids=_ID,
    ),
    "former_follows": RecordQuery(
        _with_account(
            "e.followed_from, e.followed_until",
            "target_id",
            "(SELECT * FROM pairs WHERE actor_id = $1 AND target_id > $2 AND followed_until IS NOT NULL"
            " ORDER BY target_id LIMIT $3) e",
        ),
        ids=_ID,
    ),
}
"""Who blocks the account, who mutes it, and on whose list of close friends it is, is those accounts' own, and not given
to it."""
