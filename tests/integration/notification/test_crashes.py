"""Collector and writer, killed at each of their steps: nothing is lost, and nothing counts twice."""

from __future__ import annotations

from photomesh_shared import ids
from photomesh_shared.events import Envelope, Event, NotificationUpdated
from tests.integration.notification.scene import COLLECTOR, GROUPS, WRITER, Environment, Scene, running
from tests.support.groups import forget_members
from tests.support.kafka import Topics

_OF_ANY_CONSUMER = ["runner.after_handle", "runner.before_commit", "runner.after_commit"]
STEPS = {
    COLLECTOR: ["notifications.before_tasks", "notifications.after_tasks", *_OF_ANY_CONSUMER],
    WRITER: [
        "notifications.after_members",
        "notifications.after_group",
        "notifications.after_published",
        *_OF_ANY_CONSUMER,
    ],
}


def shown(envelope: Envelope[Event]) -> tuple[int, ...]:
    return envelope.data.actors if isinstance(envelope.data, NotificationUpdated) else ()


async def _killed_at_each_step(module: str, scene: Scene, environment: Environment, topics: Topics) -> list[int]:
    """Somebody likes at each step, and at the next one does not any more, but for the last. Returns who likes."""
    steps = STEPS[module]
    fans = [scene.new_id() for _ in steps]
    for number, step in enumerate(steps):
        async with running(environment, module, f"{step}=kill") as victim:
            undone = [scene.like(fans[number - 1], on=False)] if number % 2 else []
            await scene.publish(scene.like(fans[number]), *undone)
            assert await victim.ended(60) == -9
        await forget_members(topics.kafka, GROUPS[module])
    return [fan for number, fan in enumerate(fans) if number % 2 or number == len(fans) - 1]


async def test_the_collector_is_killed_at_each_step(scene: Scene, environment: Environment, topics: Topics) -> None:
    async with running(environment, WRITER):
        left = await _killed_at_each_step(COLLECTOR, scene, environment, topics)
        async with running(environment, COLLECTOR):
            found = await scene.eventually({scene.likes: left[::-1]})
    assert found[scene.likes]["count"] == len(left)


async def test_the_writer_is_killed_at_each_step(scene: Scene, environment: Environment, topics: Topics) -> None:
    async with running(environment, COLLECTOR):
        left = await _killed_at_each_step(WRITER, scene, environment, topics)
        async with running(environment, WRITER):
            found = await scene.eventually({scene.likes: left[::-1]})
            assert found[scene.likes]["count"] == len(left)
            subject = f"{ids.encode('u', scene.author)}.{scene.likes}"
            published = await topics.wait_for(
                "notifications", subject, until=lambda events: shown(events[-1]) == tuple(left[::-1])
            )
    by_version: dict[int, set[str]] = {}
    for one in published:
        by_version.setdefault(one.entityversion, set()).add(one.data.model_dump_json())
    assert all(len(states) == 1 for states in by_version.values())  # repeated are the same
