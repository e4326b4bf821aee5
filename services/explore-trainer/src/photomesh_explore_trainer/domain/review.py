"""A model's way to the viewers: shadow → 5 % → all but 5 %, or back.

The last 5 % stay with what ranked before, so that a model that is worse later is found as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from photomesh_explore_trainer.domain.dataset import NEW_VIEWER, Dataset
from photomesh_shared.ranking.models import Floats
from photomesh_shared.ranking.rollout import Pointer

__all__ = ["BY_WEIGHTS", "FIRST_SHARE", "LAST_SHARE", "MIN_REQUESTS", "introduce", "is_settled", "returned", "review"]

FIRST_SHARE, LAST_SHARE = 0.05, 0.95
MIN_REQUESTS = 200
"""Of viewers with and without the candidate: fewer say nothing."""
BY_WEIGHTS = "weights"
_POSITIONS = 10
_ERRORS = 2.0
_PATIENCE = 7
"""Stages that a candidate may stay at one share, before another one may take its place."""


@dataclass(frozen=True)
class Compared:
    """What a request was worth, with the candidate and without it."""

    candidate: Floats
    base: Floats

    @property
    def enough(self) -> bool:
        return min(len(self.candidate), len(self.base)) >= MIN_REQUESTS

    @property
    def worse(self) -> bool:
        if not self.enough:
            return False
        error = np.sqrt(sum(one.var(ddof=1) / len(one) for one in (self.candidate, self.base)))
        return bool(self.candidate.mean() - self.base.mean() < -_ERRORS * error)


def review(pointer: Pointer, data: Dataset, now: datetime, stage: timedelta) -> tuple[Pointer, str]:
    """Return the pointer that should be, and what happened. `stage`: how long a share is kept at least."""
    if pointer.candidate is None:
        return pointer, ""
    if pointer.share == 0:
        if now - pointer.since < stage:
            return pointer, "in the shadow"
        return _moved(pointer, now, share=FIRST_SHARE), f"{pointer.candidate} ranks for {FIRST_SHARE:.0%}"
    compared = _compare(pointer, data)
    if compared.worse:
        return returned(pointer, now), f"{pointer.candidate} was worse, and does not rank any more"
    if pointer.share < LAST_SHARE and now - pointer.since >= stage and compared.enough:
        return _moved(pointer, now, share=LAST_SHARE), f"{pointer.candidate} ranks for all but {1 - LAST_SHARE:.0%}"
    return pointer, f"{pointer.candidate} keeps its share of {pointer.share:.0%}"


def is_settled(pointer: Pointer, now: datetime, stage: timedelta) -> bool:
    """Whether there is room for a new candidate: also where so few people read that nothing can be said of the last
    one, which would keep its few viewers for ever."""
    waited = now - pointer.since >= _PATIENCE * stage
    return pointer.candidate is None or pointer.share >= LAST_SHARE or waited


def introduce(pointer: Pointer, name: str, now: datetime) -> Pointer:
    """Return the pointer with a new candidate in the shadow; a settled one becomes the base."""
    base = pointer.candidate if pointer.candidate and pointer.share >= LAST_SHARE else pointer.base
    return _moved(pointer, now, base=base, candidate=name, share=0.0)


def returned(pointer: Pointer, now: datetime) -> Pointer:
    """Return the pointer without its candidate; without one, the weights rank again."""
    if pointer.candidate is None:
        return _moved(pointer, now, base=None)
    return _moved(pointer, now, candidate=None, share=0.0)


def _moved(pointer: Pointer, now: datetime, **changes: object) -> Pointer:
    return pointer.model_copy(update={**changes, "since": now})


def _compare(pointer: Pointer, data: Dataset) -> Compared:
    """Compare what was served since the share last changed, to viewers whom models rank for."""
    recent = data.where(
        (data.served_at >= pointer.since.timestamp())
        & (data.known_impressions >= NEW_VIEWER)
        & (data.positions < _POSITIONS)
    )
    arms = []
    for name in (pointer.candidate, pointer.base or BY_WEIGHTS):
        arm = recent.where(recent.models == name)
        _, request, count = np.unique(arm.requests, return_inverse=True, return_counts=True)
        arms.append(np.bincount(request, weights=arm.gains, minlength=len(count)) / np.maximum(count, 1))
    return Compared(*arms)
