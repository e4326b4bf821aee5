"""Make the indices again from the topics, beside those in use, and swap them::

    python -m photomesh_search.rebuild

Searches and the consumer go on meanwhile. In order: new indices from all records of the topics; from then on the
consumer writes into them; once more what came since the beginning; searches read them; the old ones are deleted.
May be repeated after it was interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta

from photomesh_search.indexing.clients import PostClient
from photomesh_search.indexing.domain import PostDocument
from photomesh_search.indexing.event_handlers import (
    AccountEraser,
    AccountEventHandlers,
    FollowEventHandlers,
    PostEventHandlers,
    PostSource,
)
from photomesh_search.indexing.store import IndexWriter
from photomesh_search.indices.store import Indices, open_client
from photomesh_search.settings import ConsumerSettings
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import (
    AccountDeleted,
    AccountErasureRequested,
    AccountRegistered,
    AccountUpdated,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    PostDeleted,
    PostEdited,
    PostPublished,
    decode_or_skip,
)
from photomesh_shared.kafka.handling import BatchHandler
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.service_client import ServiceClient, open_session

__all__ = ["main", "rebuild"]

_BATCH = 1_000
_OVERLAP = timedelta(minutes=10)
"""Between clocks, and between a record's time and its arrival in the topic."""


class _NoPosts:
    """Implements `event_handlers.PostSource` for indices that get all posts from the topic afterwards."""

    async def posts_of(self, author_ids: Collection[int]) -> AsyncIterator[list[PostDocument]]:
        none: list[list[PostDocument]] = []
        for page in none:
            yield page


class _Replay:
    """Handles the records of topics in batches."""

    def __init__(self, settings: ConsumerSettings, index: IndexWriter, posts: PostSource, clock: Clock) -> None:
        self._settings = settings
        accounts = AccountEventHandlers(index, posts)
        eraser = AccountEraser(index, accounts, clock)

        async def erase(envelopes: Sequence[Envelope[AccountErasureRequested]]) -> None:
            for envelope in envelopes:
                await eraser.erase(envelope)

        # Accounts come first: then posts are written once, as they are shown.
        self._topics: tuple[tuple[str, tuple[type[Event], ...], BatchHandler], ...] = (
            ("accounts", (AccountRegistered, AccountUpdated, AccountDeleted), accounts.accounts_changed),
            ("erasures", (AccountErasureRequested,), erase),
            ("posts", (PostPublished, PostEdited, PostDeleted), PostEventHandlers(index).posts_changed),
            ("follows", (FollowCreated, FollowDeleted), FollowEventHandlers(index).followers_changed),
        )

    async def run(self, since: datetime | None = None) -> int:
        """Return how many events were handled. Raises Unavailable."""
        handled = 0
        for topic, kinds, handle in self._topics:
            batch: list[Envelope[Event]] = []
            async for received in read_topic(self._settings, topic, since=since):
                envelope = decode_or_skip(received.record)
                if envelope is not None and isinstance(envelope.data, kinds):
                    batch.append(envelope)
                if len(batch) == _BATCH:
                    await handle(batch)
                    handled, batch = handled + len(batch), []
            if batch:
                await handle(batch)
                handled += len(batch)
        return handled


async def rebuild(settings: ConsumerSettings, *, prefix: str = "", clock: Clock | None = None) -> int:
    """Return the number of events that the new indices were made of. Raises Unavailable."""
    clock = clock or SystemClock()
    async with open_client(settings.opensearch_url) as client, open_session() as session:
        indices = Indices(client, replicas=settings.opensearch_replicas, prefix=prefix)
        await indices.ensure()
        await indices.delete_unused()  # of a rebuild that was interrupted
        post = PostClient(ServiceClient(session, "post", settings.post_url, caller=settings, clock=clock))
        began = clock.now()
        made = await indices.begin_generation()
        index = IndexWriter(client, made)
        handled = await _Replay(settings, index, _NoPosts(), clock).run()
        await indices.point("write", made)
        handled += await _Replay(settings, index, post, clock).run(since=began - _OVERLAP)
        await indices.point("read", made)
        await indices.delete_unused()
    return handled


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="photomesh_search.rebuild", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    try:
        print(f"{asyncio.run(rebuild(ConsumerSettings()))} events")
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
