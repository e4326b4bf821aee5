"""MovieLens 100k as events of explore, and who is asked when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.ranking.movielens import lines_of
from photomesh_explore.candidates.domain import DAY_MS, PostInfo
from photomesh_shared.ids import EPOCH

__all__ = ["Query", "Rating", "at_one_moment", "at_own_moments", "ratings_of"]

_LIKED = 4
_BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
_WEEK_MS = 7 * DAY_MS - 3_600_000
_KNOWN = 0.8
_MIN_LIKES = 10


@dataclass(frozen=True)
class Rating:
    account_id: int
    post: PostInfo
    at_ms: int
    liked: bool


@dataclass(frozen=True)
class Query:
    """What an account is shown at a moment, and what it likes from then on."""

    at_ms: int
    account_id: int
    relevant: frozenset[int]


def _id(at_ms: float, number: int) -> int:
    return ((int(at_ms) - int(EPOCH.timestamp() * 1_000)) << 22) + number


def ratings_of(folder: Path) -> list[Rating]:
    """Return all ratings in their order. A film is published when it is rated first; accounts are three months old."""
    films = {one["item_id"]: one for one in lines_of(folder / "ml-100k.item")}
    directors = _directors(folder)
    rows = sorted(lines_of(folder / "ml-100k.inter"), key=lambda one: (float(one["timestamp"]), int(one["user_id"])))
    began_ms = _BEGAN.timestamp() * 1_000
    old_ms = (_BEGAN - timedelta(days=90)).timestamp() * 1_000
    first, last = float(rows[0]["timestamp"]), float(rows[-1]["timestamp"])
    authors: dict[str, int] = {}
    posts: dict[str, PostInfo] = {}
    found = []
    for row in rows:
        at_ms = began_ms + (float(row["timestamp"]) - first) / (last - first) * _WEEK_MS
        film = row["item_id"]
        if film not in posts:
            author = authors.setdefault(directors.get(film, film), _id(old_ms, 100_000 + len(authors)))
            tags = tuple(films[film]["class"].lower().split())
            posts[film] = PostInfo(_id(at_ms, len(posts)), author, int(at_ms), tags)
        liked = float(row["rating"]) >= _LIKED
        found.append(Rating(_id(old_ms, int(row["user_id"])), posts[film], int(at_ms), liked))
    return found


def _directors(folder: Path) -> dict[str, str]:
    """By film, its first director, as far as Freebase knows."""
    entities = {one["entity_id"]: one["item_id"] for one in lines_of(folder / "ml-100k.link")}
    found: dict[str, str] = {}
    for one in lines_of(folder / "ml-100k.kg"):
        if one["relation_id"] == "film.film.directed_by" and one["head_id"] in entities:
            found.setdefault(entities[one["head_id"]], one["tail_id"])
    return found


def at_own_moments(ratings: Sequence[Rating], begin: float, end: float) -> list[Query]:
    """Ask each account when it has given four fifths of its likes, if that is in a part of the time: 0–1 of all
    ratings."""
    began, ended = (_moment(ratings, part) for part in (begin, end))
    likes: defaultdict[int, list[Rating]] = defaultdict(list)
    for one in ratings:
        if one.liked:
            likes[one.account_id].append(one)
    queries = []
    for account_id, own in likes.items():
        at_ms = own[int(len(own) * _KNOWN)].at_ms
        known = sum(one.at_ms < at_ms for one in own)
        if len(own) >= _MIN_LIKES and known and began <= at_ms < ended:
            queries.append(Query(at_ms, account_id, frozenset(one.post.post_id for one in own[known:])))
    return sorted(queries, key=lambda one: (one.at_ms, one.account_id))


def at_one_moment(ratings: Sequence[Rating], begin: float, end: float) -> list[Query]:
    """Ask all who gave likes before a moment and give more until another one."""
    at_ms, ended = (_moment(ratings, part) for part in (begin, end))
    liked = [one for one in ratings if one.liked]
    known = {one.account_id for one in liked if one.at_ms < at_ms}
    later: defaultdict[int, set[int]] = defaultdict(set)
    for one in liked:
        if at_ms <= one.at_ms < ended and one.account_id in known:
            later[one.account_id].add(one.post.post_id)
    return [Query(at_ms, account_id, frozenset(found)) for account_id, found in sorted(later.items())]


def _moment(ratings: Sequence[Rating], part: float) -> int:
    number = int(len(ratings) * part)
    return ratings[number].at_ms if number < len(ratings) else ratings[-1].at_ms + 1
