"""A round of random faults, of those that `make faults` plays for as long as one likes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import httpx
import pytest

from tests.faults.injection import kinds_of_faults
from tests.faults.rounds import Run, play, settled
from tests.faults.schedule import schedule
from tests.support.servers import Servers
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(900)  # a violation is reported only once the mesh has had time to heal

_SEED = 20261127
_SECONDS = 15.0


async def test_nothing_is_lost_doubled_or_shown_under_random_faults(
    mesh: Mapping[str, int], servers: Servers, http: httpx.AsyncClient
) -> None:
    """Posts, likes, comments, uploads and an erasure, while programs and servers are killed, paused, stopped …"""
    # The test stack does not flush changes of the schema: killed, Cassandra has lost new tables. An orderly end does.
    await asyncio.to_thread(servers.restart, "cassandra")
    dice = random.Random(_SEED)
    run = Run(servers, http, print, patience=120, poisons=False)  # other tests read the topics too
    society = await settled(run, dice)
    for _ in range(2):
        await society.actions.relate()
    await eventually(society.people.differences, until=lambda lines: not lines, within=40)
    society.turns += 1
    faults = schedule(random.Random(_SEED), kinds_of_faults(), _SECONDS, between=1.5, long=(5, 12))
    assert len(faults) >= 8
    await play(run, society, dice, faults)
    assert run.violations == []
