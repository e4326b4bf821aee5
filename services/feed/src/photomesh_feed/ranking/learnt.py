"""Ranks by a model, or by what was there before it: candidate → base → weights.

Whatever a model does, a page is served: one that raises, returns no numbers or takes long does not rank any more in
this process, until the pointer names another.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from photomesh_feed.ranking.features import Features
from photomesh_feed.ranking.metrics import FAILED, MODEL_SECONDS, OVERLAP, RANKED
from photomesh_feed.ranking.ranker import Ranker, Ranking, Viewer
from photomesh_shared.ranking.models import Floats, Model, matrix
from photomesh_shared.ranking.rollout import Pointer

__all__ = ["KNOWN_VIEWER", "LearntRanker", "LoadedModels"]

log = logging.getLogger(__name__)

KNOWN_VIEWER = 20
"""Viewers with fewer known impressions are ranked by the weights: a model knows too little of them."""
_SLOW_SECONDS, _SLOW_IN_A_ROW = 0.05, 10
_SHADOWED = 0.1
"""Share of the orders that a model in the shadow scores, too."""
_TOP = 10


class LoadedModels(NamedTuple):
    """What the pointer says, as far as it could be loaded."""

    pointer: Pointer | None = None
    candidate: Model | None = None
    base: Model | None = None


class _Use(NamedTuple):
    slot: str
    name: str
    model: Model


class LearntRanker:
    """Implements `Ranker`."""

    def __init__(
        self,
        weights: Ranker,
        *,
        processor_time: Callable[[], float] = time.thread_time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._weights = weights
        self._time = processor_time
        self._draw = draw
        self._loaded = LoadedModels()
        self._failed: set[str] = set()
        self._slow: dict[str, int] = {}

    def use(self, loaded: LoadedModels) -> None:
        """Rank by these models from now on."""
        named = {loaded.pointer.candidate, loaded.pointer.base} if loaded.pointer else set()
        self._failed &= named
        self._slow = {name: count for name, count in self._slow.items() if name in named}
        self._loaded = loaded

    def rank(self, viewer: Viewer, rows: Sequence[Features]) -> Ranking:
        candidate, base = self._slots()
        pointer = self._loaded.pointer
        if pointer is None or not (candidate or base) or viewer.known_impressions < KNOWN_VIEWER:
            return self._by_weights(viewer, rows)
        columns = matrix(rows)
        taken = pointer.takes_candidate(viewer.account_id)
        ranking = None
        for use in (candidate if taken else None, base):
            scores = self._scores(use, columns) if use else None
            if use and scores is not None:
                RANKED.labels(use.slot).inc()
                ranking = Ranking(scores.tolist(), use.name)
                break
        ranking = ranking or self._by_weights(viewer, rows)
        if candidate and pointer.share == 0 and self._draw() < _SHADOWED:
            self._shadow(candidate, columns, ranking.scores)
        return ranking

    def _slots(self) -> tuple[_Use | None, _Use | None]:
        pointer, candidate, base = self._loaded
        if pointer is None:
            return None, None
        uses = (
            _Use("candidate", pointer.candidate, candidate) if pointer.candidate and candidate else None,
            _Use("base", pointer.base, base) if pointer.base and base else None,
        )
        first, second = (use if use and use.name not in self._failed else None for use in uses)
        return first, second

    def _by_weights(self, viewer: Viewer, rows: Sequence[Features]) -> Ranking:
        RANKED.labels("weights").inc()
        return self._weights.rank(viewer, rows)

    def _scores(self, use: _Use, columns: Floats) -> Floats | None:
        started = self._time()
        try:
            scores = use.model.scores(columns)
        except Exception:  # whatever a file made of it, it must not keep anybody from reading
            log.exception("a model failed", extra={"model": use.name})
            self._fail(use)
            return None
        seconds = self._time() - started
        MODEL_SECONDS.observe(seconds)
        if len(scores) != len(columns) or not np.isfinite(scores).all() or (len(scores) and scores.min() < 0):
            log.error("a model returned what is no score", extra={"model": use.name})
            self._fail(use)
            return None
        self._slow[use.name] = self._slow.get(use.name, 0) + 1 if seconds > _SLOW_SECONDS else 0
        if self._slow[use.name] >= _SLOW_IN_A_ROW:
            log.error("a model takes too long", extra={"model": use.name})
            self._fail(use)
            return None
        return scores

    def _fail(self, use: _Use) -> None:
        FAILED.labels(use.slot).inc()
        self._failed.add(use.name)

    def _shadow(self, use: _Use, columns: Floats, shown: Sequence[float]) -> None:
        scores = self._scores(use, columns)
        if scores is not None and len(scores):
            top = min(_TOP, len(scores))
            own, other = (np.argsort(-np.asarray(some), kind="stable")[:top] for some in (scores, shown))
            OVERLAP.observe(len(np.intersect1d(own, other)) / top)
