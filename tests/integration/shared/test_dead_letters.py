"""Dead letters can be looked at, and sent again once."""

from __future__ import annotations

from photomesh_shared.dead_letters import replay, waiting
from photomesh_shared.events import Envelope
from photomesh_shared.kafka.failures import Invalid
from tests.integration.shared.conftest import KafkaBench
from tests.support.runner_suite import Recorder, RunnerSuite
from tests.support.sample_events import SampleEvent


async def test_what_was_put_aside_is_handled_after_its_replay(bench: KafkaBench) -> None:
    suite = RunnerSuite()

    async def broken(envelope: Envelope[SampleEvent]) -> None:
        raise Invalid("a bug of ours")

    await suite.publish(bench, ["ann", "bob"], [0, 1])
    async with suite.running(bench, broken):
        await suite.done(bench)
    letters = await waiting(bench.bootstrap, bench.kind.topic, bench.group)
    assert sorted(letter.record.header("ce_id") or "" for letter in letters) == ["ann.0", "ann.1", "bob.0", "bob.1"]

    assert await replay(bench.bootstrap, bench.kind.topic, bench.group) == 4
    mended = Recorder()
    async with suite.running(bench, mended):
        await suite.done(bench)
    assert mended.by_key == {"ann": [0, 1], "bob": [0, 1]}
    assert await waiting(bench.bootstrap, bench.kind.topic, bench.group) == []
    assert await replay(bench.bootstrap, bench.kind.topic, bench.group) == 0
