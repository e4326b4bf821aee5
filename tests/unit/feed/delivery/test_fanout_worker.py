from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from photomesh_feed.delivery.fanout_worker import FanoutWorker
from photomesh_feed.domain.fanout import FanoutResult
from photomesh_shared.events import Envelope, FanoutRequested
from photomesh_shared.kafka.failures import Invalid
from photomesh_shared.packed_ids import pack
from tests.support.clock import FakeClock


class RecordingStore:
    def __init__(self, result: FanoutResult) -> None:
        self.result = result
        self.calls: list[tuple[int, list[int], bool]] = []
        self.running = 0
        self.most_running = 0

    async def fan_out(self, post_id: int, followers: Sequence[int], *, older_remain: bool) -> FanoutResult:
        self.calls.append((post_id, list(followers), older_remain))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return self.result


def task(followers: bytes) -> Envelope[FanoutRequested]:
    event = FanoutRequested(post_id=5, author_id=7, part=1, followers=followers, older_remain=True)
    return Envelope.of(event, entityversion=1)


def followers_counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("photomesh_feed_fanout_followers_total", {"outcome": outcome}) or 0.0


async def test_task_is_one_call(clock: FakeClock) -> None:
    store = RecordingStore(FanoutResult(active=3, inserted=2, deleted=False))
    before = [followers_counted(outcome) for outcome in ("inserted", "known", "inactive")]
    await FanoutWorker(store, clock).execute(task(pack([1, 2, 3, 4])))
    assert store.calls == [(5, [1, 2, 3, 4], True)]
    after = [followers_counted(outcome) for outcome in ("inserted", "known", "inactive")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 1]


async def test_deleted_post(clock: FakeClock) -> None:
    before = followers_counted("deleted")
    await FanoutWorker(RecordingStore(FanoutResult(0, 0, deleted=True)), clock).execute(task(pack([1, 2])))
    assert followers_counted("deleted") - before == 2


async def test_cut_followers_are_invalid(clock: FakeClock) -> None:
    store = RecordingStore(FanoutResult(0, 0, deleted=False))
    with pytest.raises(Invalid):
        await FanoutWorker(store, clock).execute(task(b"\0" * 12))
    assert store.calls == []


async def test_two_tasks_run_at_a_time(clock: FakeClock) -> None:
    store = RecordingStore(FanoutResult(0, 0, deleted=False))
    worker = FanoutWorker(store, clock)
    await asyncio.gather(*(worker.execute(task(pack([1]))) for _ in range(10)))
    assert (store.most_running, len(store.calls)) == (2, 10)
