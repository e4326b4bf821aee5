"""Mails from the queue in PostgreSQL to a mail server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from photomesh_identity.accounts.domain import Account
from photomesh_identity.accounts.store import insert_account
from photomesh_identity.mail.clients import SmtpServer
from photomesh_identity.mail.domain import MailTemplate
from photomesh_identity.mail.service import MailRelay
from photomesh_identity.mail.store import PostgresMailQueue, queue_mail
from photomesh_shared.stores.postgres import open_pool
from tests.support.clock import MovableClock
from tests.support.mail_server import Inbox, mail_server
from tests.support.services import process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

SENDER = "Photomesh <no-reply@photomesh.example>"
PARAMETERS = {"when": "now", "device": "a phone"}


@pytest.fixture
async def own_inbox() -> AsyncIterator[Inbox]:
    """A mail server of one test, which may say what it answers."""
    async with mail_server() as inbox:
        yield inbox


@pytest.fixture
async def pool(empty_database: str) -> AsyncIterator[Pool]:
    async with open_pool(empty_database) as pool:
        yield pool


async def _queue(pool: Pool, *account_ids: int) -> None:
    now = datetime.now(UTC)
    for account_id in account_ids:
        account = Account(
            account_id, f"ada{account_id}", f"ada{account_id}@example.com", "", "", False, None, 1, now, now
        )
        async with pool.acquire() as connection, connection.transaction():
            await insert_account(connection, account, "no hash")
            await queue_mail(
                connection, account_id, MailTemplate.NEW_LOGIN, PARAMETERS, now, to=f"ada{account_id}@example.com"
            )


def _message_ids(inbox: Inbox) -> list[str]:
    return [mail["Message-ID"] for mail in inbox.mails]


async def _waiting(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM mail_queue"))


def _relay(pool: Pool, url: str, clock: MovableClock) -> MailRelay:
    return MailRelay(PostgresMailQueue(pool), SmtpServer(url), clock, sender=SENDER)


async def test_a_mail_is_queued_with_the_change_or_not_at_all(pool: Pool) -> None:
    await _queue(pool, 1)
    async with pool.acquire() as connection:
        with pytest.raises(RuntimeError):
            await queue_mail(connection, 1, MailTemplate.NEW_LOGIN, PARAMETERS, datetime.now(UTC))
        change = connection.transaction()
        await change.start()
        await queue_mail(connection, 1, MailTemplate.NEW_LOGIN, PARAMETERS, datetime.now(UTC), to="a@b")
        await change.rollback()
    assert await _waiting(pool) == 1


async def test_two_relays_send_each_mail_once_and_keep_none(pool: Pool, own_inbox: Inbox, clock: MovableClock) -> None:
    await _queue(pool, *range(1, 51))
    relays = [_relay(pool, own_inbox.url, clock) for _ in range(2)]

    async def drain(relay: MailRelay) -> None:
        while await relay.send_due():
            pass

    await asyncio.gather(*map(drain, relays))
    assert len(own_inbox.mails) == len(set(_message_ids(own_inbox))) == 50
    assert await _waiting(pool) == 0
    assert len(own_inbox.to("ada1@example.com")) == 1


async def test_a_mail_is_sent_when_the_server_is_back(pool: Pool, own_inbox: Inbox, clock: MovableClock) -> None:
    await _queue(pool, 1)
    relay = _relay(pool, own_inbox.url, clock)
    own_inbox.answer = "451 later"
    assert await relay.send_due() == 1
    assert await relay.send_due() == 0, "it waits"
    own_inbox.answer = "250 OK"
    clock.ahead += timedelta(seconds=10)
    assert await relay.send_due() == 1
    assert len(own_inbox.mails) == 1
    unreachable = _relay(pool, f"smtp://127.0.0.1:{free_port()}", clock)
    await _queue(pool, 2)
    assert await unreachable.send_due() == 1
    assert await _waiting(pool) == 1


async def test_a_mail_that_is_refused_is_not_tried_again(pool: Pool, own_inbox: Inbox, clock: MovableClock) -> None:
    await _queue(pool, 1)
    own_inbox.answer = "550 no such user"
    await _relay(pool, own_inbox.url, clock).send_due()
    assert await _waiting(pool) == 0


async def test_after_a_crash_a_mail_is_sent_again_under_the_same_id(
    pool: Pool, own_inbox: Inbox, clock: MovableClock, environment: Mapping[str, str], empty_database: str
) -> None:
    await _queue(pool, 1)
    settings = {**environment, "PHOTOMESH_POSTGRES_DSN": empty_database, "PHOTOMESH_SMTP_URL": own_inbox.url}
    async with process(
        "photomesh_identity", settings, port=free_port(), failpoints="mail.after_send=kill", ready=False
    ) as crashing:
        assert await crashing.ended() == -9
    relay = _relay(pool, own_inbox.url, clock)
    assert await relay.send_due() == 0, "the dead relay's lease"
    clock.ahead += timedelta(minutes=6)
    assert await relay.send_due() == 1
    first, again = _message_ids(own_inbox)
    assert first == again


async def test_the_service_sends_mails(
    pool: Pool, own_inbox: Inbox, environment: Mapping[str, str], empty_database: str
) -> None:
    await _queue(pool, 1)
    settings = {**environment, "PHOTOMESH_POSTGRES_DSN": empty_database, "PHOTOMESH_SMTP_URL": own_inbox.url}
    async with process("photomesh_identity", settings, port=free_port()):

        async def sent() -> int:
            return len(own_inbox.mails)

        await eventually(sent, until=lambda number: number == 1)


async def test_mails_of_a_deleted_account_are_not_sent(pool: Pool) -> None:
    await _queue(pool, 1)
    await pool.execute("DELETE FROM accounts WHERE id = 1")
    assert await _waiting(pool) == 0


async def test_nothing_goes_to_an_address_that_is_not_proved(pool: Pool) -> None:
    await _queue(pool, 1)
    async with pool.acquire() as connection, connection.transaction():
        await queue_mail(connection, 1, MailTemplate.NEW_LOGIN, PARAMETERS, datetime.now(UTC))
    assert await _waiting(pool) == 1
    await pool.execute("UPDATE accounts SET email_verified_at = now()")
    async with pool.acquire() as connection, connection.transaction():
        await queue_mail(connection, 1, MailTemplate.NEW_LOGIN, PARAMETERS, datetime.now(UTC))
    assert await _waiting(pool) == 2
