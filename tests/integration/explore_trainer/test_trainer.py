"""A model's whole way on real servers: records → training → object storage → feed, and back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from photomesh_explore_trainer.domain.dataset import Dataset
from photomesh_explore_trainer.service import Trainer
from photomesh_explore_trainer.settings import Settings
from photomesh_explore_trainer.sources import read_dataset
from photomesh_explore_trainer.store import ModelStore
from photomesh_feed.clients.models import ModelPoller
from photomesh_feed.ranking.features import Features
from photomesh_feed.ranking.learnt import LearntRanker
from photomesh_feed.ranking.ranker import BY_WEIGHTS, Viewer, WeightedRanker
from photomesh_feed.settings import Settings as FeedSettings
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import ObjectStorageUnavailable
from photomesh_shared.events import Envelope, FeedServed, Impression, ImpressionsRecorded, PostLiked
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.packed_ids import pack
from photomesh_shared.ranking.features import pack_features
from photomesh_shared.ranking.rollout import model_key, pointer_key
from photomesh_shared.settings import KafkaSettings
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectReplaced, ObjectStorage, open_storage
from tests.conftest import Environment
from tests.support.clock import FakeClock
from tests.support.models import model_body, name_of, pointer
from tests.support.objects import open_all_objects
from tests.support.services import settings_from
from tests.support.simulated_feeds import NOW, simulate

BUCKET = "raw"
ROW = Features(0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0)
JSON = "application/json"


@pytest.fixture
def trainer_settings(service_environment: Environment) -> Settings:
    return settings_from(Settings, service_environment("explore-trainer"))


@pytest.fixture
def feed_settings(service_environment: Environment) -> FeedSettings:
    return settings_from(FeedSettings, service_environment("feed"))


@pytest.fixture
async def storage(trainer_settings: Settings) -> AsyncIterator[ObjectStorage]:
    """The trainer's, without models before and after."""
    async with open_all_objects() as everything:
        await everything.delete_prefix(BUCKET, "models/")
        async with open_storage(trainer_settings) as storage:
            yield storage
        await everything.delete_prefix(BUCKET, "models/")


@asynccontextmanager
async def feed_side(settings: FeedSettings) -> AsyncIterator[tuple[ModelPoller, LearntRanker]]:
    """What feed does with models, with its own rights."""
    async with open_storage(settings) as storage:
        ranker = LearntRanker(WeightedRanker())
        yield ModelPoller(storage, BUCKET, ranker, SystemClock()), ranker


def model_of(ranker: LearntRanker) -> str:
    return ranker.rank(Viewer(1, 500), [ROW]).model


async def test_a_model_goes_to_feed_and_back(storage: ObjectStorage, feed_settings: FeedSettings) -> None:
    store, clock, data = ModelStore(storage, BUCKET), FakeClock(datetime.fromtimestamp(NOW, UTC)), simulate()

    async def read(since: datetime) -> Dataset:
        return data

    trainer = Trainer(store, read, clock, days=9, stage=timedelta(0), pause=timedelta(hours=20))
    assert "passed" in await trainer.run()
    async with feed_side(feed_settings) as (poller, ranker):
        await poller.poll()
        assert model_of(ranker) == BY_WEIGHTS, "in the shadow"
        shadow, etag = await store.pointer()
        assert shadow is not None
        assert shadow.candidate is not None
        await store.save_pointer(shadow.model_copy(update={"share": 1.0}), etag)
        await poller.poll()
        assert model_of(ranker) == shadow.candidate
        await trainer.go_back()
        await poller.poll()
        assert model_of(ranker) == BY_WEIGHTS
    meta = json.loads(await storage.get(BUCKET, model_key(shadow.candidate, "meta.json"), max_bytes=100_000))
    assert meta["figures"]["ndcg_all"] > meta["figures"]["ndcg_all_weights"]


async def test_a_poisoned_model_changes_nothing(storage: ObjectStorage, feed_settings: FeedSettings) -> None:
    body = model_body()
    good, poisoned = name_of(body), "20261122T020000Z-0123456789ab"
    await storage.put(BUCKET, model_key(good, "model.json"), body, content_type=JSON)
    await storage.put(BUCKET, model_key(poisoned, "model.json"), b"\x80\x04poison", content_type=JSON)
    store = ModelStore(storage, BUCKET)
    await store.save_pointer(pointer(poisoned, good, share=1.0), None)
    async with feed_side(feed_settings) as (poller, ranker):
        await poller.poll()
        assert model_of(ranker) == good
        await storage.put(BUCKET, pointer_key(), b"{", content_type=JSON)
        await poller.poll()
        assert model_of(ranker) == good


async def test_of_two_writers_of_the_pointer_one_is_refused(storage: ObjectStorage) -> None:
    store = ModelStore(storage, BUCKET)
    assert await store.pointer() == (None, None)
    await store.save_pointer(pointer(), None)
    with pytest.raises(ObjectReplaced):
        await store.save_pointer(pointer(), None)
    found, etag = await store.pointer()
    assert found == pointer()
    await store.save_pointer(pointer(None, "20261122T020000Z-0123456789ab"), etag)
    with pytest.raises(ObjectReplaced):
        await store.save_pointer(pointer(), etag)


async def test_feed_may_read_models_and_not_write_them(storage: ObjectStorage, feed_settings: FeedSettings) -> None:
    async with open_storage(feed_settings) as of_feed:
        with pytest.raises(NoSuchObject):
            await of_feed.get(BUCKET, pointer_key(), max_bytes=10)
        with pytest.raises(ObjectStorageUnavailable):
            await of_feed.put(BUCKET, pointer_key(), b"{}", content_type=JSON)


async def test_records_of_the_topics_become_examples(
    trainer_settings: Settings, service_environment: Environment, new_id: Callable[[], int]
) -> None:
    reader, author, posts = new_id(), new_id(), [new_id() for _ in range(3)]
    at = datetime.now(UTC)
    served = FeedServed.example().model_copy(
        update={
            "account_id": reader,
            "request_id": "Zk3vQ0m1",
            "served_at": at,
            "model": BY_WEIGHTS,
            "post_ids": pack(posts),
            "author_ids": pack([author] * 3),
            "features": pack_features([(0.5, 0, 0, 0, 0, 0, 0, number) for number in range(3)]),
            "known_impressions": 40,
            "swap_position": None,
        }
    )
    shown = tuple(
        Impression(post_id=post, position=0, mode="ranked", seen_at=at, request_id="Zk3vQ0m1", dwell_ms=4_000)
        for post in posts[:2]
    )
    seen = ImpressionsRecorded(account_id=reader, recorded_at=at, impressions=shown)
    liked = PostLiked.example().model_copy(update={"account_id": reader, "post_id": posts[1], "post_author_id": author})
    for program, event in (("feed", served), ("feed", seen), ("post", liked)):
        kafka: Mapping[str, Any] = service_environment(program)
        async with open_publisher(settings_from(KafkaSettings, kafka), program) as publisher:
            await publisher.publish(Envelope.of(event, entityversion=1, time=at + timedelta(seconds=5)))
    data = await read_dataset(trainer_settings, at - timedelta(minutes=1))
    mine = data.where(data.viewers == reader)
    assert mine.positions.tolist() == [0, 1]
    assert mine.labels["like"].tolist() == [False, True]
    assert mine.labels["dwell"].tolist() == [True, True]
    assert np.allclose(mine.rows[:, 7], [0, 1])
