"""Replays the topics into an empty index.

Consumers go on meanwhile: what they apply and what is replayed may come in any order, see `store.keys`. Until all of it
is known, reads fail rather than show too little, or count too little.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import without_erased
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event
from photomesh_shared.kafka.handling import Handler
from photomesh_story.metrics import INDEX_READY

__all__ = ["IsErased", "ReadTopic", "Rebuilder"]

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_KEEP_RECORDS = 1_000

_REMEMBERED = 100_000

ReadTopic = Callable[[str], AsyncIterator[Envelope[Any]]]
"""Yields the events that a topic has now. Raises Unavailable."""


class Index(Protocol):
    """See `store.index.StoryIndex`."""

    async def is_ready(self) -> bool: ...
    async def begin_building(self, token: str) -> bool: ...
    async def keep_building(self) -> None: ...
    async def finish_building(self, token: str) -> bool: ...


IsErased = Callable[[int], Awaitable[bool]]
"""Whether an account was erased. Raises Unavailable."""


class Rebuilder:
    """`handlers` are called for what is not about an erased account."""

    def __init__(
        self,
        index: Index,
        read_topic: ReadTopic,
        handlers: Mapping[type[Event], Handler],
        is_erased: IsErased,
        clock: Clock,
    ) -> None:
        self._index = index
        self._read_topic = read_topic
        self._handlers = handlers
        self._is_erased = is_erased
        self._topics = sorted({kind.topic for kind in handlers})
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
                log.warning("the index is not built", extra={"reason": repr(error)})
            await self._clock.sleep(_LOOK_SECONDS)

    async def build(self) -> bool:
        """Returns False if another process builds, or if Redis lost everything once more. Raises Unavailable."""
        token = secrets.token_hex(8)
        if not await self._index.begin_building(token):
            return False
        handlers = without_erased(self._handlers, _asking_once(self._is_erased))
        count = 0
        for topic in self._topics:
            async for envelope in self._read_topic(topic):
                if handle := handlers.get(type(envelope.data)):
                    await handle(envelope)
                    count += 1
                    if count % _KEEP_RECORDS == 0:
                        await self._index.keep_building()
        built = await self._index.finish_building(token)
        log.info("replayed the topics of stories", extra={"records": count, "built": built})
        return built


def _asking_once(is_erased: IsErased) -> IsErased:
    """Remembers accounts that are there: topics name the same ones again and again. None is erased meanwhile, as
    erasures wait for the index."""
    present: set[int] = set()

    async def ask(account_id: int) -> bool:
        if account_id in present:
            return False
        if await is_erased(account_id):
            return True
        if len(present) >= _REMEMBERED:
            present.clear()
        present.add(account_id)
        return False

    return ask
