"""A group of post that is killed while it erases an account goes on. The groups are processes of their own here: with
the fixtures' consumers beside them, it would be chance who gets the request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.account_erasures import answers, assert_erased, live, pending_accounts, request
from tests.integration.post.conftest import Environment, NewUser
from tests.support.groups import forget_members
from tests.support.kafka import Topics
from tests.support.services import Process, process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

CONSUMER, ENGAGEMENT = "photomesh_post.consumer", "photomesh_post.engagement"
PROGRAMS = {CONSUMER: ("post-consumer", "post"), ENGAGEMENT: ("post-engagement", "post-engagement")}


@asynccontextmanager
async def _running(environment: Environment, module: str, failpoints: str = "") -> AsyncIterator[Process]:
    program, _ = PROGRAMS[module]
    async with process(module, environment(program), port=free_port(), failpoints=failpoints) as running:
        yield running


@pytest.mark.parametrize(
    ("module", "failpoint"),
    [
        (CONSUMER, "account.erasure.after_mark=kill"),
        (CONSUMER, "account.erasure.after_stage=kill"),
        (ENGAGEMENT, "account.erasure.after_likes=kill"),
        (ENGAGEMENT, "account.erasure.after_stage=kill@2"),
    ],
)
async def test_a_group_that_dies_in_the_middle_goes_on(
    new_user: NewUser,
    environment: Environment,
    topics: Topics,
    database: CassandraSession,
    module: str,
    failpoint: str,
) -> None:
    async with _running(environment, CONSUMER), _running(environment, ENGAGEMENT):
        ada, mallory = await new_user(), await new_user()
        other, objects = await live(ada, mallory)
        await topics.caught_up("post")
        await topics.caught_up("post-engagement")
        # An earlier test's, answered and not yet removed, would kill the victim before it is ready.
        await eventually(lambda: pending_accounts(database), until=lambda rows: not rows, within=30)
    async with _running(environment, module, failpoint) as victim:
        request_id = await request(mallory)
        assert await victim.ended(60) == -9
    await forget_members(topics.kafka, PROGRAMS[module][1])
    async with _running(environment, CONSUMER), _running(environment, ENGAGEMENT):
        await eventually(lambda: answers(topics, request_id), until=lambda all_: len(all_) == 2, within=90)
        await topics.caught_up("post-engagement")
        await assert_erased(ada, mallory, other, objects, topics, database)
