"""Has mails sent to accounts whose data is exported: when it was asked for, and when it is ready."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_export.domain import Notice
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable

__all__ = ["NoticeSender", "NoticeStore", "Notices"]

log = logging.getLogger(__name__)

_BATCH = 50
_RETRY = timedelta(minutes=1)
"""Then another worker tries; one that crashed after the call sends a mail twice."""


class NoticeStore(Protocol):
    """See `store.notices.ExportNotices`."""

    async def claim(self, now: datetime, until: datetime, limit: int) -> list[Notice]: ...
    async def remove(self, notice: Notice) -> None: ...


class Notices(Protocol):
    """See `clients.NoticeClient`."""

    async def send(self, notice: Notice) -> None: ...


class NoticeSender:
    def __init__(self, store: NoticeStore, notices: Notices, clock: Clock, *, poll_seconds: float) -> None:
        self._store = store
        self._notices = notices
        self._clock = clock
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            try:
                await self.send_due()
            except Unavailable as error:
                log.warning("mails about exports wait", extra={"reason": str(error)})
            await self._clock.sleep(self._poll_seconds)

    async def send_due(self) -> None:
        """Raises Unavailable if the database or identity does not answer; what was not sent is due again."""
        now = self._clock.now()
        for notice in await self._store.claim(now, now + _RETRY, _BATCH):
            await self._notices.send(notice)
            await self._store.remove(notice)
