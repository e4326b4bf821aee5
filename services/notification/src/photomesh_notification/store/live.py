"""What the writer tells open streams."""

from __future__ import annotations

from redis.asyncio import Redis

from photomesh_notification.store.shared_scripts import SharedScripts
from photomesh_notification.store.streams import CHANNEL, LOG_ENTRIES, LOG_SECONDS, log_key, versions_key
from photomesh_shared.events import Envelope, NotificationRemoved, NotificationUpdated

__all__ = ["Live"]

_VERSIONS = 2 * LOG_ENTRIES  # remembered of an account; beyond, a repeated change would be sent twice

# KEYS: log, versions. ARGV: group, version, 1 if removed, channel. Versions have more digits than
# Lua's numbers.
_CHANGED = f"""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known and (#known > #ARGV[2] or (#known == #ARGV[2] and known >= ARGV[2])) then return 0 end
if redis.call('HLEN', KEYS[2]) >= {_VERSIONS} then redis.call('DEL', KEYS[2]) end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local id = redis.call('XADD', KEYS[1], 'MAXLEN', {LOG_ENTRIES}, '*', 'g', ARGV[1], 'v', ARGV[2], 'r', ARGV[3])
redis.call('EXPIRE', KEYS[1], {LOG_SECONDS})
redis.call('EXPIRE', KEYS[2], {LOG_SECONDS})
redis.call('PUBLISH', ARGV[4], id .. ' ' .. ARGV[3] .. ' ' .. ARGV[1])
return 1
"""


class Live:
    def __init__(self, redis: Redis) -> None:
        self._changed = redis.register_script(_CHANGED)
        self._shared = SharedScripts(redis)

    async def changed(self, account_id: int, envelope: Envelope[NotificationUpdated | NotificationRemoved]) -> None:
        """Tells the account's streams that a group was written; if it has none, and had none in the last day, nobody is
        told. Idempotent: an older or equal version changes nothing. Raises NotificationsUnavailable."""
        group, version = envelope.data, envelope.entityversion
        removed = int(isinstance(group, NotificationRemoved))
        await self._shared.call(
            self._changed,
            (log_key(account_id), versions_key(account_id)),
            (group.group_id, version, removed, f"{CHANNEL}{account_id}"),
        )
