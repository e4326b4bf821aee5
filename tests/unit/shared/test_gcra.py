"""The rate-limiting algorithm, beside a leaky bucket written down as one thinks of it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_shared.concurrency.gcra import Policy, Rate, take

rates = st.builds(Rate, st.integers(1, 200), st.integers(1, 120))
gaps = st.lists(st.integers(0, 30_000_000), min_size=1, max_size=80)  # µs between requests


class Bucket:
    """Fills by one for each request and leaks one every interval."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.level, self._at = Fraction(0), 0

    def leak(self, now: int) -> None:
        self.level = max(Fraction(0), self.level - Fraction(now - self._at, self._policy.interval))
        self._at = now

    def fits(self) -> bool:
        return self.level + 1 <= self._policy.rate.quota


@given(rates, gaps)
def test_it_is_a_leaky_bucket(rate: Rate, gaps: list[int]) -> None:
    policy, tat, now = Policy("any", rate), 0, 1_000_000_000
    bucket = Bucket(policy)
    bucket.leak(now)
    for gap in gaps:
        now += gap
        bucket.leak(now)
        fits = bucket.fits()
        (tat,), (reading,) = take([tat], [policy], now)
        assert (reading.wait == 0) == fits
        if fits:
            bucket.level += 1
        assert reading.remaining == (rate.quota - bucket.level).__floor__()
        assert reading.full_in == bucket.level * policy.interval


@given(rates, gaps)
def test_whoever_waits_as_told_is_let_in_and_nobody_sooner(rate: Rate, gaps: list[int]) -> None:
    policy, tat, now = Policy("any", rate), 0, 0
    for gap in gaps:
        now += gap
        (tat,), (reading,) = take([tat], [policy], now)
        if reading.wait:
            assert take([tat], [policy], now + reading.wait - 1)[1][0].wait == 1
            assert take([tat], [policy], now + reading.wait)[1][0].wait == 0
        free_in = policy.free_in(reading.full_in)
        assert take([tat], [policy], now + free_in)[1][0].wait == 0
        if free_in:
            assert take([tat], [policy], now + free_in - 1)[1][0].wait == 1


@given(rates, gaps)
def test_no_window_sees_more_than_twice_the_quota_and_one(rate: Rate, gaps: list[int]) -> None:
    policy, tat, now = Policy("any", rate), 0, 0
    admitted: list[int] = []
    for gap in gaps:
        now += gap
        (tat,), (reading,) = take([tat], [policy], now)
        if not reading.wait:
            admitted.append(now)
            window = [at for at in admitted if at > now - rate.window * 1_000_000]
            assert len(window) <= 2 * rate.quota + 1


@given(rates, rates, gaps)
def test_what_one_limit_refuses_is_counted_against_none(one: Rate, other: Rate, gaps: list[int]) -> None:
    policies, tats, now = [Policy("one", one), Policy("other", other)], [0, 0], 0
    for gap in gaps:
        now += gap
        before = [max(tat, now) for tat in tats]
        tats, readings = take(tats, policies, now)
        refused = any(reading.wait for reading in readings)
        moved = [after - earlier for after, earlier in zip(tats, before, strict=True)]
        assert moved == ([0, 0] if refused else [policy.interval for policy in policies])


def test_a_policy_as_its_header_has_it() -> None:
    policy = Policy("user", Rate.parse("100/60"))
    assert policy.header == '"user";q=100;w=60'
    assert policy.interval == 600_000


@pytest.mark.parametrize("text", ["", "100", "100/", "/60", "0/60", "100/0", "-1/60", "1.5/60", "100/60s"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="looks like"):
        Rate.parse(text)
