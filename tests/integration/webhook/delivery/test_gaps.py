"""What a topic has dropped before a webhook got it: the webhook gets the rest, and says that there is a gap."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from photomesh_shared.events import Envelope, Event, PhotoFailed
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.kafka.source import Received
from tests.integration.webhook.conftest import Developer, Identity, number
from tests.integration.webhook.delivery.conftest import Environment, Platform
from tests.support.https_receiver import Authority
from tests.support.services import process
from tests.support.tokens import free_port
from tests.support.waiting import eventually
from tests.support.webhook.receiver import Hook, WebhookReceiver

SENDER = "photomesh_webhook.sender"
TOPIC = "photo_failed"  # few tests write to it, and none reads what others wrote


@pytest.fixture(scope="module")
def environment(
    service_environment: Environment, dsn: str, identity: Identity, receiver: WebhookReceiver
) -> Mapping[str, str]:
    """Of the API, which takes the receiver's address."""
    return {
        **service_environment("webhook"),
        "PHOTOMESH_POSTGRES_DSN": dsn,
        "PHOTOMESH_IDENTITY_URL": identity.url,
        "PHOTOMESH_OUTBOUND_TEST_RECEIVERS": f'["{receiver.address}"]',
    }


@pytest.fixture(autouse=True)
def _trusting(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))


@pytest.fixture
def hook(receiver: WebhookReceiver) -> Hook:
    return receiver.hook()


@pytest.fixture
async def webhook_id(ada: Developer, hook: Hook) -> str:
    made = await ada.created(url=hook.url, types=["photomesh.photo.failed.v1"])
    hook.secrets = [base64.b64decode(made["secret"].removeprefix("whsec_"))]
    return str(made["id"])


async def failed(platform: Platform, owner: Developer, count: int) -> list[Envelope[Event]]:
    """Photos that fail, of one owner: their events are in one partition, in order."""
    example = PhotoFailed.example()
    return [
        await platform.happens(example.model_copy(update={"owner_id": owner.id, "photo_id": platform.new_id()}))
        for _ in range(count)
    ]


async def missed(platform: Platform, webhook_id: str) -> None:
    """Until the sender has noted that the webhook, which is behind, has not got something."""

    async def cursors() -> int:
        found: int = await platform.pool.fetchval(
            "SELECT count(*) FROM cursors WHERE endpoint_id = $1", number(webhook_id)
        )
        return found

    await eventually(cursors, within=60)


async def caught_up(owner: Developer, webhook_id: str) -> bool:
    """Waits until the webhook has; whether it has a gap."""
    found = await eventually(lambda: owner.get(webhook_id), until=lambda one: not one["behind"], within=60)
    return bool(found["gap"])


async def drop_before(platform: Platform, kept: Envelope[Event]) -> None:
    """Deletes what its partition has before an event, as the end of the retention does."""
    found: Sequence[Received] = [
        received async for received in read_topic(platform.kafka, TOPIC) if received.record.header("ce_id") == kept.id
    ]
    tp = TopicPartition(*found[0].partition)
    admin = AIOKafkaAdminClient(**connection_options(platform.kafka))
    await admin.start()
    try:
        await admin.delete_records({tp: RecordsToDelete(before_offset=found[0].offset)})
    finally:
        await admin.close()

    async def first() -> str | None:
        async for received in read_topic(platform.kafka, TOPIC, numbers=[tp.partition]):
            return received.record.header("ce_id")
        return None

    await eventually(first, until=lambda event_id: event_id == kept.id)


async def test_enabled_again_after_the_topic_has_dropped_some(
    platform: Platform, ada: Developer, webhook_id: str, hook: Hook, sender_environment: Mapping[str, str]
) -> None:
    assert (await ada.call("PATCH", f"/{webhook_id}", json={"enabled": False})).status_code == 200
    async with process(SENDER, sender_environment, port=free_port()):
        *gone, kept = await failed(platform, ada, 4)
        await missed(platform, webhook_id)
    await drop_before(platform, kept)
    assert (await ada.call("PATCH", f"/{webhook_id}", json={"enabled": True})).json()["gap"] is False

    async with process(SENDER, sender_environment, port=free_port()):
        await hook.wait_for(1)
        assert await caught_up(ada, webhook_id) is True
        [later] = await failed(platform, ada, 1)
        await hook.wait_for(2)

    assert hook.ids == [kept.id, later.id]
    assert not {one.id for one in gone} & set(hook.ids)


async def test_replayed_from_before_what_the_topic_still_has(
    platform: Platform, ada: Developer, webhook_id: str, hook: Hook, sender_environment: Mapping[str, str]
) -> None:
    began = datetime.now(UTC)
    async with process(SENDER, sender_environment, port=free_port()):
        sent = await failed(platform, ada, 3)
        await hook.wait_for(3)
        await platform.settled(number(webhook_id), ["delivered"] * 3)
    between = sent[1].time

    # Nothing is gone that the replay asks for.
    replayed = await replay(ada, webhook_id, between)
    assert (replayed["behind"], replayed["gap"]) == (True, False)
    # Until it is, before the webhook has got it.
    await drop_before(platform, sent[2])
    async with process(SENDER, sender_environment, port=free_port()):
        assert await caught_up(ada, webhook_id) is True
        # What is gone when the replay begins is said at once.
        assert (await replay(ada, webhook_id, datetime.now(UTC)))["gap"] is False
        assert await caught_up(ada, webhook_id) is False
        assert (await replay(ada, webhook_id, began))["gap"] is True
        assert await caught_up(ada, webhook_id) is True

    await platform.settled(number(webhook_id), ["delivered"] * 5)
    # Order holds for each photo, not across them: the first three may overtake each other.
    assert sorted(hook.ids[:3]) == sorted(one.id for one in sent)
    assert hook.ids[3:] == [sent[2].id, sent[2].id]


async def replay(owner: Developer, webhook_id: str, since: datetime) -> Mapping[str, object]:
    response = await owner.call("POST", f"/{webhook_id}/replay", json={"since": since.isoformat()})
    assert response.status_code == 202, response.text
    found: Mapping[str, object] = response.json()
    return found
