"""Rate limits by account, by address, and by class of route, and budgets of a day.

A budget is a rate limit whose window is a day, so it may be used at once, and refills evenly. One request is counted
against all of its limits in one call, or against none if one of them is used up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from photomesh_gateway.addresses import PREFIXES, rate_keys
from photomesh_gateway.errors import BudgetExhausted
from photomesh_gateway.metrics import BUDGETS_EXHAUSTED, LIMITED
from photomesh_gateway.ratelimit.buckets import Buckets
from photomesh_shared.concurrency.gcra import Policy, Rate, Reading
from photomesh_shared.errors import TooManyRequests
from photomesh_shared.http import Budget, RateClass

__all__ = ["AddressFactors", "RateLimiter"]

_SECOND = 1_000_000
_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class _DailyPolicy(Policy):
    budget: Budget
    counted_by: str


@dataclass(frozen=True, slots=True)
class AddressFactors:
    """Multiples of the limit of an IPv6 /64. A /48 may be a carrier's pool, in which each handset has a /64, and an
    IPv4 address that of thousands of subscribers; yet the owner of a /48 must not have the limits of 65,536 networks.
    """

    ipv6_56: int = 2
    ipv6_48: int = 8
    ipv4: int = 8

    def limits(self, policy: Policy, key: str, *, ipv6: bool) -> list[tuple[Policy, str]]:
        """The limits of an address with their keys, in which `{1}`, `{2}` and `{3}` stand for its prefixes."""
        if not ipv6:
            return [(_times(policy, self.ipv4), f"{key}:{{1}}")]
        wider = zip(PREFIXES[1:], (self.ipv6_56, self.ipv6_48), ("{2}", "{3}"), strict=True)
        return [(policy, f"{key}:{{1}}")] + [
            (_times(policy, factor, f"-{bits}"), f"{key}-{bits}:{prefix}") for bits, factor, prefix in wider
        ]


def _times(policy: Policy, factor: int, suffix: str = "") -> Policy:
    return replace(policy, name=policy.name + suffix, rate=Rate(policy.rate.quota * factor, policy.rate.window))


class _Group:
    """The limits that a request counts against. In the patterns of keys, `{0}` is the account, `{1}` to `{3}` are the
    address and its prefixes."""

    def __init__(self, limits: Sequence[tuple[Policy, str]]) -> None:
        self.policies = [policy for policy, _ in limits]
        self._keys = [key for _, key in limits]
        self.header = ", ".join(policy.header for policy in self.policies).encode()

    def keys(self, account_id: int | None, prefixes: Sequence[str]) -> list[str]:
        return [key.format(account_id, *prefixes) for key in self._keys]


class _Groups:
    """The groups of one kind of address."""

    def __init__(
        self,
        user: Rate,
        address: Rate,
        classes: Mapping[RateClass, Rate],
        budgets: Mapping[Budget, int],
        accounts_per_address: int,
        factors: AddressFactors,
        *,
        ipv6: bool,
    ) -> None:
        by_user = Policy("user", user), "rl:user:{0}"
        by_address = factors.limits(Policy("address", address), "rl:address", ipv6=ipv6)
        self.with_account: dict[tuple[RateClass, Budget | None], _Group] = {}
        self.without_account: dict[tuple[RateClass, Budget | None], _Group] = {}
        for rate_class, rate in classes.items():
            policy = Policy(rate_class.value, rate)
            by_class = [by_user, (policy, f"rl:{rate_class}:{{0}}"), *by_address]
            without = [*factors.limits(policy, f"rl:{rate_class}", ipv6=ipv6), *by_address]
            self.with_account[rate_class, None] = _Group(by_class)
            self.without_account[rate_class, None] = _Group(without)
            for budget, quota in budgets.items():
                account = _DailyPolicy(budget.value, Rate(quota, _DAY), budget, "account"), f"rl:{budget}:{{0}}"
                shared = Rate(quota * accounts_per_address, _DAY)
                of_address = factors.limits(
                    _DailyPolicy(f"{budget}-address", shared, budget, "address"), f"rl:{budget}-address", ipv6=ipv6
                )
                own = [] if budget is Budget.UPLOADS else [account]  # which upload itself counts, by days of UTC
                self.with_account[rate_class, budget] = _Group([*by_class, *own, *of_address])
                self.without_account[rate_class, budget] = _Group([*without, *of_address])
        self.address_only = _Group(by_address)


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
        factors: AddressFactors,
    ) -> None:
        """`budgets`: requests of an account in a day. An address has those of `accounts_per_address`. Limits of
        addresses are those of an IPv6 /64; `factors` has the others."""
        self._buckets = buckets
        self._ipv4, self._ipv6 = (
            _Groups(user, address, classes, budgets, accounts_per_address, factors, ipv6=ipv6) for ipv6 in (False, True)
        )
        for budget in budgets:
            for counted_by in ("account", "address"):
                BUDGETS_EXHAUSTED.labels(budget, counted_by)  # from 0, or the first would show no increase

    async def check(
        self, rate_class: RateClass, account_id: int | None, address: str, budget: Budget | None = None
    ) -> list[tuple[bytes, bytes]]:
        """Counts the request; returns the response headers. Raises TooManyRequests, with them, if a limit is hit, and
        BudgetExhausted if only a budget is."""
        prefixes = rate_keys(address)
        groups = self._of(prefixes)
        of_account = groups.without_account if account_id is None else groups.with_account
        group = of_account[rate_class, budget]
        return await self._count(group, group.keys(account_id, prefixes))

    async def check_address(self, address: str) -> list[tuple[bytes, bytes]]:
        """As `check`, for a request that reaches no service: it counts against its address alone."""
        prefixes = rate_keys(address)
        group = self._of(prefixes).address_only
        return await self._count(group, group.keys(None, prefixes))

    def _of(self, prefixes: Sequence[str]) -> _Groups:
        return self._ipv4 if len(prefixes) == 1 else self._ipv6

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
