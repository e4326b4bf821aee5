"""Dead letters can be looked at, and handled again once, by their own group only."""

from __future__ import annotations

import random

from photomesh_shared.clock import SystemClock
from photomesh_shared.dead_letters import replay, waiting
from photomesh_shared.events import Envelope
from photomesh_shared.kafka.failures import Invalid
from photomesh_shared.kafka.handling import Handler, Handling
from tests.integration.shared.conftest import KafkaBench
from tests.support.runner_suite import QUICK, Recorder, RunnerSuite
from tests.support.sample_events import SampleEvent


async def broken(envelope: Envelope[SampleEvent]) -> None:
    raise Invalid("a bug of ours")


def handling(bench: KafkaBench, handler: Handler) -> Handling:
    return Handling(
        bench.group,
        {bench.kind: handler},
        bench.publisher,
        batch_handlers={},
        retry=QUICK,
        on_exhausted=None,
        clock=SystemClock(),
        randomness=random.Random(1),
    )


async def test_dead_letters_are_handled_after_a_fix_without_sending_them_again(bench: KafkaBench) -> None:
    suite = RunnerSuite()
    await suite.publish(bench, ["ann", "bob"], [0, 1])
    async with suite.running(bench, broken):
        await suite.done(bench)
    topic, group = bench.kind.topic, bench.group
    letters = await waiting(bench.kafka, topic, group)
    assert sorted(letter.record.header("ce_id") or "" for letter in letters) == ["ann.0", "ann.1", "bob.0", "bob.1"]

    mended = Recorder()
    assert await replay(bench.kafka, topic, group, handling(bench, mended)) == 4
    assert mended.by_key == {"ann": [0, 1], "bob": [0, 1]}
    assert len(await bench.records()) == 4, "a replay writes nothing to the topic"
    assert await waiting(bench.kafka, topic, group) == []
    assert await replay(bench.kafka, topic, group, handling(bench, mended)) == 0


async def test_what_fails_again_waits_for_the_next_replay(bench: KafkaBench) -> None:
    suite = RunnerSuite()
    await suite.publish(bench, ["ann"], [0])
    async with suite.running(bench, broken):
        await suite.done(bench)
    topic, group = bench.kind.topic, bench.group
    assert await replay(bench.kafka, topic, group, handling(bench, broken)) == 1
    (letter,) = await waiting(bench.kafka, topic, group)
    assert letter.record.header("dlt_topic") == topic

    mended = Recorder()
    assert await replay(bench.kafka, topic, group, handling(bench, mended)) == 1
    assert mended.by_key == {"ann": [0]}
