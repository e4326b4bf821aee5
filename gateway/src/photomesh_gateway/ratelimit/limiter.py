"""Rate limits by account, by address, and by class of route, and budgets of a day.

A budget is a rate limit whose window is a day, so it may be used at once, and refills evenly. One request is counted
against all of its limits in one call, or against none if one of them is used up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from photomesh_gateway.addresses import rate_key
from photomesh_gateway.errors import BudgetExhausted
from photomesh_gateway.metrics import BUDGETS_EXHAUSTED, LIMITED
from photomesh_gateway.ratelimit.buckets import Buckets
from photomesh_gateway.ratelimit.gcra import Policy, Rate, Reading
from photomesh_shared.errors import TooManyRequests
from photomesh_shared.http import Budget, RateClass

__all__ = ["RateLimiter"]

_SECOND = 1_000_000
_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class _DailyPolicy(Policy):
    budget: Budget
    counted_by: str


class _Group:
    """The limits that a request counts against. In the patterns of keys, `{0}` is the account, `{1}` the address."""

    def __init__(self, limits: Sequence[tuple[Policy, str]]) -> None:
        self.policies = [policy for policy, _ in limits]
        self._keys = [key for _, key in limits]
        self.header = ", ".join(policy.header for policy in self.policies).encode()

    def keys(self, account_id: int | None, address: str) -> list[str]:
        return [key.format(account_id, address) for key in self._keys]


class RateLimiter:
    """Counts requests, and reports the state of their limits."""

    def __init__(
        self,
        buckets: Buckets,
        user: Rate,
        address: Rate,
        classes: Mapping[RateClass, Rate],
        budgets: Mapping[Budget, int],
        accounts_per_address: int,
    ) -> None:
        """`budgets`: requests of an account in a day. An address has those of `accounts_per_address`."""
        self._buckets = buckets
        by_user = Policy("user", user), "rl:user:{0}"
        by_address = Policy("address", address), "rl:address:{1}"
        self._with_account: dict[tuple[RateClass, Budget | None], _Group] = {}
        self._without_account: dict[tuple[RateClass, Budget | None], _Group] = {}
        for rate_class, rate in classes.items():
            policy = Policy(rate_class.value, rate)
            by_class = [by_user, (policy, f"rl:{rate_class}:{{0}}"), by_address]
            without = [(policy, f"rl:{rate_class}:{{1}}"), by_address]
            self._with_account[rate_class, None] = _Group(by_class)
            self._without_account[rate_class, None] = _Group(without)
            for budget, quota in budgets.items():
                account = _DailyPolicy(budget.value, Rate(quota, _DAY), budget, "account"), f"rl:{budget}:{{0}}"
                shared = Rate(quota * accounts_per_address, _DAY)
                of_address = (
                    _DailyPolicy(f"{budget}-address", shared, budget, "address"),
                    f"rl:{budget}-address:{{1}}",
                )
                for counted_by in ("account", "address"):
                    BUDGETS_EXHAUSTED.labels(budget, counted_by)  # from 0, or the first would show no increase
                own = [] if budget is Budget.UPLOADS else [account]  # which upload itself counts, by days of UTC
                self._with_account[rate_class, budget] = _Group([*by_class, *own, of_address])
                self._without_account[rate_class, budget] = _Group([*without, of_address])
        self._address_only = _Group([by_address])

    async def check(
        self, rate_class: RateClass, account_id: int | None, address: str, budget: Budget | None = None
    ) -> list[tuple[bytes, bytes]]:
        """Counts the request; returns the response headers. Raises TooManyRequests, with them, if a limit is hit, and
        BudgetExhausted if only a budget is."""
        groups = self._without_account if account_id is None else self._with_account
        group = groups[rate_class, budget]
        return await self._count(group, group.keys(account_id, rate_key(address)))

    async def check_address(self, address: str) -> list[tuple[bytes, bytes]]:
        """As `check`, for a request that reaches no service: it counts against its address alone."""
        return await self._count(self._address_only, self._address_only.keys(None, rate_key(address)))

    async def _count(self, group: _Group, keys: Sequence[str]) -> list[tuple[bytes, bytes]]:
        policies = group.policies
        readings = await self._buckets.take(policies, keys)
        states = ", ".join(
            f'"{policy.name}";r={reading.remaining};t={-(-policy.free_in(reading.full_in) // _SECOND)}'
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
        used_up = [(policy, reading) for policy, reading in zip(policies, readings, strict=True) if reading.wait]
        names = [policy.name for policy, _ in used_up]
        seconds = ceil(max(reading.wait for _, reading in used_up) / _SECOND)
        told = {"Retry-After": str(seconds)} | {name.decode(): value.decode() for name, value in headers}
        policy, reading = max(used_up, key=lambda one: one[1].wait)
        if isinstance(policy, _DailyPolicy):
            BUDGETS_EXHAUSTED.labels(policy.budget, policy.counted_by).inc()
            return BudgetExhausted(
                f"The {policy.counted_by}'s budget of {policy.budget} is exhausted. Try again in {seconds} s.",
                headers=told,
                violated_policies=names,
                quota=policy.budget.value,
                counted_by=policy.counted_by,
                limit=policy.rate.quota,
                full_in=ceil(reading.full_in / _SECOND),
            )
        for name in names:
            LIMITED.labels(name).inc()
        return TooManyRequests(
            f"The limit {' and '.join(names)} is used up. Try again in {seconds} s.",
            headers=told,
            violated_policies=names,
        )
