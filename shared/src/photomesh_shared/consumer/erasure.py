"""Erasure of an account by a consumer group: `docs/erasure.md` has the protocol.

    erasure = ErasureHandler("feed", eraser.erase, publisher, clock)
    Subscription(group="feed", handlers={AccountErasureRequested: erasure.erasure_requested, …}, …)

and the group's name in `consumers` of the topic `erasures`. `erase` may be interrupted anywhere and is called again,
for the same request or a repetition of it: it must be idempotent, and must not assume that what it deletes is still
there. The group acknowledges once `erase` has returned.

What else the group's store must see to: events of the account that arrive later, from another topic or a dead letter,
must not bring anything back. Where rows have the account's version, keep the version of the request; elsewhere wrap the
handlers by `without_erased`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from prometheus_client import Counter

from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    TOPICS,
    AccountErasureRequested,
    Envelope,
    ErasureAcknowledged,
    Event,
    Kept,
    decode_or_skip,
)
from photomesh_shared.events.catalogue import COMPACTION_LIMIT, DEAD_LETTER_RETENTION, TOMBSTONE_RETENTION
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.handling import Handler
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.settings import KafkaSettings

__all__ = [
    "AFTER_ERASURE",
    "Erase",
    "Erased",
    "ErasureHandler",
    "accounts_of",
    "kept_dead_letters",
    "kept_in_topic",
    "requested_erasures",
    "without_erased",
]

log = logging.getLogger(__name__)

AFTER_ERASURE = declare("erasure.after_erase", "everything is erased, the group has not acknowledged it")
ERASURES = Counter("photomesh_erasures_handled_total", "Erasures that a consumer group has acknowledged.", ["group"])

_ACTORS = ("user_id", "owner_id", "author_id", "account_id", "follower_id", "blocker_id", "muter_id", "viewer_id")
_OTHERS = (
    "followee_id",
    "blocked_id",
    "muted_id",
    "friend_id",
    "post_author_id",
    "comment_author_id",
    "recipient_id",
)


@dataclass(frozen=True)
class Erased:
    """What a group erased, and what it still has."""

    counts: Mapping[str, int] = field(default_factory=dict)
    keeps: Sequence[Kept] = ()


Erase = Callable[[Envelope[AccountErasureRequested]], Awaitable[Erased]]
"""Erases what a group has of an account. Idempotent; raises Unavailable if a server does not answer."""


class ErasureHandler:
    """Handler of `AccountErasureRequested` for one consumer group."""

    def __init__(self, group: str, erase: Erase, publisher: Publisher, clock: Clock) -> None:
        self._group = group
        self._erase = erase
        self._publisher = publisher
        self._clock = clock
        ERASURES.labels(group)

    async def erasure_requested(self, envelope: Envelope[AccountErasureRequested]) -> None:
        """Erase, then acknowledge."""
        erased = await self._erase(envelope)
        await failpoint(AFTER_ERASURE)
        now = self._clock.now()
        acknowledgement = ErasureAcknowledged(
            request_id=envelope.data.request_id,
            user_id=envelope.data.user_id,
            group=self._group,
            counts=dict(erased.counts),
            done_at=now,
            keeps=tuple(erased.keeps),
        )
        version = version_at(now)
        await self._publisher.publish(
            Envelope.of(acknowledgement, entityversion=version, id=f"{acknowledgement.subject()}.{version}", time=now)
        )
        ERASURES.labels(self._group).inc()
        log.info("erased an account", extra={"group": self._group, "counts": dict(erased.counts)})


def without_erased(
    handlers: Mapping[type[Event], Handler], is_erased: Callable[[int], Awaitable[bool]]
) -> dict[type[Event], Handler]:
    """Return handlers that skip events of erased accounts: what they did, and what others did to them. Events that end
    something are not skipped."""

    def skipping(handler: Handler) -> Handler:
        async def handle(envelope: Envelope[Any]) -> None:
            for account_id in accounts_of(envelope.data):
                if await is_erased(account_id):
                    return
            await handler(envelope)

        return handle

    return {kind: handler if kind.ends else skipping(handler) for kind, handler in handlers.items()}


def accounts_of(event: Event) -> list[int]:
    """Return the accounts that an event is about: first the one that acts. Those that a text mentions are not among
    them."""
    found = (getattr(event, name, None) for name in (*_ACTORS, *_OTHERS))
    return list(dict.fromkeys(account_id for account_id in found if account_id is not None))


def kept_in_topic(topic: str, what: str, since: datetime) -> Kept:
    """Return what a topic keeps of an account after `since`, when the last record about it was written there."""
    policy = TOPICS[topic]
    if policy.retention is None:
        why = "the topic is compacted: what a tombstone or a later record ends is removed with a delay"
        return Kept(what=f"{what} (topic {topic})", why=why, until=since + COMPACTION_LIMIT + TOMBSTONE_RETENTION)
    why = f"records are kept for {policy.retention.days} days, and cannot be removed one by one"
    until = since + policy.retention + timedelta(milliseconds=policy.segment_ms)
    return Kept(what=f"{what} (topic {topic})", why=why, until=until)


def kept_dead_letters(topics: Iterable[str], since: datetime) -> Kept:
    """Return what dead letters keep: records that a group could not handle."""
    return Kept(
        what=f"records that could not be handled, if any (dead letters of {', '.join(sorted(topics))})"[:200],
        why=f"dead letters are kept for {DEAD_LETTER_RETENTION.days} days, so that they can be handled once repaired",
        until=since + DEAD_LETTER_RETENTION + timedelta(days=2),
    )


async def requested_erasures(settings: KafkaSettings) -> AsyncIterator[Envelope[AccountErasureRequested]]:
    """Yield the erasures of the last 90 days: after a restore from a backup, they must be done again. Raises
    Unavailable."""
    async for received in read_topic(settings, AccountErasureRequested.topic):
        envelope = decode_or_skip(received.record)
        if envelope is not None and isinstance(envelope.data, AccountErasureRequested):
            yield cast("Envelope[AccountErasureRequested]", envelope)
