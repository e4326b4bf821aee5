"""Random actions of a small society, against a model in memory: who sees what, in which order, with which counts.

Each step acts, waits until the mesh agrees with the model, and compares everything that anybody can see.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import httpx
import pytest

from demo.client import Platform
from photomesh_feed import rebuild as rebuild_feed
from photomesh_feed.settings import ConsumerSettings as FeedSettings
from photomesh_post import rebuild
from photomesh_post.settings import EngagementSettings
from photomesh_shared.events import TOPICS, event_types
from photomesh_shared.events.documents.asyncapi import event_id_pattern, example_record
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.settings import KafkaSettings
from photomesh_shared.verify_topics.reading import verify
from photomesh_social_graph.republish import __main__ as republish
from photomesh_social_graph.settings import ConsumerSettings as GraphSettings
from tests.support.kafka import kafka_user
from tests.support.services import settings_from
from tests.support.society import Actions, settle
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

_ROUNDS = 3
_SEEDS = [int(seed) for seed in os.environ.get("PHOTOMESH_SOCIETY_SEEDS", "1").split(",")]


@pytest.mark.parametrize("seed", _SEEDS)
async def test_the_mesh_agrees_with_the_model(
    seed: int,
    http: httpx.AsyncClient,
    gateway_url: str,
    platform: Platform,
    service_environment: Callable[[str], Mapping[str, str]],
) -> None:
    dice, began = random.Random(seed), datetime.now(UTC)
    people, photos = await settle(http, gateway_url, platform)
    actions = Actions(people, dice, photos)
    for number in range(_ROUNDS):
        steps = [actions.relate, actions.publish, actions.engage]
        if number:
            steps.insert(dice.randrange(3), actions.change_privacy)
        for step in steps:
            await step()
            await eventually(people.differences, until=lambda lines: not lines, within=40)
            actions.agreed()
    await topics_and_tables_agree(
        service_environment("post-consumer"), service_environment("social-graph-consumer"), began
    )
    await topics_and_feeds_agree(service_environment("feed-consumer"), began)


async def examples_are_what_is_written(kafka: KafkaSettings, began: datetime) -> None:
    """Ids and versions have the forms that documents show."""
    kinds = event_types()
    for topic in TOPICS:
        async for received in read_topic(kafka, topic, since=began):
            record = received.record
            if not record.is_tombstone:
                kind = kinds[record.header("ce_type") or ""]
                example = example_record(kind)
                assert re.fullmatch(event_id_pattern(kind), record.header("ce_id") or ""), (kind, record.headers)
                assert len(record.header("ce_entityversion") or "") == len(example.header("ce_entityversion") or "")


async def topics_and_tables_agree(
    variables: Mapping[str, str], graph_variables: Mapping[str, str], began: datetime
) -> None:
    """What the society wrote keeps the contract of events, post's tables can be made from it, and it has the relations
    that social-graph has."""
    settings = settings_from(EngagementSettings, variables)
    graph_settings = settings_from(GraphSettings, graph_variables)
    operator = kafka_user("operator")
    summaries = await verify(operator, list(TOPICS), since=began, processes=2)
    assert [summary for summary in summaries if not summary.is_sound] == []
    assert {summary.topic for summary in summaries if summary.records} >= {"accounts", "follows", "posts", "engagement"}
    await examples_are_what_is_written(operator, began)
    # The consumers may be a moment behind the log.
    compared, differences = await eventually(
        lambda: rebuild.check(settings, began), until=lambda found: not found[1], within=30, every=1
    )
    assert differences == []
    assert compared > 100
    relations, differences_of_graph = await eventually(
        lambda: republish.check(graph_settings, began), until=lambda found: not found[1], within=30, every=1
    )
    assert differences_of_graph == []
    assert relations > 5


async def topics_and_feeds_agree(variables: Mapping[str, str], began: datetime) -> None:
    """All that feed keeps of what the society did can be made from the topics."""
    settings = settings_from(FeedSettings, variables)
    keys, differences = await eventually(
        lambda: rebuild_feed.check(settings, began), until=lambda found: not found[1], within=30, every=1
    )
    assert differences == []
    assert keys > 20
    assert await rebuild_feed.check(settings, began, parts=2) == (keys, [])
