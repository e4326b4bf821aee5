"""Mails: their text, and the relay that sends them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from importlib.resources import files
from uuid import UUID

import pytest

from photomesh_identity.mail.clients import SmtpServer
from photomesh_identity.mail.domain import Mail, MailTemplate, compose, one_line
from photomesh_identity.mail.service import MailRefused, MailRelay, MailServerUnavailable
from tests.support.clock import FakeClock

SENDER = "Photomesh <no-reply@photomesh.example>"
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
_TEXTS = files("photomesh_identity.mail").joinpath("templates")


def _mail(template: MailTemplate = MailTemplate.NEW_LOGIN, mail_id: int = 1, **parameters: str) -> Mail:
    parameters = parameters or dict.fromkeys(_parameters(template), "?")
    return Mail(
        mail_id, UUID(int=mail_id), "ada", "ada@example.com", template, parameters, NOW, NOW + timedelta(days=1), 1
    )


def _parameters(template: MailTemplate) -> set[str]:
    text = _TEXTS.joinpath(f"{template}.txt").read_text()
    return set(re.findall(r"\$\{?(\w+)", text)) - {"username"}


def test_every_template_has_a_text_and_every_text_is_of_a_template() -> None:
    assert {file.name for file in _TEXTS.iterdir()} == {f"{template}.txt" for template in MailTemplate}


@pytest.mark.parametrize("template", MailTemplate)
def test_a_mail_is_plain_text_with_a_subject_and_without_placeholders(template: MailTemplate) -> None:
    message = compose(_mail(template), SENDER)
    assert message.get_content_type() == "text/plain"
    assert 10 < len(message["Subject"]) < 80
    assert "$" not in message["Subject"] + message.get_content()
    assert message.get_content().startswith("Hello")
    assert max(map(len, _TEXTS.joinpath(f"{template}.txt").read_text().splitlines())) <= 120


def test_a_mail_says_who_sent_it_to_whom_and_when() -> None:
    message = compose(_mail(), SENDER)
    assert (message["From"], message["To"]) == (SENDER, "ada@example.com")
    assert message["Message-ID"] == "<00000000-0000-0000-0000-000000000001@photomesh.example>"
    assert message["Date"] == "Sat, 21 Nov 2026 10:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"


def test_text_of_strangers_cannot_add_lines() -> None:
    device = "Phone\r\n\r\nYour account is closed.\u2028Go to\x00 https://evil.example " + "x" * 10_000
    body = compose(_mail(when="now", device=device), SENDER).get_content()
    (line,) = (line for line in body.splitlines() if "Phone" in line)
    assert "Phone Your account is closed. Go to https://evil.example" in line
    assert len(one_line(device)) == 500


def test_a_mail_with_a_parameter_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        compose(_mail(when="now"), SENDER)


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://user:password@mail.example", "smtp://", "mail.example"])
def test_the_url_of_a_mail_server_is_checked(url: str) -> None:
    with pytest.raises(ValueError):
        SmtpServer(url)


class _Queue:
    def __init__(self, *mails: Mail) -> None:
        self.due = {mail.id: mail for mail in mails}
        self.postponed: dict[int, datetime] = {}

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Mail]:
        return [mail for mail in self.due.values() if mail.id not in self.postponed][:limit]

    async def remove(self, mail_id: int) -> None:
        del self.due[mail_id]

    async def postpone(self, mail_id: int, until: datetime) -> None:
        self.postponed[mail_id] = until

    async def backlog(self) -> tuple[int, datetime | None]:
        return len(self.due), None


class _Server:
    """Answers each mail with what the test says, and then with success."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = list(answers)
        self.sent: list[str] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[_Server]:
        yield self

    async def send(self, message: EmailMessage) -> None:
        answer = self._answers.pop(0) if self._answers else None
        if answer:
            raise answer
        self.sent.append(message["Message-ID"])


async def test_a_refused_mail_does_not_hold_up_the_others() -> None:
    queue, server = _Queue(*(_mail(mail_id=n) for n in (1, 2, 3))), _Server(MailRefused("550"))
    await MailRelay(queue, server, FakeClock(NOW), sender=SENDER).send_due()
    assert len(server.sent) == 2
    assert not queue.due


async def test_a_mail_that_cannot_be_written_does_not_hold_up_the_others() -> None:
    queue, server = _Queue(_mail(mail_id=1, when="now"), _mail(mail_id=2)), _Server()
    await MailRelay(queue, server, FakeClock(NOW), sender=SENDER).send_due()
    assert len(server.sent) == 1
    assert not queue.due


async def test_what_an_unreachable_server_did_not_take_waits() -> None:
    queue, server = _Queue(*(_mail(mail_id=n) for n in (1, 2, 3))), _Server(None, MailServerUnavailable("421"))
    clock = FakeClock(NOW)
    assert await MailRelay(queue, server, clock, sender=SENDER).send_due() == 3
    assert len(server.sent) == 1
    assert set(queue.due) == set(queue.postponed) == {2, 3}
    assert all(clock.now() < until <= clock.now() + timedelta(seconds=5) for until in queue.postponed.values())


async def test_a_mail_that_is_too_old_is_given_up() -> None:
    queue, server = _Queue(_mail()), _Server()
    await MailRelay(queue, server, FakeClock(NOW + timedelta(days=1)), sender=SENDER).send_due()
    assert not server.sent
    assert not queue.due
