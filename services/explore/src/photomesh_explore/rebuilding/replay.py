"""Replays the topics into an empty Redis.

Consumers go on meanwhile: what they apply and what is replayed may come in any order, see `store.keys`. Until all of it
is known, reads fail: feedback that is not known yet would be ignored.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Protocol

from photomesh_explore.metrics import INDEX_READY
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event
from photomesh_shared.kafka.handling import Handler

__all__ = ["ReadTopic", "Rebuilder"]

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_KEEP_RECORDS = 1_000

ReadTopic = Callable[[str], AsyncIterator[Envelope[Any]]]
"""Yields the events that a topic has now. Raises Unavailable."""


class Index(Protocol):
    """See `store.index.ExploreIndex`."""

    async def is_ready(self) -> bool: ...
    async def begin_building(self, token: str) -> bool: ...
    async def keep_building(self) -> None: ...
    async def finish_building(self, token: str) -> bool: ...


class Rebuilder:
    def __init__(
        self,
        index: Index,
        read_topic: ReadTopic,
        handlers: Sequence[Mapping[type[Event], Handler]],
        clock: Clock,
    ) -> None:
        """`handlers`: their topics are read in this order, so that what was erased is known before all else."""
        self._index = index
        self._read_topic = read_topic
        self._handlers = handlers
        self._clock = clock

    async def run(self) -> None:
        """Looks for ever whether Redis has lost everything, and then builds it again."""
        while True:
            try:
                ready = await self._index.is_ready()
                INDEX_READY.set(ready)
                if not ready:
                    INDEX_READY.set(await self.build())
            except Unavailable as error:
                INDEX_READY.set(0)
                log.warning("explore is not built", extra={"reason": repr(error)})
            await self._clock.sleep(_LOOK_SECONDS)

    async def build(self) -> bool:
        """Returns False if another process builds, or if Redis lost everything once more. Raises Unavailable."""
        token = secrets.token_hex(8)
        if not await self._index.begin_building(token):
            return False
        count = 0
        for handlers in self._handlers:
            for topic in sorted({kind.topic for kind in handlers}):
                async for envelope in self._read_topic(topic):
                    if handle := handlers.get(type(envelope.data)):
                        await handle(envelope)
                        count += 1
                        if count % _KEEP_RECORDS == 0:
                            await self._index.keep_building()
        built = await self._index.finish_building(token)
        log.info("replayed the topics of explore", extra={"records": count, "built": built})
        return built
