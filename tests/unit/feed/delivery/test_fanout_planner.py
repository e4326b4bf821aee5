"""Tasks of a fan-out: whose feeds, how many at a time, and the same again after a crash."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from photomesh_feed.delivery.fanout_planner import TASK_FOLLOWERS, FanoutPlanner
from photomesh_feed.errors import SourceUnavailable
from photomesh_shared.packed_ids import unpack
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import TaskRecorder

AUTHOR, POST = 7, 1 << 40
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


async def plan(followers: int, *posts: int, older_remain: bool = False) -> TaskRecorder:
    sources, recorder = InMemorySources(), TaskRecorder()
    sources.followers[AUTHOR] = list(range(1, followers + 1))
    planner = FanoutPlanner(sources, recorder)
    await planner.plan(AUTHOR, posts or [POST], cause="published", at=AT, older_remain=older_remain)
    return recorder


@pytest.mark.parametrize("followers", [0, 1, 999, 1_000, 1_001, 5_000, 5_001, 12_345])
async def test_each_follower_is_in_one_task(followers: int) -> None:
    tasks = [envelope.data for envelope in (await plan(followers)).tasks]
    assert [one for task in tasks for one in unpack(task.followers)] == list(range(1, followers + 1))
    assert all(len(unpack(task.followers)) <= TASK_FOLLOWERS for task in tasks)
    assert [task.part for task in tasks] == list(range(1, len(tasks) + 1))


async def test_replay_publishes_the_same_events() -> None:
    first, second = await plan(2_500), await plan(2_500)
    assert [task.id for task in first.tasks] == [task.id for task in second.tasks]
    assert len({task.id for task in first.tasks}) == 3
    assert {task.time for task in first.tasks} == {AT}


async def test_only_the_last_post_ends_the_lists() -> None:
    recorder = await plan(1_500, POST + 2, POST + 1, POST, older_remain=True)
    assert {(task.data.post_id, task.data.older_remain) for task in recorder.tasks} == {
        (POST + 2, False),
        (POST + 1, False),
        (POST, True),
    }
    assert len(recorder.tasks) == 6


async def test_requests_to_kafka_are_bounded() -> None:
    recorder = await plan(5_000, *range(POST, POST + 30))
    assert max(recorder.batches) <= 50
    assert sum(recorder.batches) == 150


async def test_unavailable_source() -> None:
    sources = InMemorySources()
    sources.unavailable = True
    with pytest.raises(SourceUnavailable):
        await FanoutPlanner(sources, TaskRecorder()).plan(AUTHOR, [POST], cause="published", at=AT)
