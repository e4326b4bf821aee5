"""The mail server, over SMTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from photomesh_identity.mail.service import MailRefused, MailServerUnavailable

__all__ = ["SmtpServer"]

_SECONDS = 10.0
_PERMANENT = 500  # RFC 5321, 4.2.1: a reply from here on will be the same next time


class SmtpServer:
    """Implements `service.MailServer`.

    `url`: `smtp://host:port` without encryption, for a mail server on this machine; `smtp+starttls://user:password@host:587`
    and `smtps://user:password@host:465` check the server's certificate. User and password are percent-encoded.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtp+starttls", "smtps") or not parts.hostname:
            raise ValueError("the URL of the mail server begins with smtp://, smtp+starttls:// or smtps://")
        if parts.username and parts.scheme == "smtp":
            raise ValueError("a password is not sent without encryption: use smtp+starttls:// or smtps://")
        self._scheme = parts.scheme
        self._host = parts.hostname
        self._port = parts.port or {"smtp": 25, "smtp+starttls": 587, "smtps": 465}[parts.scheme]
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[_Session]:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._scheme == "smtps",
            start_tls=self._scheme == "smtp+starttls",
            timeout=_SECONDS,
        )
        try:
            async with client:
                yield _Session(client)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailServerUnavailable(str(error)) from error


class _Session:
    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def send(self, message: EmailMessage) -> None:
        try:
            await self._client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            if error.recipients[0].code >= _PERMANENT:
                raise MailRefused(str(error.recipients[0].code)) from error
            raise MailServerUnavailable(str(error.recipients[0].code)) from error
        except aiosmtplib.SMTPDataError as error:
            if error.code >= _PERMANENT:
                raise MailRefused(str(error.code)) from error
            raise MailServerUnavailable(str(error)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailServerUnavailable(str(error)) from error
