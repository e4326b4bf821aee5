"""Runs of the trainer, one after another, with models and records in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from photomesh_explore_trainer.domain.dataset import Dataset
from photomesh_explore_trainer.service import Trainer
from photomesh_shared.ranking.models import Model, digest, load_model
from photomesh_shared.ranking.rollout import Pointer
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectReplaced
from tests.support.clock import FakeClock
from tests.support.models import model_body, name_of, pointer
from tests.support.simulated_feeds import NOW, simulate


class Models:
    """Implements `service.Models`."""

    def __init__(self) -> None:
        self.current: Pointer | None = None
        self.etag = 0
        self.files: dict[str, bytes] = {}
        self.meta: dict[str, Mapping[str, Any]] = {}

    async def pointer(self) -> tuple[Pointer | None, str | None]:
        return self.current, str(self.etag) if self.current else None

    async def save_pointer(self, pointer: Pointer, etag: str | None) -> None:
        if etag != (str(self.etag) if self.current else None):
            raise ObjectReplaced
        self.current, self.etag = Pointer.model_validate_json(pointer.encode()), self.etag + 1

    async def model(self, name: str) -> Model:
        if name not in self.files:
            raise NoSuchObject
        return load_model(self.files[name], name.rpartition("-")[2])

    async def save_model(
        self, name: str, model: bytes, calibration: Mapping[str, Any], meta: Mapping[str, Any]
    ) -> None:
        self.files[name], self.meta[name] = model, meta


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock(datetime.fromtimestamp(NOW, UTC))
        self.models = Models()
        self.data = simulate()
        self.trainer = Trainer(
            self.models, self.read, self.clock, days=9, stage=timedelta(hours=24), pause=timedelta(hours=20)
        )

    async def read(self, since: datetime) -> Dataset:
        return self.data

    @property
    def state(self) -> tuple[bool, bool, float]:
        """Whether there is a base and a candidate, and its share."""
        current = self.models.current
        assert current is not None
        return current.base is not None, current.candidate is not None, current.share


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_good_model_goes_from_the_shadow_to_all_and_back_when_it_is_worse(bench: Bench) -> None:
    assert "passed" in await bench.trainer.run()
    assert bench.state == (False, True, 0.0)
    current = bench.models.current
    assert current is not None
    name = current.candidate
    assert name is not None
    assert name.endswith(digest(bench.models.files[name]))
    assert bench.models.meta[name]["figures"]["ndcg_all"] > bench.models.meta[name]["figures"]["ndcg_all_weights"]
    await bench.clock.advance(3_600)
    assert "shadow" in await bench.trainer.run()
    await bench.clock.advance(86_400)
    await bench.trainer.run()
    assert bench.state == (False, True, 0.05)
    await bench.clock.advance(86_400)
    bench.data = ranked_by(simulate(2_000, seed=8), name, bench.clock.now(), worth=1.0)
    await bench.trainer.run()
    assert bench.state[1:] == (True, 0.95)
    await bench.clock.advance(3_600)
    bench.data = ranked_by(simulate(2_000, seed=9), name, bench.clock.now(), worth=0.2)
    assert "worse" in await bench.trainer.run()
    assert bench.models.current is not None
    assert name not in (bench.models.current.candidate, bench.models.current.base)


def ranked_by(data: Dataset, name: str, now: datetime, *, worth: float) -> Dataset:
    """Half of the requests of the last half hour, with so many of their reactions."""
    mine = data.requests % 2 == 0
    kept = np.random.default_rng(1).random(len(data)) < np.where(mine, worth, 1.0)
    return replace(
        data,
        models=np.where(mine, name, "weights"),
        served_at=np.full(len(data), now.timestamp() - 1_800),
        known_impressions=np.full(len(data), 50),
        labels={head: labels & kept for head, labels in data.labels.items()},
    )


async def test_a_model_that_does_not_pass_is_not_written(bench: Bench) -> None:
    random = np.random.default_rng(1)
    bench.data = replace(bench.data, labels={n: random.permutation(some) for n, some in bench.data.labels.items()})
    assert "did not pass" in await bench.trainer.run()
    assert bench.state == (False, False, 0.0)
    assert bench.models.files == {}


async def test_without_records_nothing_is_trained_and_the_pointer_says_so(bench: Bench) -> None:
    bench.data = bench.data.where(np.zeros(len(bench.data), dtype=np.bool_))
    assert "not trained" in await bench.trainer.run()
    assert bench.models.current is not None
    assert "not trained" in bench.models.current.status.outcome


async def test_models_are_trained_once_a_day(bench: Bench) -> None:
    bench.data = bench.data.where(np.zeros(len(bench.data), dtype=np.bool_))
    await bench.trainer.run()
    await bench.clock.advance(3_600)
    assert await bench.trainer.run() == "nothing to do"
    await bench.clock.advance(20 * 3_600)
    assert "not trained" in await bench.trainer.run()


async def test_of_two_runs_at_the_same_time_one_fails(bench: Bench) -> None:
    async def meanwhile(since: datetime) -> Dataset:
        await bench.models.save_pointer(pointer(), None)
        return bench.data

    other = Trainer(bench.models, meanwhile, bench.clock, days=9, stage=timedelta(hours=24), pause=timedelta(hours=20))
    with pytest.raises(ObjectReplaced):
        await other.run()
    assert bench.models.current == pointer()


async def test_a_base_that_cannot_be_read_stops_no_training(bench: Bench) -> None:
    body = model_body()
    bench.models.current = pointer(None, name_of(body))
    bench.models.files[name_of(body)] = b"garbage"
    assert "passed" in await bench.trainer.run()


async def test_operators_go_back(bench: Bench) -> None:
    assert await bench.trainer.go_back() == "no model ranks"
    await bench.trainer.run()
    assert "weighted sum" in await bench.trainer.go_back()
    assert bench.state == (False, False, 0.0)


async def test_what_a_model_predicted_is_compared_with_what_happened(bench: Bench) -> None:
    await bench.trainer.run()
    assert bench.models.current is not None
    name = bench.models.current.candidate
    bench.models.current = pointer(name, share=0.95, since=bench.clock.now())
    bench.data = replace(bench.data, models=np.full(len(bench.data), name))
    await bench.trainer.run()
    assert bench.models.current.status.calibration["like"] == pytest.approx(1, abs=0.25)
