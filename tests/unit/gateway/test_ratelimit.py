"""Which limits a request counts against, what the caller is told, and what happens without Redis."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from operator import itemgetter
from random import Random

import pytest

from photomesh_gateway.errors import BudgetExhausted
from photomesh_gateway.metrics import BUDGETS_EXHAUSTED, LIMITING_ALONE
from photomesh_gateway.ratelimit.buckets import LocalBuckets, ResilientBuckets
from photomesh_gateway.ratelimit.limiter import AddressFactors, RateLimiter
from photomesh_gateway.ratelimit.redis_pipe import RedisUnreachable
from photomesh_gateway.settings import Settings
from photomesh_gateway.wiring import rate_limiter_of
from photomesh_shared.concurrency.gcra import Policy, Rate, Reading
from photomesh_shared.errors import TooManyRequests
from photomesh_shared.http import Budget, RateClass
from tests.support.services import settings_from

SECOND = 1_000_000


class Time:
    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


ALIKE = AddressFactors(ipv4=1)


def limiter(time: Time, factors: AddressFactors = ALIKE, **rates: str) -> RateLimiter:
    usual = {"user": "100/60", "address": "100/60", "read": "100/60", "write": "100/60"} | rates
    parsed = {name: Rate.parse(text) for name, text in usual.items()}
    classes = {RateClass(name): rate for name, rate in parsed.items() if name in ("read", "write")}
    budgets = {Budget.TOGGLES: 2, Budget.LOGINS: 2, Budget.UPLOADS: 2}
    return RateLimiter(LocalBuckets(now=time), parsed["user"], parsed["address"], classes, budgets, 2, factors)


async def test_a_budget_of_an_account() -> None:
    time = Time()
    limits = limiter(time)
    for _ in range(2):
        headers = dict(await limits.check(RateClass.WRITE, 7, "192.0.2.1", Budget.TOGGLES))
    assert headers[b"ratelimit-policy"].endswith(b'"toggles";q=2;w=86400, "toggles-address";q=4;w=86400')
    refused = BUDGETS_EXHAUSTED.labels("toggles", "account")._value.get()
    with pytest.raises(BudgetExhausted) as refusal:
        await limits.check(RateClass.WRITE, 7, "192.0.2.2", Budget.TOGGLES)
    assert refusal.value.headers["Retry-After"] == "43200"
    assert refusal.value.extensions == {
        "violated_policies": ["toggles"],
        "quota": "toggles",
        "counted_by": "account",
        "limit": 2,
        "full_in": 86_400,
    }
    assert BUDGETS_EXHAUSTED.labels("toggles", "account")._value.get() == refused + 1
    await limits.check(RateClass.WRITE, 7, "192.0.2.1")  # other changes
    await limits.check(RateClass.WRITE, 8, "192.0.2.1", Budget.TOGGLES)  # other accounts
    time.now += 43_200 * SECOND
    await limits.check(RateClass.WRITE, 7, "192.0.2.1", Budget.TOGGLES)


@pytest.mark.parametrize(
    ("accounts", "budget"),
    [([1, 2, 3], Budget.TOGGLES), ([1, 1, 1], Budget.UPLOADS), ([None, None, None], Budget.LOGINS)],
)
async def test_a_budget_of_an_address(accounts: list[int | None], budget: Budget) -> None:
    """However many accounts share it; alone where there is no account, and where a service counts by account."""
    limits = limiter(Time())
    for account in [*accounts[:2], *accounts[:2]]:
        await limits.check(RateClass.WRITE, account, "192.0.2.1", budget)
    with pytest.raises(BudgetExhausted) as refusal:
        await limits.check(RateClass.WRITE, accounts[2], "192.0.2.1", budget)
    assert (refusal.value.extensions["counted_by"], refusal.value.extensions["limit"]) == ("address", 4)
    await limits.check(RateClass.WRITE, accounts[2], "192.0.2.2", budget)


async def test_a_limit_of_the_moment_is_no_budget() -> None:
    limits = limiter(Time(), write="1/60")
    await limits.check(RateClass.WRITE, 7, "192.0.2.1", Budget.TOGGLES)
    with pytest.raises(TooManyRequests) as refusal:
        await limits.check(RateClass.WRITE, 7, "192.0.2.1", Budget.TOGGLES)
    assert (refusal.value.code, refusal.value.headers["Retry-After"]) == ("too-many-requests", "60")


async def test_what_a_caller_with_an_account_is_told() -> None:
    headers = dict(await limiter(Time(), read="10/60").check(RateClass.READ, 7, "192.0.2.1"))
    assert headers == {
        b"ratelimit-policy": b'"user";q=100;w=60, "read";q=10;w=60, "address";q=100;w=60',
        b"ratelimit": b'"user";r=99;t=0, "read";r=9;t=0, "address";r=99;t=0',
    }


async def test_what_a_caller_without_one_is_told() -> None:
    headers = dict(await limiter(Time()).check(RateClass.WRITE, None, "192.0.2.1"))
    assert headers[b"ratelimit"] == b'"write";r=99;t=0, "address";r=99;t=0'


async def test_a_refusal() -> None:
    time = Time()
    limits = limiter(time, read="2/60")
    await limits.check(RateClass.READ, 7, "192.0.2.1")
    last = dict(await limits.check(RateClass.READ, 7, "192.0.2.1"))
    assert last[b"ratelimit"].startswith(b'"user";r=98;t=0, "read";r=0;t=30')
    time.now += 10 * SECOND
    with pytest.raises(TooManyRequests) as refusal:
        await limits.check(RateClass.READ, 7, "192.0.2.1")
    assert refusal.value.headers["Retry-After"] == "20"
    assert refusal.value.headers["ratelimit"].startswith('"user";r=100;t=0, "read";r=0;t=20')
    assert refusal.value.extensions == {"violated_policies": ["read"]}
    time.now += 20 * SECOND
    await limits.check(RateClass.READ, 7, "192.0.2.1")


async def test_each_account_address_and_class_has_its_own() -> None:
    limits = limiter(Time(), user="100/60", read="1/60", write="1/60", address="4/60")
    await limits.check(RateClass.READ, 1, "192.0.2.1")
    await limits.check(RateClass.WRITE, 1, "192.0.2.1")
    await limits.check(RateClass.READ, 2, "192.0.2.1")
    await limits.check(RateClass.READ, None, "192.0.2.1")
    with pytest.raises(TooManyRequests) as refusal:
        await limits.check(RateClass.READ, 3, "192.0.2.1")
    assert refusal.value.extensions == {"violated_policies": ["address"]}
    await limits.check(RateClass.READ, None, "192.0.2.2")


async def test_an_ipv6_network_is_one_address() -> None:
    limits = limiter(Time(), address="1/60")
    await limits.check(RateClass.READ, None, "2001:db8::1")
    with pytest.raises(TooManyRequests):
        await limits.check(RateClass.READ, None, "2001:db8::2")
    await limits.check(RateClass.READ, None, "2001:db8:0:1::1")


async def test_wider_networks_have_more_but_not_as_much_as_their_parts() -> None:
    limits = limiter(Time(), AddressFactors(ipv6_56=2, ipv6_48=3, ipv4=5), address="2/60")

    async def admitted(addresses: Iterable[str]) -> int:
        count = 0
        for address in addresses:
            with suppress(TooManyRequests):
                await limits.check_address(address)
                count += 1
        return count

    assert await admitted(f"2001:db8:1:0::{i}" for i in range(9)) == 2
    assert await admitted(f"2001:db8:1:{i:x}::1" for i in range(1, 256)) == 2  # the rest of its /56
    assert await admitted(f"2001:db8:1:{i:x}::1" for i in range(256, 65_536, 99)) == 2  # the rest of its /48
    assert await admitted("192.0.2.1" for _ in range(19)) == 10


async def test_a_carrier_s_address_and_an_attacker_with_a_48() -> None:
    """By the usual settings, for an hour: each of 1,000 people behind one address logs in, refreshes every quarter of
    an hour, and reads."""
    settings = settings_from(Settings, {"PHOTOMESH_CALL_KEYS": "{}"})
    time, random = Time(), Random(1)
    limits = rate_limiter_of(LocalBuckets(now=time, size=1_000_000), settings)
    schedule: list[tuple[float, RateClass, int | None, Budget | None]] = []
    for person in range(1_000):
        begin = random.uniform(0, 3_600)
        schedule.append((begin, RateClass.AUTH, None, Budget.LOGINS))
        schedule += [(begin + 900 * i, RateClass.REFRESH, None, None) for i in range(1, 4)]
        schedule += [(begin + random.uniform(0, 3_600), RateClass.READ, person, None) for _ in range(20)]
    began = time.now
    for seconds, rate_class, account, budget in sorted(schedule, key=itemgetter(0)):
        time.now = began + round(seconds * SECOND)
        await limits.check(rate_class, account, "203.0.113.7", budget)

    log_ins = 0
    for attempt in range(9_000):  # in a quarter of an hour, each from another /56
        time.now += SECOND // 10
        with suppress(TooManyRequests):
            await limits.check(RateClass.AUTH, None, f"2001:db8:1:{attempt * 257 % 65_536:x}::1", Budget.LOGINS)
            log_ins += 1
    assert log_ins <= 8 * 20 * (1 + 15), "8 times what a /64 may do"


async def test_this_process_keeps_only_the_buckets_used_last() -> None:
    policies, buckets = [Policy("any", Rate(1, 60))], LocalBuckets(size=2, now=Time())
    for key in ("a", "b", "a", "c"):
        await buckets.take(policies, [key])
    assert (await buckets.take(policies, ["a"]))[0].wait > 0  # refused, and used again
    assert (await buckets.take(policies, ["b"]))[0].wait == 0  # forgotten


class Shared:
    """Buckets elsewhere, which may be away."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0

    async def take(self, policies: Sequence[Policy], keys: Sequence[str]) -> list[Reading]:
        self.asked += 1
        if self.away:
            raise RedisUnreachable("gone")
        return [Reading(remaining=42, full_in=0, wait=0) for _ in policies]


async def test_without_redis_each_gateway_counts_alone(caplog: pytest.LogCaptureFixture) -> None:
    shared, policies = Shared(), [Policy("any", Rate(1, 60))]
    buckets = ResilientBuckets(shared, LocalBuckets(now=Time()), pause=3600)
    assert (await buckets.take(policies, ["a"]))[0].remaining == 42
    shared.away = True
    with caplog.at_level(logging.WARNING):
        assert (await buckets.take(policies, ["a"]))[0] == Reading(remaining=0, full_in=60 * SECOND, wait=0)
        assert (await buckets.take(policies, ["a"]))[0].wait > 0
    assert shared.asked == 2  # nobody waits for Redis again so soon
    assert [record.message for record in caplog.records] == ["Redis is unreachable, rate limits are per process"]
    assert LIMITING_ALONE._value.get() == 1


async def test_redis_is_asked_again_after_a_pause() -> None:
    shared, policies = Shared(), [Policy("any", Rate(1, 60))]
    buckets = ResilientBuckets(shared, LocalBuckets(now=Time()), pause=0)
    shared.away = True
    await buckets.take(policies, ["a"])
    shared.away = False
    assert (await buckets.take(policies, ["a"]))[0].remaining == 42
    assert LIMITING_ALONE._value.get() == 0
