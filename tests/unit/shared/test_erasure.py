"""A consumer group erases first and acknowledges then, and skips what an erased account did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from photomesh_shared.consumer.erasure import Erased, ErasureHandler, accounts_of, kept_in_topic, without_erased
from photomesh_shared.events import (
    TOPICS,
    AccountErasureRequested,
    Envelope,
    ErasureAcknowledged,
    Event,
    FollowCreated,
    Kept,
    PostLiked,
    Record,
    event_types,
)
from tests.support.clock import FakeClock

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
REQUEST = Envelope.of(AccountErasureRequested.example(), entityversion=9)


class Log:
    def __init__(self) -> None:
        self.events: list[Envelope[Any]] = []

    async def publish(self, envelope: Envelope[Event]) -> None:
        self.events.append(envelope)

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        self.events += envelopes

    async def send(self, records: Sequence[Record]) -> None:
        raise NotImplementedError


async def test_a_group_acknowledges_what_it_erased_and_what_it_keeps() -> None:
    log, kept = Log(), Kept(what="backups", why="they are encrypted as a whole", until=NOW + timedelta(days=30))

    async def erase(request: Envelope[AccountErasureRequested]) -> Erased:
        assert not log.events
        return Erased({"posts": 3}, [kept])

    await ErasureHandler("post", erase, log, FakeClock(NOW)).erasure_requested(REQUEST)
    [answer] = log.events
    assert answer.data == ErasureAcknowledged(
        request_id=REQUEST.data.request_id,
        user_id=REQUEST.data.user_id,
        group="post",
        counts={"posts": 3},
        done_at=NOW,
        keeps=(kept,),
    )
    assert answer.source == "/photomesh/post"


async def test_nothing_is_acknowledged_when_erasing_failed() -> None:
    log = Log()

    async def erase(request: Envelope[AccountErasureRequested]) -> Erased:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await ErasureHandler("post", erase, log, FakeClock(NOW)).erasure_requested(REQUEST)
    assert not log.events


async def test_events_of_erased_accounts_are_skipped_whatever_their_part() -> None:
    handled: list[Envelope[Any]] = []
    like, follow = PostLiked.example(), FollowCreated.example()

    async def handle(envelope: Envelope[Any]) -> None:
        handled.append(envelope)

    for event in (like, follow):
        for account_id in accounts_of(event):

            async def is_erased(asked: int, erased: int = account_id) -> bool:
                return asked == erased

            wrapped = without_erased({type(event): handle}, is_erased)
            await wrapped[type(event)](Envelope.of(event, entityversion=1))
    assert not handled

    async def nobody(asked: int) -> bool:
        return False

    await without_erased({PostLiked: handle}, nobody)[PostLiked](Envelope.of(like, entityversion=1))
    assert len(handled) == 1


@pytest.mark.parametrize("kind", [kind for kind in event_types().values() if kind.topic != "engagement_counts"])
def test_every_event_says_which_account_acts(kind: type[Event]) -> None:
    assert accounts_of(kind.example())


@pytest.mark.parametrize("topic", TOPICS)
def test_what_a_topic_keeps_has_an_end(topic: str) -> None:
    kept = kept_in_topic(topic, "records", NOW)
    assert kept.until is not None
    assert kept.until > NOW
