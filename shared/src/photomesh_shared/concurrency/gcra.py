"""The generic cell rate algorithm: a leaky bucket kept as one number, the theoretical arrival time (TAT).

A bucket of `quota` requests refills evenly, one every `window / quota`. Each request advances the TAT by that interval;
one that would advance it further ahead of now than the whole bucket is refused, and advances nothing. So a caller may
burst up to `quota`, then continues at the even rate.

Source: ITU-T I.371 annex A; in the form with one stored number, Brandur Leach, "Rate limiting, cells, and GCRA".
Times are whole microseconds, which both Python and Lua's doubles hold exactly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import ceil
from typing import Annotated, NamedTuple, Self

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

__all__ = ["SCRIPT", "Policy", "Rate", "RateSetting", "Reading", "take"]

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`quota` requests in `window` seconds."""

    quota: int
    window: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``"100/60"``: 100 requests in 60 seconds."""
        if not (match := re.fullmatch(r"([1-9]\d{0,6})/([1-9]\d{0,4})", text)):
            raise ValueError('a rate looks like "100/60": 100 requests in 60 seconds')
        return cls(int(match[1]), int(match[2]))


RateSetting = Annotated[
    Rate, NoDecode, BeforeValidator(lambda value: Rate.parse(value) if isinstance(value, str) else value)
]
"""A rate as a setting: ``100/60``."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A named rate limit."""

    name: str
    rate: Rate
    interval: int = field(init=False)  # µs in which one request's worth refills
    arguments: tuple[int, int] = field(init=False)  # interval and quota, for the script
    header: str = field(init=False)  # its item of the RateLimit-Policy header

    def __post_init__(self) -> None:
        object.__setattr__(self, "interval", max(1, self.rate.window * _SECOND // self.rate.quota))
        object.__setattr__(self, "arguments", (self.interval, self.rate.quota))
        object.__setattr__(self, "header", f'"{self.name}";q={self.rate.quota};w={self.rate.window}')

    def free_in(self, full_in: int) -> int:
        """Returns the µs until the next request conforms, if the bucket is full again in so many µs."""
        return max(0, full_in + self.interval - self.interval * self.rate.quota)


class Reading(NamedTuple):
    """A bucket's state after a request was counted or refused."""

    remaining: int  # requests that conform at once
    full_in: int  # µs until the bucket is full again
    wait: int  # µs until a request conforms; 0 if this one did


def take(tats: list[int], policies: list[Policy], now: int) -> tuple[list[int], list[Reading]]:
    """Counts one request against several buckets, or against none if one of them refuses.

    Takes the stored TATs (0 for a bucket not used before) and returns the new ones.
    """
    current = [max(tat, now) for tat in tats]
    waits = [policy.free_in(tat - now) for tat, policy in zip(current, policies, strict=True)]
    if not any(waits):
        current = [tat + policy.interval for tat, policy in zip(current, policies, strict=True)]
    readings = [
        Reading(policy.rate.quota - ceil((tat - now) / policy.interval), tat - now, wait)
        for tat, policy, wait in zip(current, policies, waits, strict=True)
    ]
    return current, readings


# The same in Lua. KEYS: a bucket each. ARGV: interval and quota of each. Replies remaining, full_in and wait of each.
# The clock is Redis' own, so that several gateways agree. "%.0f", because Lua would write 1.7e+15 and lose the rest.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local tats = redis.call('MGET', unpack(KEYS))
local interval, quota, waits, refused = {}, {}, {}, false
for i = 1, #KEYS do
  interval[i], quota[i] = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  tats[i] = math.max(tonumber(tats[i] or 0), now)
  waits[i] = math.max(0, tats[i] + interval[i] - interval[i] * quota[i] - now)
  refused = refused or waits[i] > 0
end
local reply = {}
for i = 1, #KEYS do
  if not refused then
    tats[i] = tats[i] + interval[i]
    redis.call('SET', KEYS[i], string.format('%.0f', tats[i]), 'PX', math.ceil((tats[i] - now) / 1000))
  end
  reply[#reply + 1] = quota[i] - math.ceil((tats[i] - now) / interval[i])
  reply[#reply + 1] = tats[i] - now
  reply[#reply + 1] = waits[i]
end
return reply
"""
