"""Slow comparison of copies with their owner, and their repair.

Services keep copies of who is private, hidden, followed or blocked, from events and from what the owner writes through.
An event may be lost, and a copy or its owner restored to an earlier moment; nothing in an event tells. So a loop walks
through all that the owner has, a page at a time, at a pace at which a pass takes a day, and repairs what is older than
the owner's version of it. A copy that is newer than the page is no difference.

Several processes may run the loop: one of them walks, the others take over when it is gone. The position is stored
after each page, so a crash repeats a page at most.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from prometheus_client import Counter, Gauge
from pydantic import TypeAdapter

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable

__all__ = ["Copy", "CopyReconciliation", "Owner", "Page", "Position", "Progress", "State"]

log = logging.getLogger(__name__)

COMPARED = Counter("photomesh_copies_compared_total", "States of an owner compared with their copies.", ["copy"])
REPAIRED = Counter(
    "photomesh_copies_repaired_total", "Copies that were older than their owner's state, and repaired.", ["copy"]
)
PASS_BEGAN = Gauge(
    "photomesh_copies_pass_timestamp_seconds",
    "When the last complete comparison began: no copy lacks anything that is older.",
    ["copy"],
)

_IN_FLIGHT = timedelta(minutes=1)  # what is newer may be on its way
_HELD_SECONDS = 30.0  # beyond the pause before the next page: then another process takes over
_POLL_SECONDS = 30.0
_MINIMUM_PAUSE, _MAXIMUM_PAUSE = 0.02, 600.0
_BACKOFF = Backoff(base=1.0, cap=60.0)

Position = tuple[int, ...]
"""The key of a state: those after it in the owner's order are still to be compared."""


class State(Protocol):
    """What an owner has about one thing. Versions are microseconds since 1970."""

    @property
    def version(self) -> int: ...


S = TypeVar("S", bound=State)
S_co = TypeVar("S_co", bound=State, covariant=True)
S_contra = TypeVar("S_contra", bound=State, contravariant=True)


@dataclass(frozen=True)
class Page(Generic[S_co]):
    states: Sequence[S_co]
    last: Position | None
    """The position of the last one; None if there are no more after this page."""
    total: int
    """How many states the owner has, roughly."""


class Owner(Protocol[S_co]):
    async def page(self, after: Position) -> Page[S_co]:
        """The next states; an empty position is before the first. Raises Unavailable."""
        ...


class Copy(Protocol[S_contra]):
    async def repair(self, states: Sequence[S_contra]) -> int:
        """Brings copies that differ, and are older, to these states; returns how many. Raises Unavailable."""
        ...


class Progress(Protocol):
    """Where a reader keeps how far it is. Every method raises Unavailable."""

    async def load(self, copy: str) -> str | None: ...

    async def swap(self, copy: str, before: str | None, after: str) -> bool:
        """Stores `after` if `before` is stored; returns whether it was."""
        ...


@dataclass(frozen=True)
class _Pass:
    """Times are seconds since 1970."""

    position: Position | None
    """None between two passes."""
    began: float
    complete: float
    """When the last pass began that is complete; before the first one, when the first began."""
    holder: str
    held_until: float


_PASS = TypeAdapter(_Pass)


class CopyReconciliation(Generic[S]):
    def __init__(
        self, name: str, owner: Owner[S], copy: Copy[S], progress: Progress, clock: Clock, *, pass_seconds: float
    ) -> None:
        """`name`: of the copy, in metrics; `pass_seconds`: how long a pass takes, and from one's beginning to the
        next."""
        self._name = name
        self._owner = owner
        self._copy = copy
        self._progress = progress
        self._clock = clock
        self._pass_seconds = pass_seconds
        self._holder = uuid.uuid4().hex
        COMPARED.labels(name)
        REPAIRED.labels(name)

    async def run(self) -> None:
        """Never returns."""
        failures = 0
        while True:
            try:
                pause = await self.step()
                failures = 0
            except Unavailable as error:
                failures += 1
                pause = _BACKOFF.delay(failures)
                log.warning("copies cannot be compared", extra={"copy": self._name, "error": str(error)})
            await self._clock.sleep(pause)

    async def step(self) -> float:
        """Compares a page, if it is time; returns the seconds until the next step. Raises Unavailable."""
        now, started = self._clock.now().timestamp(), self._clock.monotonic()
        text = await self._progress.load(self._name)
        current = _PASS.validate_json(text, extra="ignore") if text else _Pass((), now, now, "", 0)
        PASS_BEGAN.labels(self._name).set(current.complete)
        if current.position is None:
            rest = current.began + self._pass_seconds - now
            if rest > 0:
                return min(rest, _POLL_SECONDS)
            current = replace(current, position=(), began=now)
        elif current.holder != self._holder and current.held_until > now:
            return min(current.held_until - now, _POLL_SECONDS)
        assert current.position is not None
        page = await self._owner.page(current.position)
        await self._compare(page.states)
        share = len(page.states) / max(page.total, len(page.states), 1)
        pause = min(self._pass_seconds * share, _MAXIMUM_PAUSE) - (self._clock.monotonic() - started)
        pause = max(pause, _MINIMUM_PAUSE)
        complete = current.began if page.last is None else current.complete
        held_until = now + pause + _HELD_SECONDS
        after = replace(current, position=page.last, complete=complete, holder=self._holder, held_until=held_until)
        if await self._progress.swap(self._name, text, _PASS.dump_json(after).decode()):
            PASS_BEGAN.labels(self._name).set(complete)
        return pause if page.last is not None else _MINIMUM_PAUSE

    async def _compare(self, states: Sequence[S]) -> None:
        settled = int((self._clock.now() - _IN_FLIGHT).timestamp() * 1_000_000)
        compared = [state for state in states if state.version <= settled]
        if not compared:
            return
        repaired = await self._copy.repair(compared)
        COMPARED.labels(self._name).inc(len(compared))
        REPAIRED.labels(self._name).inc(repaired)
        if repaired:
            log.warning("copies were older than their owner", extra={"copy": self._name, "count": repaired})
