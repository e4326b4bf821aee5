"""The bounds on clients' connections."""

from __future__ import annotations

import asyncio
from collections import Counter

from photomesh_gateway.addresses import ClientAddresses, rate_key
from photomesh_gateway.settings import Settings
from photomesh_shared.http.serving.protocol import ConnectionLimits, bounded_protocol

__all__ = ["AddressBudget", "gateway_protocol"]


class AddressBudget:
    """At most `limit` connections per address; an IPv6 /64 is one address. Our own proxies' are not counted: each
    carries many clients."""

    def __init__(self, limit: int, addresses: ClientAddresses) -> None:
        self._limit, self._addresses = limit, addresses
        self._open: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        key = rate_key(address)
        if self._open[key] >= self._limit and not self._addresses.is_proxy(address):
            return False
        self._open[key] += 1
        return True

    def give_back(self, address: str) -> None:
        key = rate_key(address)
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]


def gateway_protocol(settings: Settings) -> type[asyncio.Protocol]:
    """The server's protocol, with the settings' bounds."""
    limits = ConnectionLimits(
        max_header_bytes=settings.max_header_bytes,
        max_headers=settings.max_headers,
        write_seconds=settings.write_seconds,
    )
    addresses = ClientAddresses(settings.trusted_proxies, settings.proxy_hops)
    budget = AddressBudget(settings.max_connections_per_address, addresses)
    return bounded_protocol(settings.problem_type_base, limits, budget)
