"""Models come from object storage, and whatever lies there, feed goes on."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from photomesh_feed.clients.models import ModelPoller
from photomesh_feed.ranking.features import features
from photomesh_feed.ranking.learnt import LearntRanker
from photomesh_feed.ranking.ranker import BY_WEIGHTS, Viewer, WeightedRanker
from photomesh_shared.errors import ObjectStorageUnavailable
from photomesh_shared.ranking.models import MAX_MODEL_BYTES
from photomesh_shared.ranking.rollout import Pointer, model_key, pointer_key
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectTooLarge
from tests.support.clock import FakeClock
from tests.support.models import head, model_body, name_of, pointer
from tests.unit.feed.ranking.candidates import NO_TASTE, candidate

BODY, OTHER = model_body(), model_body(head(by="recency"))
NAME, BASE = name_of(BODY), name_of(OTHER)


class Storage:
    """Stands in for `ObjectStorage`."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.down = False
        self.reads: list[str] = []

    async def get(self, bucket: str, key: str, *, max_bytes: int) -> bytearray:
        assert bucket == "raw"
        self.reads.append(key)
        if self.down:
            raise ObjectStorageUnavailable
        if key not in self.objects:
            raise NoSuchObject
        if len(self.objects[key]) > max_bytes:
            raise ObjectTooLarge(len(self.objects[key]))
        return bytearray(self.objects[key])

    def point(self, to: Pointer) -> None:
        self.objects[pointer_key()] = to.encode()

    def put(self, name: str, body: bytes) -> None:
        self.objects[model_key(name, "model.json")] = body


class Bench:
    def __init__(self, clock: FakeClock) -> None:
        self.storage = Storage()
        self.ranker = LearntRanker(WeightedRanker())
        storage: Any = self.storage
        self.poller = ModelPoller(storage, "raw", self.ranker, clock)

    async def model(self) -> str:
        """Polls; returns what ranks then."""
        await self.poller.poll()
        return self.ranker.rank(Viewer(1, 500), features([candidate()], NO_TASTE)).model


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock)


def refused(reason: str) -> float:
    return REGISTRY.get_sample_value("photomesh_feed_models_refused_total", {"reason": reason}) or 0.0


async def test_the_pointer_is_followed_there_and_back(bench: Bench) -> None:
    assert await bench.model() == BY_WEIGHTS
    bench.storage.put(NAME, BODY)
    bench.storage.point(pointer(NAME, share=1.0))
    assert await bench.model() == NAME
    bench.storage.put(BASE, OTHER)
    bench.storage.point(pointer(NAME, BASE, share=0.0))
    assert await bench.model() == BASE
    bench.storage.point(pointer(None, None))
    assert await bench.model() == BY_WEIGHTS


async def test_a_model_is_read_once(bench: Bench) -> None:
    bench.storage.put(NAME, BODY)
    bench.storage.point(pointer(NAME, share=1.0))
    for _ in range(3):
        assert await bench.model() == NAME
    assert bench.storage.reads.count(model_key(NAME, "model.json")) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"garbage", "digest"),
        (OTHER, "digest"),
        (b" " * (MAX_MODEL_BYTES + 1), "size"),
        (None, "missing"),
    ],
)
async def test_a_foreign_file_is_refused_and_the_base_ranks(bench: Bench, body: bytes | None, reason: str) -> None:
    if body is not None:
        bench.storage.put(NAME, body)
    bench.storage.put(BASE, OTHER)
    bench.storage.point(pointer(NAME, BASE, share=1.0))
    before = refused(reason)
    assert [await bench.model() for _ in range(3)] == [BASE] * 3
    assert refused(reason) - before == 1, "it is not read again"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (model_body(feature_schema="of another version"), "schema"),
        (model_body(head(coefficient=0.0, trees=0)), "constant"),
        (b'{"format": 1}', "broken"),
        (BODY.replace(b"-2.0", b"NaN"), "broken"),
    ],
)
async def test_a_poisoned_model_of_the_right_digest_is_refused(bench: Bench, body: bytes, reason: str) -> None:
    name = name_of(body)
    bench.storage.put(name, body)
    bench.storage.point(pointer(name, share=1.0))
    before = refused(reason)
    assert await bench.model() == BY_WEIGHTS
    assert refused(reason) - before == 1


@pytest.mark.parametrize("body", [b"", b"garbage", b"[]", b"{}", b" " * 100_000, b'{"candidate": "../../x"}'])
async def test_a_broken_pointer_changes_nothing(bench: Bench, body: bytes) -> None:
    bench.storage.put(NAME, BODY)
    bench.storage.point(pointer(NAME, share=1.0))
    assert await bench.model() == NAME
    bench.storage.objects[pointer_key()] = body
    expected = NAME if body else BY_WEIGHTS  # an empty object says that there is no model
    assert await bench.model() == expected


async def test_what_ranks_stays_while_storage_is_away(bench: Bench) -> None:
    bench.storage.down = True
    assert await bench.model() == BY_WEIGHTS
    bench.storage.down = False
    bench.storage.put(NAME, BODY)
    bench.storage.point(pointer(NAME, share=1.0))
    assert await bench.model() == NAME
    bench.storage.down = True
    assert await bench.model() == NAME


async def test_a_model_that_could_not_be_read_is_tried_again(bench: Bench) -> None:
    bench.storage.put(NAME, BODY)
    bench.storage.point(pointer(NAME, share=1.0))
    read, bench.storage.get = bench.storage.get, unavailable_for_models(bench.storage)  # type: ignore[method-assign]
    assert await bench.model() == BY_WEIGHTS
    bench.storage.get = read  # type: ignore[method-assign]
    assert await bench.model() == NAME


def unavailable_for_models(storage: Storage) -> Any:
    read = storage.get

    async def get(bucket: str, key: str, *, max_bytes: int) -> bytearray:
        if key != pointer_key():
            raise ObjectStorageUnavailable
        return await read(bucket, key, max_bytes=max_bytes)

    return get
