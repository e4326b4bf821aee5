"""Every query of the naive design; each use case is one round trip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import asyncpg

    Pool = asyncpg.Pool[asyncpg.Record]
    Record = asyncpg.Record

__all__ = ["SCHEMA", "SHAPES", "Database", "Shape", "UnusablePhotos"]

Shape = Literal["join", "lateral"]
SCHEMA = Path(__file__).with_name("schema.sql").read_text()

SHAPES: dict[Shape, str] = {
    # The planner is free: all posts of all followees and the newest of them, or backwards from the newest post of all
    # until enough are found, whatever its statistics make it think.
    "join": """
        SELECT p.id FROM follows f JOIN posts p ON p.author_id = f.followee_id
        WHERE f.follower_id = $1 AND p.id < $2
        ORDER BY p.id DESC LIMIT $3""",
    # The newest of each followee from the index, and the newest of those.
    "lateral": """
        SELECT p.id FROM follows f CROSS JOIN LATERAL (
            SELECT id FROM posts WHERE author_id = f.followee_id AND id < $2 ORDER BY id DESC LIMIT $3
        ) p
        WHERE f.follower_id = $1
        ORDER BY p.id DESC LIMIT $3""",
}
"""Two ways to find a page; a benchmark takes whichever is faster for its readers."""

_POSTS = """
    WITH page AS MATERIALIZED ({page})
    SELECT p.*, u.username, u.display_name, u.avatar_url,
        (SELECT json_agg(ph ORDER BY ph.position) FROM photos ph WHERE ph.post_id = p.id) AS photos,
        EXISTS (SELECT FROM likes l WHERE l.post_id = p.id AND l.account_id = $1) AS liked,
        EXISTS (SELECT FROM saves s WHERE s.account_id = $1 AND s.post_id = p.id) AS saved
    FROM page JOIN posts p USING (id) JOIN users u ON u.id = p.author_id
    ORDER BY p.id DESC
"""
_FEED = {shape: _POSTS.format(page=page) for shape, page in SHAPES.items()}
_POST = _POSTS.format(page="SELECT $2::bigint AS id")

# Both in one statement, so in one transaction. The answer has the count as it is after it.
_LIKE = """
    WITH added AS (
        INSERT INTO likes (post_id, account_id) SELECT id, $2 FROM posts WHERE id = $1
        ON CONFLICT DO NOTHING RETURNING 1
    )
    UPDATE posts SET like_count = like_count + (SELECT count(*) FROM added) WHERE id = $1 RETURNING like_count
"""
_UNLIKE = """
    WITH removed AS (DELETE FROM likes WHERE post_id = $1 AND account_id = $2 RETURNING 1)
    UPDATE posts SET like_count = like_count - (SELECT count(*) FROM removed) WHERE id = $1 RETURNING like_count
"""


class UnusablePhotos(ValueError):
    """Not all photos are there, the author's own, and in no other post."""


class Database:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def feed(self, viewer: int, before: int, limit: int, shape: Shape) -> Sequence[Record]:
        return await self._pool.fetch(_FEED[shape], viewer, before, limit)

    async def post(self, viewer: int, post_id: int) -> Record | None:
        return await self._pool.fetchrow(_POST, viewer, post_id)

    async def like(self, post_id: int, account_id: int) -> int | None:
        """The count afterwards; None for an unknown post."""
        count: int | None = await self._pool.fetchval(_LIKE, post_id, account_id)
        return count

    async def unlike(self, post_id: int, account_id: int) -> int | None:
        count: int | None = await self._pool.fetchval(_UNLIKE, post_id, account_id)
        return count

    async def follow(self, follower: int, followee: int) -> None:
        await self._pool.execute(
            "INSERT INTO follows (follower_id, followee_id) SELECT $1, id FROM users WHERE id = $2"
            " ON CONFLICT DO NOTHING",
            follower,
            followee,
        )

    async def unfollow(self, follower: int, followee: int) -> None:
        await self._pool.execute("DELETE FROM follows WHERE follower_id = $1 AND followee_id = $2", follower, followee)

    async def add_photo(self, photo_id: int, owner_id: int, width: int, height: int, placeholder: str) -> None:
        await self._pool.execute(
            "INSERT INTO photos (id, owner_id, width, height, placeholder) VALUES ($1, $2, $3, $4, $5)",
            photo_id,
            owner_id,
            width,
            height,
            placeholder,
        )

    async def photo(self, photo_id: int) -> dict[str, Any] | None:
        row = await self._pool.fetchrow("SELECT row_to_json(ph) FROM photos ph WHERE id = $1", photo_id)
        return json.loads(row[0]) if row else None

    async def add_post(
        self, post_id: int, author_id: int, photo_ids: Sequence[int], caption: str, created_at: datetime
    ) -> None:
        """Raises UnusablePhotos."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO posts (id, author_id, caption, hashtags, mentions, created_at)"
                " VALUES ($1, $2, $3, '{}', '{}', $4)",
                post_id,
                author_id,
                caption,
                created_at,
            )
            taken = await connection.fetch(
                "UPDATE photos SET post_id = $1, position = array_position($3, id)"
                " WHERE id = ANY ($3::bigint[]) AND owner_id = $2 AND post_id IS NULL RETURNING id",
                post_id,
                author_id,
                list(photo_ids),
            )
            if len(taken) != len(photo_ids):
                raise UnusablePhotos
