"""Use cases of deliveries: the log, tests, delivering again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events.versions import version_at
from photomesh_shared.kafka.source import Partition
from photomesh_webhook.deliveries.domain import Delivery, DeliveryState
from photomesh_webhook.endpoints.domain import Endpoint, State
from photomesh_webhook.endpoints.event_types import TEST_TYPE, topics_of
from photomesh_webhook.endpoints.service import Change, Owner, require_operator
from photomesh_webhook.errors import (
    DeliveryNotFound,
    EventGone,
    ReplayInFuture,
    WebhookDisabled,
)

__all__ = ["MAX_TESTS", "Check", "DeliveryService", "DeliveryStore", "Since", "TestEvent", "Topics"]

MAX_TESTS = 5
"""That wait to be sent to one endpoint."""

Check = Callable[[Endpoint], None]
"""Raises to refuse."""


@dataclass(frozen=True)
class TestEvent:
    """An event that an owner sends to try an endpoint."""

    __test__ = False  # not a test case of pytest

    event_id: str
    type: str
    subject: str
    entityversion: int
    time: datetime
    body: bytes


@dataclass(frozen=True)
class Since:
    """Where events from a time on begin. `gap`: the topics may have had more of them."""

    offsets: Mapping[Partition, int]
    gap: bool


class DeliveryStore(Protocol):
    """See `deliveries.store.PostgresDeliveries`. Every method raises DatabaseUnavailable, and WebhookNotFound if the
    account has no such endpoint."""

    async def page(
        self, account_id: int, endpoint_id: int, state: DeliveryState | None, before: int | None, limit: int
    ) -> Sequence[Delivery]: ...
    async def get(self, account_id: int, endpoint_id: int, delivery_id: int) -> Delivery | None: ...
    async def add_test(
        self, account_id: int, endpoint_id: int, event: TestEvent, check: Check, *, limit: int
    ) -> Delivery: ...
    async def send_again(
        self, account_id: int, endpoint_id: int, delivery_id: int, body: bytes | None, check: Check, now: datetime
    ) -> Delivery | None: ...
    async def replay(
        self, account_id: int, endpoint_id: int, change: Change, offsets: Mapping[Partition, int], now: datetime
    ) -> Endpoint: ...
    async def endpoint(self, account_id: int, endpoint_id: int) -> Endpoint: ...


class Topics(Protocol):
    """See `deliveries.topics.EventTopics`. Every method raises EventsUnavailable."""

    async def body_at(self, topic: str, partition: int, offset: int, event_id: str) -> bytes | None: ...
    async def offsets_since(self, topics: Collection[str], since: datetime) -> Since: ...


class DeliveryService:
    """Every method raises WebhookNotFound if the account has no such endpoint; those that send something raise
    RoleRequired as `require_operator`."""

    def __init__(self, store: DeliveryStore, topics: Topics, clock: Clock) -> None:
        self._store = store
        self._topics = topics
        self._clock = clock

    async def list_deliveries(
        self, owner: Owner, endpoint_id: int, *, state: DeliveryState | None, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """The log, the newest first."""
        return await self._store.page(owner.account_id, endpoint_id, state, before, limit)

    async def test(self, owner: Owner, endpoint_id: int) -> Delivery:
        """Send a test event, also to a disabled endpoint. Raises TooManyTests."""
        now = self._clock.now()
        subject = ids.encode("wh", endpoint_id)
        body = {"webhook_id": subject, "sent_at": now.isoformat().replace("+00:00", "Z")}
        event = TestEvent(
            event_id=str(uuid.uuid4()),
            type=TEST_TYPE,
            subject=subject,
            entityversion=version_at(now),
            time=now,
            body=json.dumps(body, separators=(",", ":")).encode(),
        )
        return await self._store.add_test(
            owner.account_id,
            endpoint_id,
            event,
            lambda endpoint: require_operator(endpoint.audience, owner),
            limit=MAX_TESTS,
        )

    async def redeliver(self, owner: Owner, endpoint_id: int, delivery_id: int) -> Delivery:
        """Send an event again, whatever became of it; one that waits is due at once. Raises DeliveryNotFound,
        WebhookDisabled, EventGone, and EventsUnavailable."""
        found = await self._store.get(owner.account_id, endpoint_id, delivery_id)
        if found is None:
            raise DeliveryNotFound
        body = None
        if found.state is not DeliveryState.PENDING:
            if found.topic is None or found.partition is None or found.record_offset is None:
                raise EventGone("It was a test. Send another one.")
            body = await self._topics.body_at(found.topic, found.partition, found.record_offset, found.event_id)
            if body is None:
                raise EventGone

        def check(endpoint: Endpoint) -> None:
            require_operator(endpoint.audience, owner)
            if endpoint.state is State.DISABLED:
                raise WebhookDisabled

        again = await self._store.send_again(owner.account_id, endpoint_id, delivery_id, body, check, self._clock.now())
        if again is None:
            raise DeliveryNotFound
        return again

    async def replay(self, owner: Owner, endpoint_id: int, since: datetime) -> Endpoint:
        """Deliver all events from a time on again. Raises ReplayInFuture, WebhookDisabled and EventsUnavailable."""
        now = self._clock.now()
        if since > now:
            raise ReplayInFuture

        def check(endpoint: Endpoint) -> None:
            require_operator(endpoint.audience, owner)
            if endpoint.state is State.DISABLED:
                raise WebhookDisabled

        endpoint = await self._store.endpoint(owner.account_id, endpoint_id)
        check(endpoint)  # before topics are searched for nothing
        found = await self._topics.offsets_since(topics_of(endpoint.types, endpoint.audience), since)

        def change(endpoint: Endpoint) -> Endpoint:
            check(endpoint)
            return endpoint.replayed(now, gap=found.gap)

        return await self._store.replay(owner.account_id, endpoint_id, change, found.offsets, now)
