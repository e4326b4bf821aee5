"""The log of deliveries, tests, delivering again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.kafka.source import Partition, Received
from photomesh_shared.settings import KafkaSettings
from photomesh_webhook.deliveries.domain import DeliveryState
from photomesh_webhook.deliveries.service import DeliveryService, Since
from photomesh_webhook.deliveries.store import PostgresDeliveries
from photomesh_webhook.deliveries.topics import EventTopics
from photomesh_webhook.endpoints.service import Owner
from photomesh_webhook.errors import EventGone, WebhookDisabled
from tests.integration.webhook.conftest import Developer, number
from tests.support.clock import FakeClock
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

BODY = b'{"post_id":"o_1"}'


class Topics:
    """A stand-in of the topics."""

    def __init__(
        self, bodies: Mapping[int, bytes] | None = None, offsets: Mapping[Partition, int] | None = None
    ) -> None:
        self.bodies = bodies or {}
        self.offsets = dict(offsets or {})
        self.gap = False
        self.asked: list[set[str]] = []

    async def body_at(self, topic: str, partition: int, offset: int, event_id: str) -> bytes | None:
        return self.bodies.get(offset)

    async def offsets_since(self, topics: Any, since: datetime) -> Since:
        self.asked.append(set(topics))
        return Since(self.offsets, gap=self.gap)


async def store_delivery(database: Connection, webhook_id: str, **changes: Any) -> str:
    columns = {
        "endpoint_id": number(webhook_id),
        "round": 0,
        "event_id": uuid.uuid4().hex,
        "type": "photomesh.post.created.v1",
        "subject": "o_1",
        "source": "/photomesh/post",
        "event_time": datetime.now(UTC),
        "entityversion": 1,
        "topic": "posts",
        "partition": 3,
        "record_offset": 41,
        "about": [7],
        "state": "delivered",
        "created_at": datetime.now(UTC),
        **changes,
    }
    names, places = ", ".join(columns), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    id_ = await database.fetchval(f"INSERT INTO deliveries ({names}) VALUES ({places}) RETURNING id", *columns.values())
    return ids.encode("whd", id_)


async def test_a_test_waits_in_the_log_to_be_sent(ada: Developer, database: Connection) -> None:
    made = await ada.created()
    await ada.call("PATCH", f"/{made['id']}", json={"enabled": False})
    response = await ada.call("POST", f"/{made['id']}/test")
    sent = response.json()
    assert response.status_code == 202
    assert (sent["type"], sent["subject"], sent["state"]) == ("photomesh.webhook.test.v1", made["id"], "pending")
    listed = (await ada.call("GET", f"/{made['id']}/deliveries")).json()
    assert listed == {"items": [sent], "next_cursor": None}
    row = await database.fetchrow("SELECT topic, body FROM deliveries WHERE event_id = $1", sent["event_id"])
    assert row is not None
    assert row["topic"] is None
    assert json.loads(row["body"])["webhook_id"] == made["id"]
    assert (await ada.get(made["id"]))["pending"] == 1


async def test_few_tests_wait_at_a_time(ada: Developer) -> None:
    made = await ada.created()
    answers = [await ada.call("POST", f"/{made['id']}/test") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [409]
    assert answers[-1].json()["code"] == "too-many-tests"


async def test_the_log_is_read_page_by_page_and_by_state(ada: Developer, database: Connection) -> None:
    made = await ada.created()
    made_ids = [
        await store_delivery(database, made["id"], state="failed" if place % 2 else "delivered") for place in range(5)
    ]
    found: list[str] = []
    cursor = None
    while True:
        page = (
            await ada.call(
                "GET", f"/{made['id']}/deliveries", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
            )
        ).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == made_ids[::-1]
    failed = (await ada.call("GET", f"/{made['id']}/deliveries", params={"state": "failed"})).json()
    assert [item["id"] for item in failed["items"]] == [made_ids[3], made_ids[1]]
    wrong = await ada.call("GET", f"/{made['id']}/deliveries", params={"state": "lost"})
    assert wrong.status_code == 422


async def test_the_log_of_another_webhook_is_not_reached_by_an_id(
    ada: Developer, grace: Developer, database: Connection
) -> None:
    mine, theirs = await ada.created(), await grace.created()
    delivery = await store_delivery(database, theirs["id"])
    response = await ada.call("POST", f"/{mine['id']}/deliveries/{delivery}/redeliver")
    assert (response.status_code, response.json()["code"]) == (404, "delivery-not-found")


async def test_an_event_is_sent_again_as_if_it_had_never_been_tried(
    ada: Developer, database: Connection, pool: Pool
) -> None:
    made = await ada.created()
    owner, endpoint_id = Owner(ada.id), number(made["id"])
    delivery = await store_delivery(
        database, made["id"], state="failed", attempts=11, finished_at=datetime.now(UTC), last_status=500
    )
    service = DeliveryService(PostgresDeliveries(pool), Topics({41: BODY}), FakeClock())
    again = await service.redeliver(owner, endpoint_id, ids.decode("whd", delivery))
    assert (again.state, again.attempts, again.finished_at) == (DeliveryState.PENDING, 0, None)
    body = await database.fetchval("SELECT body FROM deliveries WHERE id = $1", again.id)
    assert bytes(body) == BODY
    # One that waits is due at once, and needs no topic.
    waiting = DeliveryService(PostgresDeliveries(pool), Topics(), FakeClock())
    assert (await waiting.redeliver(owner, endpoint_id, again.id)).state is DeliveryState.PENDING


async def test_what_the_topic_has_no_more_is_gone(ada: Developer, database: Connection, pool: Pool) -> None:
    made = await ada.created()
    owner, endpoint_id = Owner(ada.id), number(made["id"])
    service = DeliveryService(PostgresDeliveries(pool), Topics(), FakeClock())
    for changes in ({}, {"topic": None, "partition": None, "record_offset": None}):
        delivery = await store_delivery(database, made["id"], **changes)
        with pytest.raises(EventGone):
            await service.redeliver(owner, endpoint_id, ids.decode("whd", delivery))


async def test_what_is_about_an_erased_account_is_not_sent_again(
    ada: Developer, grace: Developer, database: Connection, pool: Pool
) -> None:
    made = await ada.created()
    delivery = await store_delivery(database, made["id"], about=[ada.id, grace.id])
    await database.execute("INSERT INTO erased_accounts VALUES ($1, now())", grace.id)
    service = DeliveryService(PostgresDeliveries(pool), Topics({41: BODY}), FakeClock())
    with pytest.raises(EventGone):
        await service.redeliver(Owner(ada.id), number(made["id"]), ids.decode("whd", delivery))


async def test_a_disabled_webhook_gets_nothing_again(ada: Developer, database: Connection, pool: Pool) -> None:
    made = await ada.created()
    delivery = await store_delivery(database, made["id"])
    await ada.call("PATCH", f"/{made['id']}", json={"enabled": False})
    service = DeliveryService(PostgresDeliveries(pool), Topics({41: BODY}), FakeClock())
    with pytest.raises(WebhookDisabled):
        await service.redeliver(Owner(ada.id), number(made["id"]), ids.decode("whd", delivery))
    with pytest.raises(WebhookDisabled):
        await service.replay(Owner(ada.id), number(made["id"]), FakeClock().now())
    response = await ada.call("POST", f"/{made['id']}/replay", json={"since": "2026-11-21T10:00:00Z"})
    assert (response.status_code, response.json()["code"]) == (409, "webhook-disabled")


async def test_a_replay_sets_cursors_back_but_never_forward(ada: Developer, database: Connection, pool: Pool) -> None:
    made = await ada.created(types=["photomesh.post.created.v1", "photomesh.post.liked.v1"])
    endpoint_id = number(made["id"])
    await database.execute("INSERT INTO cursors VALUES ($1, 'posts', 0, 10), ($1, 'posts', 1, 10)", endpoint_id)
    await database.execute("INSERT INTO positions VALUES ('posts', 2, 5) ON CONFLICT DO NOTHING")
    offsets = {Partition("posts", place): at for place, at in enumerate((7, 12, 9, 3))}
    topics = Topics(offsets=offsets)
    service = DeliveryService(PostgresDeliveries(pool), topics, FakeClock())
    replayed = await service.replay(Owner(ada.id), endpoint_id, FakeClock().now() - timedelta(hours=1))
    assert (replayed.round, replayed.behind, replayed.gap) == (1, True, False)
    assert topics.asked == [{"posts", "engagement"}]
    rows = await database.fetch(
        "SELECT partition, next_offset FROM cursors WHERE endpoint_id = $1 ORDER BY partition", endpoint_id
    )
    # 12 would skip what the cursor at 10 has not got, and 9 what the group at 5 has not reached.
    assert [tuple(row) for row in rows] == [(0, 7), (1, 10), (2, 5), (3, 3)]


async def test_a_replay_says_that_topics_reach_less_far_back(ada: Developer, database: Connection, pool: Pool) -> None:
    made = await ada.created()
    await database.execute("UPDATE endpoints SET gap = true WHERE id = $1", number(made["id"]))
    topics = Topics(offsets={Partition("posts", 0): 7})
    service = DeliveryService(PostgresDeliveries(pool), topics, FakeClock())
    for gap in (False, True):
        topics.gap = gap
        await service.replay(Owner(ada.id), number(made["id"]), FakeClock().now())
        assert (await ada.get(made["id"]))["gap"] is gap


async def test_a_replay_from_the_future_is_refused(ada: Developer) -> None:
    made = await ada.created()
    response = await ada.call("POST", f"/{made['id']}/replay", json={"since": "2999-01-01T00:00:00Z"})
    assert (response.status_code, response.json()["code"]) == (422, "replay-in-future")


async def test_a_replay_asks_the_topics(ada: Developer, database: Connection) -> None:
    made = await ada.created(types=["photomesh.post.*", "photomesh.photo.*", "photomesh.notification.*"])
    response = await ada.call("POST", f"/{made['id']}/replay", json={"since": "0001-01-01T00:00:00+14:00"})
    assert response.status_code == 202, response.text
    assert response.json()["behind"]
    rows = await database.fetch("SELECT DISTINCT topic FROM cursors WHERE endpoint_id = $1", number(made["id"]))
    assert {row["topic"] for row in rows} == {
        "posts",
        "engagement",
        "photo_ready",
        "photo_rejected",
        "photo_failed",
        "notifications",
    }


async def test_an_event_is_read_again_at_its_offset(ada: Developer, kafka: KafkaSettings) -> None:
    made = await ada.created()

    async def published() -> Received | None:
        found = [
            received
            async for received in read_topic(kafka, "webhooks")
            if received.record.key == made["id"].encode() and received.record.value is not None
        ]
        return found[0] if found else None

    received = await eventually(published, within=60)
    assert received is not None
    topics, at = EventTopics(kafka, SystemClock()), received.partition
    event_id = str(received.record.header("ce_id"))
    assert await topics.body_at(at.topic, at.number, received.offset, event_id) == received.record.value
    for offset, of in ((received.offset, "another"), (received.offset + 1_000_000, event_id)):
        assert await topics.body_at(at.topic, at.number, offset, of) is None
    assert await topics.body_at(at.topic, 9_999, 0, event_id) is None
    before = await topics.offsets_since({"webhooks"}, received.written_at)
    assert before.offsets[at] <= received.offset
    after = await topics.offsets_since({"webhooks"}, datetime.now(UTC) + timedelta(days=1))
    assert after.offsets[at] > received.offset
    assert (before.gap, after.gap) == (False, False)
