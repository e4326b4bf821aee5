"""Birth dates: what is kept of them, and how minors are protected."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from tests.integration.identity.api_users import ApiUser, ApiUsers
from tests.integration.identity.conftest import Serving
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem


def _born(years: int, days: int = 1) -> str:
    """The birth date of somebody who became so old some days ago."""
    today = datetime.now(UTC).date() - timedelta(days=days)
    return date(today.year - years, today.month, min(today.day, 28)).isoformat()


@pytest.mark.parametrize(
    ("years", "age", "private"), [(13, "13-15", True), (15, "13-15", True), (17, "16-17", True), (18, "adult", False)]
)
async def test_accounts_of_minors_are_private_from_the_start(
    users: ApiUsers, years: int, age: str, private: bool
) -> None:
    user = await users.new_user(birth_date=_born(years, 31))
    assert (user.user["age"], user.user["private"]) == (age, private)


async def test_children_get_no_account(users: ApiUsers) -> None:
    name = users.new_name()
    answer = await users.register(users.registration(name, birth_date=_born(12, 31)))
    expect_problem(answer, 422, "too-young", "/birth_date")
    for nobody in (0, "2999-01-01", "1800-01-01"):
        answer = await users.register(users.registration(name, birth_date=nobody))
        expect_problem(answer, 422, "invalid-request", "/birth_date")
    ada = await users.new_user()
    expect_problem(await ada.put("/v1/me/birth-date", birth_date=_born(12, 31)), 422, "too-young", "/birth_date")
    assert (await ada.me()).json()["age"] is None


async def _go_public(user: ApiUser) -> int:
    return (await user.update(private=False)).status_code


async def test_under_16_nobody_goes_public(users: ApiUsers) -> None:
    young, older = await users.new_user(birth_date=_born(14, 31)), await users.new_user(birth_date=_born(16, 31))
    expect_problem(await young.update(private=False), 403, "private-until-sixteen")
    assert (await young.update(bio="Hello")).status_code == 200
    assert (await young.me()).json()["private"] is True
    assert await _go_public(older) == 200


async def test_an_age_is_stated_once_and_makes_a_minors_account_private(users: ApiUsers) -> None:
    ada = await users.new_user()
    answer = await ada.put("/v1/me/birth-date", birth_date=_born(15, 31))
    assert answer.status_code == 200
    assert (answer.json()["age"], answer.json()["private"]) == ("13-15", True)
    expect_problem(await ada.put("/v1/me/birth-date", birth_date=_born(30)), 409, "age-known")
    grown = await users.new_user(birth_date=_born(30))
    expect_problem(await grown.put("/v1/me/birth-date", birth_date=_born(14, 31)), 409, "age-known")


async def test_minors_grow_up(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user(birth_date=_born(15, 31))
        clock.ahead += timedelta(days=366)
        ada = await users.log_in_as(ada.username)
        assert (await ada.put("/v1/me/birth-date", birth_date=_born(15, 31))).json()["age"] == "16-17"
        assert await _go_public(ada) == 200


async def test_of_a_birth_date_only_the_range_is_kept(
    users: ApiUsers, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    born = _born(30)
    await users.new_user(birth_date=born)
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for table in tables:
        assert born not in str(await database.fetch(f"SELECT x::text FROM {table[0]} x"))
    events = await database.fetch("SELECT payload FROM outbox")
    assert not any(born.encode() in event[0] or b"adult" in event[0] for event in events)
