"""Brings post's tables and its topics `posts`, `engagement` and `saves` to the same state::

    python -m photomesh_post.republish            # whatever is newer wins
    python -m photomesh_post.republish --check    # only says what differs; exits with 1 if anything does

After a restore of Cassandra, the tables get what happened since the backup, for every event is written to its topic
first. After a loss in Kafka, the topics get the current state of what they lack, each record in its owner's partition
and with the version that it had, so that consumers which have seen it skip it. What has ended gets a tombstone if the
topic still has it. It may run beside the service, and may be repeated: it does what is left. Counts are compared by
`photomesh_post.reconcile`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from functools import partial
from typing import cast

from photomesh_post.comments.projection import CommentEvent
from photomesh_post.engagement_wiring import EngagementDeps, open_engagement_deps
from photomesh_post.likes.domain import LikeEvent
from photomesh_post.posts.event_log import PostEventLog
from photomesh_post.posts.projection import PostEvent
from photomesh_post.posts.store import CassandraPosts
from photomesh_post.republishing.reconciliation import Apply, Outcome, Reconciliation
from photomesh_post.republishing.store import StoredThings
from photomesh_post.saves.event_log import SaveEvent
from photomesh_post.settings import EngagementSettings
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.stores.cassandra import CassandraSession, open_session

__all__ = ["applier", "main", "republish"]

_TOPICS = ("posts", "engagement", "saves")
_RATE = 500.0


async def republish(
    settings: EngagementSettings, clock: Clock, *, rate: float = _RATE, repair: bool = True
) -> Mapping[str, Outcome]:
    """Raises Unavailable."""
    async with open_session(settings) as session, open_engagement_deps(settings, Readiness(), clock) as deps:
        store, apply = StoredThings(session, clock), applier(session, deps, clock)
        work = Reconciliation(store, deps.publisher, apply, clock, rate=rate, repair=repair)
        outcomes = {topic: await work.run(topic, partial(read_topic, settings)) for topic in _TOPICS}
        await deps.counts.flush()
        return outcomes


def applier(session: CassandraSession, deps: EngagementDeps, clock: Clock) -> Apply:
    """Applies events to the tables as the consumers do. Only those erase the photos of deleted posts."""
    posts = PostEventLog(CassandraPosts(session, clock), deps.publisher)

    async def apply(envelope: Envelope[Event]) -> None:
        match envelope.data:
            case event if isinstance(event, PostEvent):
                await posts.apply(cast("Envelope[PostEvent]", envelope))
            case event if isinstance(event, LikeEvent):
                await deps.likes.likes_changed([cast("Envelope[LikeEvent]", envelope)])
            case event if isinstance(event, CommentEvent):
                await deps.comments.comments_changed([cast("Envelope[CommentEvent]", envelope)])
            case event if isinstance(event, SaveEvent):
                await deps.saves.apply(cast("Envelope[SaveEvent]", envelope))

    return apply


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="photomesh_post.republish", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--rate", type=float, default=_RATE, help="records a second, at most (default: %(default)g)")
    chosen = parser.parse_args(arguments)
    try:
        outcomes = asyncio.run(
            republish(EngagementSettings(), SystemClock(), rate=chosen.rate, repair=not chosen.check)
        )
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 2
    verb = "lacks" if chosen.check else "got"
    for topic, outcome in outcomes.items():
        print(
            f"{topic}: of {outcome.things} things, the topic {verb} {outcome.published}, the tables {verb} "
            f"{outcome.applied}"
        )
        if outcome.examples:
            print("  the first: " + " ".join(outcome.examples))
    differ = any(outcome.published or outcome.applied for outcome in outcomes.values())
    return 1 if chosen.check and differ else 0


if __name__ == "__main__":
    sys.exit(main())
