"""The consumer of explore: what it applies, and how it builds Redis again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from photomesh_explore.consumer import create_app
from photomesh_explore.settings import ConsumerSettings
from photomesh_shared.events import AccountErasureRequested, Envelope, encode
from photomesh_shared.ids import encode as id_text
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from tests.integration.explore.people import People
from tests.support.kafka import Topics
from tests.support.services import client_of, process, settings_from
from tests.support.tokens import free_port
from tests.support.waiting import eventually

# Other tests leave topics full of what the consumer reads first.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
async def consumer(api: object, consumer_environment: Mapping[str, str]) -> AsyncIterator[None]:
    settings = settings_from(ConsumerSettings, consumer_environment, score_seconds="0.2")
    async with client_of(create_app(settings)):
        yield


@pytest.fixture
async def publisher(topics: Topics) -> AsyncIterator[KafkaPublisher]:
    async with open_publisher(topics.kafka, "tests") as opened:
        yield opened


async def publish(publisher: KafkaPublisher, *envelopes: Envelope[Any]) -> None:
    await publisher.send([encode(envelope) for envelope in envelopes])


async def sees(people: People, viewer: int, post_id: int) -> None:
    async def looks() -> list[int]:
        return await people.everything(viewer)

    await eventually(looks, until=lambda found: post_id in found, within=240, every=0.3)


@pytest.mark.usefixtures("consumer")
async def test_events_arrive_and_redis_is_built_again_with_feedback(
    people: People, publisher: KafkaPublisher, administrator: Redis
) -> None:
    viewer, author, bore = (people.old_account() for _ in range(3))
    first, hidden = people.published(author, "sunset"), people.published(bore, "traffic")
    await publish(publisher, people.account(author), people.account(bore), first, hidden)
    await sees(people, viewer, first.data.post_id)

    async def shown() -> int:
        found = await people.everything(viewer)
        response = await people.call(viewer, "GET", f"/v1/explore/why/{people.post_name(hidden)}")
        return 200 if hidden.data.post_id in found else response.status_code

    await eventually(shown, until=lambda status: status == 200, within=240, every=0.3)
    body = {"post_id": people.post_name(hidden), "kind": "hide_author"}
    given = await people.ok(viewer, "POST", "/v1/explore/feedback", json=body)
    await administrator.flushdb()

    async def listed() -> Any:
        return (await people.ok(viewer, "GET", "/v1/explore/feedback"))["items"]

    # Until all is known again, there is no answer that lacks it.
    assert await eventually(listed, within=240) == [given]
    assert [one["id"] for one in await listed()] == [given["id"]]
    found = await people.everything(viewer)
    assert first.data.post_id in found, "what was shown to whom is lost"
    assert hidden.data.post_id not in found


@pytest.mark.usefixtures("consumer")
async def test_an_erased_account_is_acknowledged_and_nothing_late_brings_it_back(
    people: People, publisher: KafkaPublisher, topics: Topics, administrator: Redis
) -> None:
    erased, author = people.old_account(), people.old_account()
    own, other = people.published(erased), people.published(author)
    await publish(publisher, people.account(erased), people.account(author), own, other)
    await sees(people, erased, other.data.post_id)
    body = {"post_id": people.post_name(other), "kind": "less"}
    given = await people.ok(erased, "POST", "/v1/explore/feedback", json=body)
    request = AccountErasureRequested.example().model_copy(update={"user_id": erased, "request_id": people.new_id()})
    await publish(publisher, people.envelope(request))
    await topics.wait_for("erasure_acknowledgements", f"{id_text('er', request.request_id)}.explore", within=240)
    subject = f"{id_text('u', erased)}.explore.{given['id']}"
    events = await topics.events("explore_feedback", subject)
    assert [event.data.type_.split(".")[-2] for event in events] == ["given", "removed"]
    late, marker = people.published(erased), people.published(author)
    await publish(publisher, people.liked(erased, other), late, marker)
    await sees(people, people.old_account(), marker.data.post_id)
    keys = [key.decode() async for key in administrator.scan_iter("ex:*") if str(erased) in key.decode()]
    assert keys == []
    assert await administrator.exists(f"ex:o:{late.data.post_id}") == 0


@pytest.mark.usefixtures("consumer")
async def test_feedback_in_the_log_counts_although_its_process_was_killed(
    people: People, publisher: KafkaPublisher, environment: Mapping[str, str], post_url: str
) -> None:
    viewer, author = people.old_account(), people.old_account()
    post = people.published(author)
    await publish(publisher, people.account(author), post)
    await sees(people, viewer, post.data.post_id)
    variables = {**environment, "PHOTOMESH_POST_URL": post_url}
    body = {"post_id": people.post_name(post), "kind": "hide_author"}
    step = "explore.after_produce=kill"
    async with process("photomesh_explore", variables, port=free_port(), failpoints=step) as victim:
        async with httpx.AsyncClient(base_url=victim.url, timeout=30) as client:
            with pytest.raises(httpx.TransportError):
                await client.post("/v1/explore/feedback", json=body, headers=people.issuer.headers(viewer))
        assert await victim.ended(60) == -9

    async def kinds() -> list[str]:
        return [one["kind"] for one in (await people.ok(viewer, "GET", "/v1/explore/feedback"))["items"]]

    await eventually(kinds, until=lambda found: found == ["hide_author"], within=240)
