"""A mail server in this process, which keeps what it gets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.tokens import free_port
from tests.support.waiting import eventually

__all__ = ["Inbox", "mail_server", "token_in"]

_LINK = re.compile(r"https?://\S+#token=(\S+)")


class Inbox:
    """The mails that have arrived; `answer` is what the server says to a recipient."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.url = ""

    def to(self, address: str, subject: str = "") -> list[EmailMessage]:
        """Mails to an address with this in their subject."""
        return [mail for mail in self.mails if mail["To"] == address and subject in mail["Subject"]]

    async def arrived(self, address: str, subject: str = "", number: int = 1) -> EmailMessage:
        """Waits for so many mails to an address; the last one."""

        async def look() -> list[EmailMessage]:
            return self.to(address, subject)

        return (await eventually(look, until=lambda mails: len(mails) >= number))[-1]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


def token_in(mail: EmailMessage) -> str:
    """The token of the link in a mail."""
    found = _LINK.search(mail.get_content())
    assert found, mail.get_content()
    return found[1]


@asynccontextmanager
async def mail_server() -> AsyncIterator[Inbox]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    await asyncio.to_thread(controller.start)
    inbox.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield inbox
    finally:
        await asyncio.to_thread(controller.stop)
