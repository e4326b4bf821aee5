"""Goes through the ratings, and asks explore and popularity on the way."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Sequence

import numpy as np

from benchmarks.explore.index import MemoryIndex
from benchmarks.explore.movielens import Query, Rating
from photomesh_explore.candidates.domain import DAY_MS
from photomesh_explore.candidates.scoring import Scorer
from photomesh_explore.feedback.domain import Rules
from photomesh_explore.pages.domain import Mode
from photomesh_explore.pages.sources import Candidates
from photomesh_shared.clock import SystemClock
from photomesh_shared.ranking.models import Floats

__all__ = ["NAMES", "Qualities", "asked", "ndcg", "ratio", "recall"]

Qualities = dict[str, Floats]
"""By what ranks: a row of recall at 50 and NDCG at 10 for each query."""

NAMES = ("popularity", "popularity of a month", "explore")
_RECALLED, _RANKED = 50, 10
_MONTH_MS = DAY_MS
"""Seven months are squeezed into a week, so a month is a day."""
_DRAWS = 2_000


def recall(found: Sequence[int], relevant: Collection[int]) -> float:
    return sum(one in relevant for one in found[:_RECALLED]) / len(relevant)


def ndcg(found: Sequence[int], relevant: Collection[int]) -> float:
    discounts = 1 / np.log2(np.arange(_RANKED) + 2)
    gained = sum(discounts[place] for place, one in enumerate(found[:_RANKED]) if one in relevant)
    return float(gained / discounts[: len(relevant)].sum())


async def asked(ratings: Sequence[Rating], queries: Sequence[Query]) -> Qualities:
    """Answer the queries, which are in their order, each with what happened before its moment."""
    index = MemoryIndex()
    scorer = Scorer(index, SystemClock(), interval_seconds=0)
    candidates = Candidates(index)
    likes: Counter[int] = Counter()
    lately: Counter[int] = Counter()
    month: deque[Rating] = deque()
    seen: defaultdict[int, set[int]] = defaultdict(set)
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    events = iter(ratings)
    event = next(events, None)
    for query in queries:
        while event is not None and event.at_ms < query.at_ms:
            post_id = event.post.post_id
            if not (await index.posts([post_id])):
                index.publish(event.post)
            index.show(event.account_id, post_id)
            seen[event.account_id].add(post_id)
            if event.liked:
                index.like(event.account_id, post_id, event.at_ms)
                likes[post_id] += 1
                lately[post_id] += 1
                month.append(event)
            event = next(events, None)
        while month and month[0].at_ms < query.at_ms - _MONTH_MS:
            lately[month.popleft().post.post_id] -= 1
        while await scorer.score():
            pass
        known = seen[query.account_id]
        found = {
            "popularity": _most(likes, known),
            "popularity of a month": _most(lately, known),
            "explore": [
                one.post.post_id for one in await candidates.collect(query.account_id, Mode(), Rules(), (), query.at_ms)
            ],
        }
        assert not known & set(found["explore"]), "nothing is shown twice"
        for name in NAMES:
            rows[name].append((recall(found[name], query.relevant), ndcg(found[name], query.relevant)))
    return {name: np.array(values) for name, values in rows.items()}


def _most(counts: Counter[int], known: Collection[int]) -> list[int]:
    ordered = sorted(counts, key=lambda one: (-counts[one], one))
    return [one for one in ordered if one not in known][:_RECALLED]


def ratio(qualities: Qualities, measure: int, name: str = "explore") -> tuple[float, float, float]:
    """Return how many times popularity's quality one has, and between what it lies in 95 % of draws of the accounts,
    with replacement."""
    ours, theirs = qualities[name][:, measure], qualities["popularity"][:, measure]
    draws = np.random.default_rng(1).integers(len(ours), size=(_DRAWS, len(ours)))
    low, high = np.quantile(ours[draws].sum(axis=1) / theirs[draws].sum(axis=1), [0.025, 0.975])
    return float(ours.sum() / theirs.sum()), float(low), float(high)
