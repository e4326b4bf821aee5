"""Rate limits by account, by address, and by class of route.

One request is counted against all of its limits in one call, or against none if one of them is used up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from photomesh_gateway.addresses import rate_key
from photomesh_gateway.metrics import LIMITED
from photomesh_gateway.ratelimit.buckets import Buckets
from photomesh_gateway.ratelimit.gcra import Policy, Rate, Reading
from photomesh_shared.errors import TooManyRequests
from photomesh_shared.http import RateClass

__all__ = ["RateLimiter"]

_SECOND = 1_000_000


class _Group:
    """The limits that a request counts against."""

    def __init__(self, *policies: Policy) -> None:
        self.policies = policies
        self.header = ", ".join(policy.header for policy in policies).encode()


class RateLimiter:
    """Counts requests, and reports the state of their limits."""

    def __init__(self, buckets: Buckets, user: Rate, address: Rate, classes: Mapping[RateClass, Rate]) -> None:
        self._buckets = buckets
        by_user, by_address = Policy("user", user), Policy("address", address)
        by_class = {rate_class: Policy(rate_class.value, rate) for rate_class, rate in classes.items()}
        self._with_account = {c: _Group(by_user, policy, by_address) for c, policy in by_class.items()}
        self._without_account = {c: _Group(policy, by_address) for c, policy in by_class.items()}
        self._address_only = _Group(by_address)

    async def check(self, rate_class: RateClass, account_id: int | None, address: str) -> list[tuple[bytes, bytes]]:
        """Counts the request; returns the response headers. Raises TooManyRequests, with them, if a limit is hit."""
        address = rate_key(address)
        if account_id is None:
            group = self._without_account[rate_class]
            keys = [f"rl:{rate_class}:{address}", f"rl:address:{address}"]
        else:
            group = self._with_account[rate_class]
            keys = [f"rl:user:{account_id}", f"rl:{rate_class}:{account_id}", f"rl:address:{address}"]
        return await self._count(group, keys)

    async def check_address(self, address: str) -> list[tuple[bytes, bytes]]:
        """As `check`, for a request that reaches no service: it counts against its address alone."""
        return await self._count(self._address_only, [f"rl:address:{rate_key(address)}"])

    async def _count(self, group: _Group, keys: Sequence[str]) -> list[tuple[bytes, bytes]]:
        policies = group.policies
        readings = await self._buckets.take(policies, keys)
        states = ", ".join(
            f'"{policy.name}";r={reading.remaining};t={-(-reading.full_in // _SECOND)}'
            for policy, reading in zip(policies, readings, strict=True)
        )
        headers = [(b"ratelimit-policy", group.header), (b"ratelimit", states.encode())]
        if any(reading.wait for reading in readings):
            raise self._refusal(policies, readings, headers)
        return headers

    @staticmethod
    def _refusal(
        policies: Sequence[Policy], readings: Sequence[Reading], headers: list[tuple[bytes, bytes]]
    ) -> TooManyRequests:
        used_up = [policy.name for policy, reading in zip(policies, readings, strict=True) if reading.wait]
        for name in used_up:
            LIMITED.labels(name).inc()
        seconds = ceil(max(reading.wait for reading in readings) / _SECOND)
        return TooManyRequests(
            f"The limit {' and '.join(used_up)} is used up. Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)} | {name.decode(): value.decode() for name, value in headers},
            violated_policies=used_up,
        )
