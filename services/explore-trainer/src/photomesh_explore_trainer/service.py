"""Use cases: one run of the trainer, and a return by hand."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from photomesh_explore_trainer.domain import review as rules
from photomesh_explore_trainer.domain.dataset import Dataset
from photomesh_explore_trainer.domain.joining import LABEL_SECONDS
from photomesh_explore_trainer.learning.calibration import calibration_ratio
from photomesh_explore_trainer.learning.examination import examination_curve
from photomesh_explore_trainer.learning.gate import Verdict, judge
from photomesh_explore_trainer.learning.training import NotEnough, Trained, train
from photomesh_shared.clock import Clock
from photomesh_shared.ranking.features import FEATURE_SCHEMA
from photomesh_shared.ranking.models import Model, RefusedModel, digest, load_model
from photomesh_shared.ranking.rollout import Pointer, Status
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectTooLarge

__all__ = ["Models", "Trainer"]

log = logging.getLogger(__name__)

_DAY = 86_400.0
_CURVE = 10


class Models(Protocol):
    """See `store.ModelStore`."""

    async def pointer(self) -> tuple[Pointer | None, str | None]: ...
    async def save_pointer(self, pointer: Pointer, etag: str | None) -> None: ...
    async def model(self, name: str) -> Model: ...
    async def save_model(self, name: str, model: bytes, calibration: dict[str, Any], meta: dict[str, Any]) -> None: ...


class Trainer:
    def __init__(
        self,
        models: Models,
        read: Callable[[datetime], Awaitable[Dataset]],
        clock: Clock,
        *,
        days: int,
        stage: timedelta,
        pause: timedelta,
    ) -> None:
        """`read` returns what was served since a time."""
        self._models = models
        self._read = read
        self._clock = clock
        self._days = days
        self._stage = stage
        self._pause = pause

    async def run(self) -> str:
        """Judge the model that ranks, train another one if it is time, and say what happened. Of two runs at the same
        time one fails, with ObjectReplaced, and changes nothing."""
        now = self._clock.now()
        found, etag = await self._models.pointer()
        pointer = found or Pointer(since=now, status=Status(reviewed_at=now))
        data = await self._read(now - timedelta(days=self._days))
        pointer, outcome = rules.review(pointer, data, now, self._stage)
        calibration = await self._calibration(pointer, data, now)
        trained_at = pointer.status.trained_at
        if rules.is_settled(pointer, now, self._stage) and (trained_at is None or now - trained_at >= self._pause):
            pointer, said = await self._train(pointer, data, now)
            outcome, trained_at = f"{outcome}; {said}" if outcome else said, now
        status = Status(reviewed_at=now, trained_at=trained_at, outcome=outcome[:500], calibration=calibration)
        await self._models.save_pointer(pointer.model_copy(update={"status": status}), etag)
        return outcome or "nothing to do"

    async def go_back(self) -> str:
        """Take the candidate away; without one, rank by the weights again. For operators."""
        now = self._clock.now()
        pointer, etag = await self._models.pointer()
        if pointer is None:
            return "no model ranks"
        pointer = rules.returned(pointer, now)
        await self._models.save_pointer(pointer, etag)
        return f"{pointer.base or 'the weighted sum'} ranks for everybody"

    async def _train(self, pointer: Pointer, data: Dataset, now: datetime) -> tuple[Pointer, str]:
        """The last whole day of labels judges, the one before calibrates, all before teach."""
        end = now.timestamp() - LABEL_SECONDS
        teaching = data.between(0, end - 2 * _DAY)
        calibrating, judging = data.between(end - 2 * _DAY, end - _DAY), data.between(end - _DAY, end)
        try:
            trained = train(teaching, calibrating)
        except NotEnough as error:
            return pointer, f"not trained: {error}"
        ranking = pointer.candidate if pointer.candidate else pointer.base
        verdict = judge(trained, await self._loaded(ranking), judging)
        body = trained.model.document.encode()
        name = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest(body)}"
        if not verdict.passed:
            return pointer, f"{name} did not pass: {'; '.join(verdict.failures)}"
        try:
            load_model(body)
        except RefusedModel as error:
            return pointer, f"{name} would be refused: {error}"
        meta = _meta(trained, verdict, teaching, ranking, now)
        await self._models.save_model(name, body, _calibration(trained), meta)
        return rules.introduce(pointer, name, now), f"{name} passed, and is in the shadow"

    async def _loaded(self, name: str | None) -> Model | None:
        if name is None:
            return None
        try:
            return await self._models.model(name)
        except (RefusedModel, NoSuchObject, ObjectTooLarge) as error:
            log.warning("the model that ranks cannot be read", extra={"model": name, "reason": str(error)})
            return None

    async def _calibration(self, pointer: Pointer, data: Dataset, now: datetime) -> dict[str, float]:
        """What the model that ranks said of the latest day with labels, in its first ten places."""
        name = pointer.candidate if pointer.share >= rules.LAST_SHARE else pointer.base
        model = await self._loaded(name)
        if model is None:
            return {}
        end = now.timestamp() - LABEL_SECONDS
        day = data.between(end - _DAY, end)
        day = day.where((day.models == name) & (day.positions == 0))
        found: dict[str, float] = {}
        for head in model.heads:
            said = model.probabilities(head, model.margins(head, day.rows))
            if head in day.labels and day.labels[head].sum() >= 30:
                found[head] = round(calibration_ratio(said, day.labels[head]) or 0.0, 4)
        return found


def _calibration(trained: Trained) -> dict[str, Any]:
    return {head.name: head.calibration.model_dump() for head in trained.model.document.heads}


def _meta(trained: Trained, verdict: Verdict, teaching: Dataset, parent: str | None, now: datetime) -> dict[str, Any]:
    reacted = teaching.gains > 0
    curve = examination_curve(teaching.positions, teaching.swaps, reacted, length=_CURVE)
    return {
        "trained_at": now.isoformat(),
        "feature_schema": FEATURE_SCHEMA,
        "parent": parent,
        "examples": len(teaching),
        "reactions": {name: int(labels.sum()) for name, labels in teaching.labels.items()},
        "trees": {head.name: len(head.trees) for head in trained.model.document.heads},
        "figures": {name: round(value, 5) for name, value in verdict.figures.items()},
        "examination_by_buckets": trained.examination().round(4).tolist(),
        "examination_by_coins": None if curve is None else curve.round(4).tolist(),
    }
