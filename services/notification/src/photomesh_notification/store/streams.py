"""Logs of streams, leases of open ones, and tickets, in Redis.

    n:s:{account}  STREAM  what changed, for clients that resume: g group, v its version, r=1 if it was removed; at most
                           LOG_ENTRIES. It exists while its owner listens, and a day after: what changes for accounts
                           that never listen is written nowhere here. An entry with m alone is a beginning.
    n:v:{account}  HASH    group → its version in the log, so that a repeated change is no entry
    n:o:{account}  ZSET    lease of an open stream → when it expires, in ms since 1970. The key is there while a stream
                           is open
    n:t:{hash}     STRING  a ticket: account, and when its token expires, in seconds since 1970
    n:c:{account}  the channel on which a change is published: id, removed, group

All keys expire, and a loss of Redis loses nothing but places: a client whose position is unknown reads the list again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

from redis.asyncio import Redis

from photomesh_notification.store.connection import redis_errors
from photomesh_notification.streams.domain import Entry, Opened

__all__ = ["CHANNEL", "LOG_ENTRIES", "StreamLog", "Ticket", "Tickets", "log_key", "open_key", "versions_key"]

LOG_ENTRIES = 200
LOG_SECONDS = 86_400
LEASE_SECONDS = 90
TICKET_SECONDS = 30
CHANNEL = "n:c:"
_RENEWALS = 200  # in one script, for which Redis does nothing else


def log_key(account_id: int) -> str:
    return f"n:s:{account_id}"


def versions_key(account_id: int) -> str:
    return f"n:v:{account_id}"


def open_key(account_id: int) -> str:
    return f"n:o:{account_id}"


# KEYS: log, leases, versions. ARGV: the client's position or "", the lease or "", its ms, streams of an account,
# seconds of the log. Replies 1 (0: too many streams), whether the position is known, the last id, and entries from the
# position on. The clock is Redis' own, so that processes agree.
_OPEN = f"""
if ARGV[2] ~= '' then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return {{0}} end
  redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[3]), ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
local known, entries = 0, {{}}
if ARGV[1] ~= '' then
  entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', {LOG_ENTRIES + 1})
  if entries[1] and entries[1][1] == ARGV[1] then known = 1 else entries = {{}} end
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[3])
  redis.call('XADD', KEYS[1], '*', 'm', '1')
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[3], ARGV[5])
return {{1, known, redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1], entries}}
"""

# KEYS: the leases and the log of each account. ARGV: ms of a lease, seconds of a log, and the lease of each account.
# Replies the numbers of those whose log is gone.
_RENEW = """
local time = redis.call('TIME')
local expires_at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
local gone = {}
for n = 1, #ARGV - 2 do
  redis.call('ZADD', KEYS[2 * n - 1], expires_at, ARGV[n + 2])
  redis.call('PEXPIRE', KEYS[2 * n - 1], ARGV[1])
  if redis.call('EXPIRE', KEYS[2 * n], ARGV[2]) == 0 then gone[#gone + 1] = n end
end
return gone
"""


class StreamLog:
    """Every method raises NotificationsUnavailable."""

    def __init__(self, redis: Redis, *, max_streams_per_account: int = 5) -> None:
        self._redis = redis
        self._max_streams = max_streams_per_account
        self._open = redis.register_script(_OPEN)
        self._renew = redis.register_script(_RENEW)

    async def open(self, account_id: int, lease: str, last_id: str | None) -> Opened | None:
        """Takes a lease, and reads what came after `last_id`. None if the account has its share of streams."""
        return await self._read(account_id, lease, last_id)

    async def resume(self, account_id: int, last_id: str) -> Opened:
        opened = await self._read(account_id, "", last_id)
        assert opened is not None
        return opened

    async def _read(self, account_id: int, lease: str, last_id: str | None) -> Opened | None:
        with redis_errors():
            reply = await self._open(
                keys=[log_key(account_id), open_key(account_id), versions_key(account_id)],
                args=[last_id or "", lease, LEASE_SECONDS * 1000, self._max_streams, LOG_SECONDS],
            )
        if not reply[0]:
            return None
        _, known, last, entries = reply
        after = entries[1:]  # the first is the position itself
        return Opened(bool(known), last.decode(), tuple(_entry(entry_id, fields) for entry_id, fields in after))

    async def renew(self, leases: Collection[tuple[int, str]]) -> set[int]:
        """Keeps leases and logs for some time more. Returns the accounts whose log is gone."""
        ordered, gone = list(leases), set[int]()
        for start in range(0, len(ordered), _RENEWALS):
            batch = ordered[start : start + _RENEWALS]
            with redis_errors():
                numbers = await self._renew(
                    keys=[key for account_id, _ in batch for key in (open_key(account_id), log_key(account_id))],
                    args=[LEASE_SECONDS * 1000, LOG_SECONDS, *(lease for _, lease in batch)],
                )
            gone.update(batch[number - 1][0] for number in numbers)
        return gone

    async def close(self, account_id: int, lease: str) -> None:
        with redis_errors():
            await self._redis.zrem(open_key(account_id), lease)


def _entry(entry_id: bytes, fields: list[bytes]) -> Entry:
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    return Entry(entry_id.decode(), values[b"g"].decode(), values[b"r"] == b"1")


class Ticket(NamedTuple):
    account_id: int
    expires_at: datetime
    """When the token expires for which the ticket was made."""


class Tickets:
    """Single-use tickets. What Redis holds is their hash. Every method raises NotificationsUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def issue(self, account_id: int, expires_at: datetime) -> str:
        ticket = secrets.token_urlsafe(24)
        with redis_errors():
            await self._redis.set(_key(ticket), f"{account_id} {int(expires_at.timestamp())}", ex=TICKET_SECONDS)
        return ticket

    async def redeem(self, ticket: str) -> Ticket | None:
        """What the ticket is for, once; None if it is unknown, used or expired."""
        with redis_errors():
            found: Any = await self._redis.getdel(_key(ticket))
        if found is None:
            return None
        account_id, expires_at = found.split()
        return Ticket(int(account_id), datetime.fromtimestamp(int(expires_at), UTC))


def _key(ticket: str) -> str:
    return f"n:t:{hashlib.sha256(ticket.encode()).hexdigest()[:32]}"
