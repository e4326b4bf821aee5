"""Replays topics into an index that has lost everything, as a Redis may.

Consumers go on meanwhile: what they apply and what is replayed may come in any order, so the index has to keep the
latest version of each thing. Until all of it is known, reads should fail rather than show too little.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from prometheus_client import Gauge

from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import without_erased
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, decode_or_skip
from photomesh_shared.kafka.handling import Handler
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.settings import KafkaSettings

__all__ = ["Index", "IndexRebuilder", "IsErased", "ReadTopic", "events_of"]

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_KEEP_RECORDS = 1_000
_REMEMBERED = 100_000

ReadTopic = Callable[[str], AsyncIterator[Envelope[Any]]]
"""Yields the events that a topic has now. Raises Unavailable."""
IsErased = Callable[[int], Awaitable[bool]]
"""Whether an account was erased. Raises Unavailable."""


class Index(Protocol):
    """Every method raises Unavailable."""

    async def is_ready(self) -> bool:
        """Whether it knows everything."""
        ...

    async def begin_building(self, token: str) -> bool:
        """Returns False if another process builds."""
        ...

    async def keep_building(self) -> None:
        """Tells other processes that this one still builds."""
        ...

    async def finish_building(self, token: str) -> bool:
        """Makes it ready; returns False if it lost everything since this building began."""
        ...


class IndexRebuilder:
    def __init__(
        self,
        index: Index,
        read: ReadTopic,
        handlers: Sequence[Mapping[type[Event], Handler]],
        clock: Clock,
        *,
        ready: Gauge,
        is_erased: IsErased | None = None,
    ) -> None:
        """`handlers`: the topics of the first are read before those of the second. They are called for what is not
        about an erased account, if `is_erased` says which are. `ready`: 1 while the index is."""
        self._index = index
        self._read = read
        self._handlers = handlers
        self._clock = clock
        self._ready = ready
        self._is_erased = is_erased

    async def run(self) -> None:
        """Looks for ever whether the index has lost everything, and then builds it again."""
        while True:
            try:
                ready = await self._index.is_ready()
                self._ready.set(ready)
                if not ready:
                    self._ready.set(await self.build())
            except Unavailable as error:
                self._ready.set(0)
                log.warning("the index is not built", extra={"reason": repr(error)})
            await self._clock.sleep(_LOOK_SECONDS)

    async def build(self) -> bool:
        """Returns False if another process builds, or if the index lost everything once more. Raises Unavailable."""
        token = secrets.token_hex(8)
        if not await self._index.begin_building(token):
            return False
        is_erased = _asking_once(self._is_erased) if self._is_erased else None
        count = 0
        for handlers in self._handlers:
            wanted = without_erased(handlers, is_erased) if is_erased else handlers
            for topic in sorted({kind.topic for kind in wanted}):
                async for envelope in self._read(topic):
                    if handle := wanted.get(type(envelope.data)):
                        await handle(envelope)
                        count += 1
                        if count % _KEEP_RECORDS == 0:
                            await self._index.keep_building()
        built = await self._index.finish_building(token)
        log.info("replayed topics into the index", extra={"records": count, "built": built})
        return built


def events_of(settings: KafkaSettings) -> ReadTopic:
    """Returns what reads topics of this Kafka; what cannot be decoded is skipped."""

    async def events(topic: str) -> AsyncIterator[Envelope[Any]]:
        async for received in read_topic(settings, topic):
            if envelope := decode_or_skip(received.record):
                yield envelope

    return events


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
