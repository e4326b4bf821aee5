"""Sides of pairs in rows: read, and written. The accounts of a pair are locked by the transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from photomesh_shared.events import ACTIVE, Envelope, Event
from photomesh_social_graph.close_friends.store import end_entry
from photomesh_social_graph.domain import Side, Tie
from photomesh_social_graph.store import statements

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection

__all__ = ["change_tie", "save", "side_of"]


async def change_tie(
    tx: Connection, accounts: Mapping[int, dict[str, Any]], pair: tuple[int, int], act: Callable[[Tie], None]
) -> list[Envelope[Event]]:
    """Changes the tie of a pair whose accounts are locked, and their counts in `accounts`, which the next tie needs."""
    actor_id, target_id = pair
    sides = {row["actor_id"]: side_of(dict(row), accounts) for row in await tx.fetch(statements.SIDES, *pair)}
    tie = Tie(sides[actor_id], sides[target_id])
    act(tie)
    for new in (tie.ours, tie.theirs):
        if new != (old := sides[new.actor_id]):
            await save(tx, old, new)
            accounts[new.actor_id]["following"] = new.following
            accounts[new.target_id]["followers"] = new.followers
    return tie.events


def side_of(row: Mapping[str, Any], accounts: Mapping[int, Mapping[str, Any]]) -> Side:
    actor, target = accounts[row["actor_id"]], accounts[row["target_id"]]
    return Side(
        **row,
        target_private=target["private"],
        target_hidden=target["status"] != ACTIVE,
        following=actor["following"],
        followers=target["followers"],
    )


async def save(tx: Connection, old: Side, new: Side) -> None:
    """Writes the changes of a side. Both accounts are locked, so no other transaction writes these rows."""
    await tx.execute(
        "INSERT INTO pairs (actor_id, target_id, version, requested_at, blocked_at, muted_at, followed_from,"
        " followed_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (actor_id, target_id) DO UPDATE SET"
        " version = EXCLUDED.version, requested_at = EXCLUDED.requested_at, blocked_at = EXCLUDED.blocked_at,"
        " muted_at = EXCLUDED.muted_at, followed_from = EXCLUDED.followed_from,"
        " followed_until = EXCLUDED.followed_until",
        new.actor_id,
        new.target_id,
        new.version,
        new.requested_at,
        new.blocked_at,
        new.muted_at,
        new.followed_from,
        new.followed_until,
    )
    if new.followed_at != old.followed_at:
        await _save_follow(tx, new)
    if new.requested_at != old.requested_at:
        await _save_in_edge(tx, "requests_in", "target_id", "requester_id", new, new.requested_at)
    if new.blocked_at != old.blocked_at:
        await _save_in_edge(tx, "blocks_in", "blocked_id", "blocker_id", new, new.blocked_at)


async def _save_follow(tx: Connection, side: Side) -> None:
    if side.followed_at:
        await tx.execute(
            "INSERT INTO follows_out (follower_id, followee_id, since) VALUES ($1, $2, $3)",
            side.actor_id,
            side.target_id,
            side.followed_at,
        )
    else:
        await tx.execute(
            "DELETE FROM follows_out WHERE follower_id = $1 AND followee_id = $2", side.actor_id, side.target_id
        )
        assert side.followed_until is not None
        await end_entry(tx, side.target_id, side.actor_id, side.followed_until)
    await _save_in_edge(tx, "follows_in", "followee_id", "follower_id", side, side.followed_at)
    await tx.execute(
        "UPDATE accounts SET following = CASE id WHEN $1 THEN $3 ELSE following END,"
        " followers = CASE id WHEN $2 THEN $4 ELSE followers END WHERE id IN ($1, $2)",
        side.actor_id,
        side.target_id,
        side.following,
        side.followers,
    )


async def _save_in_edge(
    tx: Connection, table: str, target: str, actor: str, side: Side, since: datetime | None
) -> None:
    """Inserts or deletes the row at the target's end of an edge."""
    if since:
        sql = f"INSERT INTO {table} ({target}, {actor}, since) VALUES ($1, $2, $3)"  # noqa: S608 — constant names
        await tx.execute(sql, side.target_id, side.actor_id, since)
    else:
        sql = f"DELETE FROM {table} WHERE {target} = $1 AND {actor} = $2"  # noqa: S608
        await tx.execute(sql, side.target_id, side.actor_id)
