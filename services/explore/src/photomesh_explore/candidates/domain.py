"""What could be shown, and how it is scored. Pure.

A score is the logarithm of a sum of likes that halves every two hours. Every sum halves alike, so an order that was
right once stays right, and nothing has to be computed again because time passes.

Not every like is worth the same: accounts are cheap to make. A like counts by how long its account has existed and by
how many follow it, less if most of the account's likes go to this author; and all likes of accounts that are worth
little count as one. So a hundred new accounts without followers are one.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from statistics import median

from photomesh_shared.ids import timestamp_of

__all__ = [
    "MIN_WEIGHT",
    "SHOWABLE_MS",
    "TREND_HALF_LIFE_MS",
    "Engagement",
    "Like",
    "PostInfo",
    "Trend",
    "account_weight",
    "expected_likes",
    "geohash",
    "ms_of",
    "neighbours",
    "score_of",
    "trend_of",
    "trending_now",
]

DAY_MS = 86_400_000
SHOWABLE_MS = 7 * DAY_MS
"""How old a post may be that is shown."""
HALF_LIFE_MS = 2 * 3_600_000
TREND_HALF_LIFE_MS = 12 * 3_600_000
MIN_WEIGHT = 2.0
"""What the likes of a trending post, or the authors of a trend, must be worth in all."""
MIN_LIKERS = 5
MAX_NEIGHBOURS = 100
MIN_PAIRED = 2
"""How many accounts must like both of two posts that are neighbours."""
_MIN_ACCOUNTS = 3
_ACTIVITY_POWER = 0.5
_POPULARITY_POWER = 0.4
_OWN_POPULARITY_POWER = 0.5

_TRUSTED_AGE_MS = 3 * DAY_MS
_TRUSTED = 0.3
_ALL_UNTRUSTED = 1.0
_FOLLOWERS_HALF = 5.0
_LEAST = 0.02
_EXPECTED_OF_FOLLOWERS = 0.02

_BASE32 = "0123456789bcdefghjkmnpqrstuvwxyz"


@dataclass(frozen=True)
class PostInfo:
    """What explore keeps of a post."""

    post_id: int
    author_id: int
    published_ms: int
    tags: tuple[str, ...] = ()
    cell: str = ""
    place: str = ""


@dataclass(frozen=True)
class Engagement:
    """A like, or a save, that stands."""

    post_id: int
    at_ms: int
    saved: bool = False


@dataclass(frozen=True)
class Like:
    """A like of a post: by whom, when, what it is worth, and the share of the account's likes that go to this
    author."""

    account_id: int
    at_ms: int
    weight: float


@dataclass(frozen=True)
class Trend:
    """`score`: the logarithm of what its accounts are worth, as of 1970."""

    score: float
    accounts: int
    name: str = ""


def ms_of(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def account_weight(account_id: int, followers: int, at_ms: int, to_this_author: float = 0.0) -> float:
    """Return what a like is worth, 0–1. The age of an account is in its id."""
    age = min(1.0, max(0.0, (at_ms - ms_of(timestamp_of(account_id))) / _TRUSTED_AGE_MS))
    followed = followers / (followers + _FOLLOWERS_HALF)
    return max(_LEAST, age * followed * (1.0 - 0.75 * to_this_author))


def _fair(likes: Sequence[Like]) -> list[Like]:
    """Let all accounts that are worth little count as one."""
    little = sum(one.weight for one in likes if one.weight < _TRUSTED)
    factor = min(1.0, _ALL_UNTRUSTED / little) if little else 1.0
    return [one if one.weight >= _TRUSTED else Like(one.account_id, one.at_ms, one.weight * factor) for one in likes]


def _log_sum(likes: Iterable[Like], half_life_ms: int) -> float:
    """Return the binary logarithm of what the likes are worth, each doubled as often as its time has half-lives."""
    exponents = [math.log2(one.weight) + one.at_ms / half_life_ms for one in likes]
    highest = max(exponents)
    return highest + math.log2(sum(2.0 ** (one - highest) for one in exponents))


def score_of(likes: Sequence[Like], expected: float) -> float | None:
    """Return the score of a post; None if it does not trend. Dividing by the root of what its author's posts usually
    get says how surprising the number is, so that big accounts do not always win."""
    fair = _fair(likes)
    if sum(one.weight for one in fair) < MIN_WEIGHT:
        return None
    return _log_sum(fair, HALF_LIFE_MS) - math.log2(max(expected, 1.0)) / 2


def expected_likes(followers: int, of_other_posts: Collection[int]) -> float:
    """Return how many likes a post of an author usually gets."""
    return max(1.0, followers * _EXPECTED_OF_FOLLOWERS, median(of_other_posts) if of_other_posts else 0)


def neighbours(
    post_id: int, likes: Sequence[Like], liked: Mapping[int, Sequence[Engagement]], popularity: Mapping[int, int]
) -> list[tuple[int, float]]:
    """Return posts that the same people like, the strongest first. `liked`: what a sample of those who like the post
    like. Only trusted accounts pair posts: others could push a post to the likers of any other.

    Somebody who likes much says less about a pair than somebody who likes little, and a popular post is no neighbour of
    all others; nor do neighbours of a popular post outweigh those of another that an account likes. The powers were
    chosen on the validation part of `make bench-explore`."""
    trusted = [one for one in likes if one.weight >= _TRUSTED]
    if len(trusted) < MIN_LIKERS:
        return []
    strength: defaultdict[int, float] = defaultdict(float)
    accounts: Counter[int] = Counter()
    for like in trusted:
        own = [one.post_id for one in liked.get(like.account_id, ())]
        worth = like.weight / max(len(own), 1) ** _ACTIVITY_POWER
        accounts.update(own)
        for other in own:
            strength[other] += worth
    scale = len(likes) ** _OWN_POPULARITY_POWER
    found = [
        (other, value / scale / max(popularity.get(other, 1), 1) ** _POPULARITY_POWER)
        for other, value in strength.items()
        if other != post_id and accounts[other] >= MIN_PAIRED
    ]
    return sorted(found, key=lambda one: (-one[1], one[0]))[:MAX_NEIGHBOURS]


def trend_of(posts: Collection[PostInfo], followers: Mapping[int, int]) -> Trend | None:
    """Return how a hashtag or a place trends by the accounts that post with it, each once; None if it does not."""
    ordered = sorted(posts, key=lambda one: (one.author_id, one.published_ms))
    latest = [list(of_author)[-1] for _, of_author in groupby(ordered, key=lambda one: one.author_id)]
    uses = [
        Like(
            one.author_id,
            one.published_ms,
            account_weight(one.author_id, followers.get(one.author_id, 0), one.published_ms),
        )
        for one in latest
    ]
    fair = _fair(uses)
    if len(uses) < _MIN_ACCOUNTS or sum(one.weight for one in fair) < MIN_WEIGHT:
        return None
    names = [one.place for one in ordered if one.place]
    name = max(sorted(set(names)), key=names.count) if names else ""
    return Trend(_log_sum(fair, TREND_HALF_LIFE_MS), len(uses), name)


def trending_now(score: float, now_ms: int) -> bool:
    """Whether what a trend is worth has not decayed to less than half an account."""
    return score - now_ms / TREND_HALF_LIFE_MS >= -1.0


def geohash(latitude: float, longitude: float, letters: int = 4) -> str:
    """Return the cell of the earth (https://en.wikipedia.org/wiki/Geohash); four letters are some 39 by 20 km."""
    low, high = [-90.0, -180.0], [90.0, 180.0]
    position = (latitude, longitude)
    text, value = "", 0
    for bit in range(letters * 5):
        axis = 1 - bit % 2
        middle = (low[axis] + high[axis]) / 2
        upper = position[axis] >= middle
        (low if upper else high)[axis] = middle
        value = value * 2 + upper
        if bit % 5 == 4:
            text, value = text + _BASE32[value], 0
    return text
