"""Places of streams. Apart from those of requests, so that neither kind can take the other's."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from photomesh_gateway.addresses import rate_key
from photomesh_gateway.errors import Overloaded, UpstreamTimeout
from photomesh_gateway.metrics import STREAM_PLACES, STREAMS, STREAMS_ENDED, STREAMS_REFUSED
from photomesh_gateway.proxy.deadline import Ended
from photomesh_gateway.proxy.exchange import ClientGone, Exchange
from photomesh_shared.errors import TooManyRequests

__all__ = ["StreamPlaces"]

K = TypeVar("K")

_ENDS = ("service", "client", "slow", "silent", "failed", "drained")
_LIMITS = ("total", "account", "address")
_RETRY_SECONDS = "10"


class StreamPlaces:
    """The open streams of this process."""

    def __init__(self, *, total: int, per_account: int, per_client: int) -> None:
        self._total, self._per_account, self._per_client = total, per_account, per_client
        self._open: set[Exchange] = set()
        self._of_account: Counter[int] = Counter()
        self._of_client: Counter[str] = Counter()
        self._leaving_for: float | None = None
        STREAMS.set_function(lambda: len(self._open))
        STREAM_PLACES.set(total)
        for by in _ENDS:
            STREAMS_ENDED.labels(by)
        for limit in _LIMITS:
            STREAMS_REFUSED.labels(limit)

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def place(self, exchange: Exchange) -> Iterator[None]:
        """Holds a place. Raises TooManyRequests if the account or the address has its share, Overloaded if no place is
        free."""
        account, client = exchange.account_id, rate_key(exchange.client)
        if account is not None and self._of_account[account] >= self._per_account:
            raise _refusal("account", f"Your account has {self._per_account} streams open.")
        if self._of_client[client] >= self._per_client:
            raise _refusal("address", f"Your address has {self._per_client} streams open.")
        if len(self._open) >= self._total:
            STREAMS_REFUSED.labels("total").inc()
            raise Overloaded
        self._open.add(exchange)
        self._of_client[client] += 1
        if account is not None:
            self._of_account[account] += 1
        if self._leaving_for is not None:
            _drain_within(exchange, self._leaving_for)
        try:
            yield
        except BaseException as error:
            _count(exchange, error)
            raise
        else:
            _count(exchange, None)
        finally:
            self._open.discard(exchange)
            _decrement(self._of_client, client)
            if account is not None:
                _decrement(self._of_account, account)

    def drain(self, seconds: float) -> None:
        """Ends all streams within so many seconds, spread evenly; also those that begin later."""
        self._leaving_for = seconds
        for exchange in self._open:
            _drain_within(exchange, seconds)


def _drain_within(exchange: Exchange, seconds: float) -> None:
    asyncio.get_running_loop().call_later(random.uniform(0, seconds), exchange.deadline.drain)  # noqa: S311 - jitter


def _count(exchange: Exchange, error: BaseException | None) -> None:
    if not exchange.streaming:
        return
    if exchange.deadline.ended is Ended.DRAINED:
        by = "drained"
    elif error is None:
        by = "service"
    elif isinstance(error, ClientGone):
        by = "slow" if exchange.writing else "client"
    else:
        by = "silent" if isinstance(error, UpstreamTimeout) else "failed"
    STREAMS_ENDED.labels(by).inc()


def _decrement(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _refusal(limit: str, detail: str) -> TooManyRequests:
    STREAMS_REFUSED.labels(limit).inc()
    return TooManyRequests(detail, headers={"Retry-After": _RETRY_SECONDS}, violated_policies=[f"streams-{limit}"])
