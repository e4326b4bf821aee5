"""Random actions of a small society, against a model in memory: who sees what, in which order, with which counts.

Each step acts, waits until the mesh agrees with the model, and compares everything that anybody can see.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

import photomesh_local as local
from demo.client import Platform
from tests.support.society import Actions, settle
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

_ROUNDS = 3
_VICTIMS = ("social-graph", "feed-consumer", "feed-fanout", "post-engagement", "post-consumer", "post", "feed")
_SEEDS = [int(seed) for seed in os.environ.get("PHOTOMESH_SOCIETY_SEEDS", "1").split(",")]


@asynccontextmanager
async def calm() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def storm() -> AsyncIterator[None]:
    """One service after the other is killed, and comes back."""
    dice, over = random.Random(7), asyncio.Event()

    def strike() -> None:
        victim = dice.choice(_VICTIMS)
        local.kill("test", victim)
        local.ready("test", victim)

    async def rage() -> None:
        while not over.is_set():
            await asyncio.to_thread(strike)

    raging = asyncio.create_task(rage())
    try:
        yield
    finally:
        over.set()
        await raging


@pytest.mark.parametrize(
    ("seed", "weather"), [*((seed, calm) for seed in _SEEDS), (0, storm)], ids=[*map(str, _SEEDS), "storm"]
)
async def test_the_mesh_agrees_with_the_model(
    seed: int,
    weather: Callable[[], AbstractAsyncContextManager[None]],
    http: httpx.AsyncClient,
    gateway_url: str,
    platform: Platform,
) -> None:
    """In a storm everything takes longer; nothing is lost or doubled."""
    dice = random.Random(seed)
    people, photos = await settle(http, gateway_url, platform)
    actions = Actions(people, dice, photos)
    for number in range(_ROUNDS):
        steps = [actions.relate, actions.publish, actions.engage]
        if number:
            steps.insert(dice.randrange(3), actions.change_privacy)
        for step in steps:
            async with weather():
                await step()
            await eventually(people.differences, until=lambda lines: not lines, within=40)
