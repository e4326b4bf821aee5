"""Sends the mails of the queue.

Any number of replicas may run a relay. Each takes a few mails with a lease: no other takes them until it ends, and if
the relay dies, another sends them again, under the same Message-ID. A mail is sent at least once, or given up when it
is too old to be of use.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Protocol

from photomesh_identity.mail.domain import Mail, MailTemplate, compose, moment
from photomesh_identity.metrics import MAIL_OLDEST, MAIL_WAITING, MAILS
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.internal_api.confirmation import ExportNoticeKind

__all__ = [
    "AccountNotices",
    "MailQueue",
    "MailRefused",
    "MailRelay",
    "MailServer",
    "MailServerUnavailable",
    "MailSession",
    "NoticeQueue",
]

log = logging.getLogger(__name__)

_BATCH = 20
_LEASE = timedelta(minutes=5)  # longer than a batch may take: _BATCH times the client's timeout
_POLL_SECONDS = 1.0
_BACKOFF = Backoff(base=5.0, cap=900.0)

AFTER_SEND = declare("mail.after_send", "the mail server has the mail, the queue still has it too")


class MailRefused(Exception):
    """The mail server will never take this mail, for its recipient or its content."""


class MailServerUnavailable(Exception):
    """The mail server cannot be reached, or takes no mail at the moment."""


class MailQueue(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Mail]:
        """Takes mails that are due, so that nobody else does until the lease ends."""
        ...

    async def remove(self, mail_id: int) -> None: ...

    async def postpone(self, mail_id: int, until: datetime) -> None: ...

    async def backlog(self) -> tuple[int, datetime | None]:
        """How many mails wait, and since when the oldest does."""
        ...


class MailSession(Protocol):
    async def send(self, message: EmailMessage) -> None:
        """Raises MailRefused or MailServerUnavailable."""
        ...


class MailServer(Protocol):
    def open(self) -> AbstractAsyncContextManager[MailSession]:
        """A connection for several mails. Raises MailServerUnavailable."""
        ...


class NoticeQueue(Protocol):
    async def queue(
        self, account_id: int, template: MailTemplate, parameters: Mapping[str, str], now: datetime
    ) -> None:
        """To the account's address, if it is proved. Raises Unavailable when the database does not answer."""
        ...


class AccountNotices:
    """Mails about what other services do for an account."""

    def __init__(self, queue: NoticeQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    async def of_export(self, account_id: int, kind: ExportNoticeKind, at: datetime) -> None:
        """That somebody asked for an export at that time, or that it was ready."""
        template = {
            ExportNoticeKind.REQUESTED: MailTemplate.EXPORT_REQUESTED,
            ExportNoticeKind.READY: MailTemplate.EXPORT_READY,
        }[kind]
        await self._queue.queue(account_id, template, {"when": moment(at)}, self._clock.now())


class MailRelay:
    def __init__(self, queue: MailQueue, server: MailServer, clock: Clock, *, sender: str) -> None:
        self._queue = queue
        self._server = server
        self._clock = clock
        self._sender = sender

    async def run(self) -> None:
        """Sends mails until it is cancelled."""
        failures = 0
        while True:
            try:
                sent = await self.send_due()
                await self._measure()
            except Unavailable as error:
                failures += 1
                log.warning("the queue of mails cannot be read", extra={"reason": str(error)})
                await self._clock.sleep(_BACKOFF.delay(failures))
                continue
            failures = 0
            if sent < _BATCH:
                await self._clock.sleep(_POLL_SECONDS)

    async def send_due(self) -> int:
        """Sends the mails that are due, up to a batch; returns how many there were."""
        mails = await self._queue.claim(self._clock.now(), _BATCH, _LEASE)
        wanted = [mail for mail in mails if not await self._give_up(mail)]
        if wanted:
            await self._send_all(wanted)
        return len(mails)

    async def _send_all(self, mails: list[Mail]) -> None:
        waiting = list(mails)
        try:
            async with self._server.open() as session:
                while waiting:
                    await self._send(session, waiting[0])
                    waiting.pop(0)
        except MailServerUnavailable as error:
            log.warning("mails cannot be sent", extra={"reason": str(error), "mails": len(waiting)})
            MAILS.labels("failed").inc(len(waiting))
            for mail in waiting:
                delay = timedelta(seconds=_BACKOFF.delay(mail.attempts))
                await self._queue.postpone(mail.id, self._clock.now() + delay)

    async def _send(self, session: MailSession, mail: Mail) -> None:
        try:
            await session.send(compose(mail, self._sender))
        except MailRefused as error:
            log.warning("a mail was refused", extra={"template": mail.template, "reason": str(error)})
            MAILS.labels("refused").inc()
        except (KeyError, ValueError):  # a mistake of ours must not hold up the others
            log.exception("a mail cannot be written", extra={"template": mail.template})
            MAILS.labels("refused").inc()
        else:
            await failpoint(AFTER_SEND)
            MAILS.labels("sent").inc()
        await self._queue.remove(mail.id)

    async def _give_up(self, mail: Mail) -> bool:
        """Whether the mail is too old; then it is deleted."""
        if self._clock.now() < mail.expires_at:
            return False
        log.warning("a mail was given up", extra={"template": mail.template, "attempts": mail.attempts})
        MAILS.labels("expired").inc()
        await self._queue.remove(mail.id)
        return True

    async def _measure(self) -> None:
        waiting, oldest = await self._queue.backlog()
        MAIL_WAITING.set(waiting)
        MAIL_OLDEST.set((self._clock.now() - oldest).total_seconds() if oldest else 0)
