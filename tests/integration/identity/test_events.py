"""Events in the topic `accounts`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from photomesh_shared.events import AccountRegistered, AccountUpdated
from photomesh_shared.events.versions import version_at
from tests.integration.identity.api_users import ApiUsers
from tests.support.kafka import Topics
from tests.support.problems import expect_problem


async def test_publishes_one_event_per_change(users: ApiUsers, topics: Topics) -> None:
    ada = await users.new_user()
    first = (await ada.me()).headers["etag"]
    await ada.update(display_name="Ada", bio="Numbers")
    await ada.update(display_name="Ada")  # no change
    expect_problem(await ada.update(if_match=first, bio="lost"), 412, "precondition-failed")
    expect_problem(await ada.update(bio="x" * 999), 422, "invalid-request")
    await ada.update(private=True)
    await users.log_in_as(ada.username)
    await ada.refreshed()

    envelopes = await topics.wait_for("accounts", ada.id, until=lambda found: len(found) >= 3)
    versions = [envelope.entityversion for envelope in envelopes]
    assert len(versions) == 3
    assert versions == [version_at(envelope.time) for envelope in envelopes] == sorted(set(versions))
    assert [envelope.id for envelope in envelopes] == [f"{ada.id}.{version}" for version in versions]
    registered, renamed, hidden = (envelope.data for envelope in envelopes)
    assert isinstance(registered, AccountRegistered)
    assert isinstance(renamed, AccountUpdated)
    assert isinstance(hidden, AccountUpdated)
    assert registered.model_dump(mode="json") == {
        "user_id": ada.id,
        "username": ada.username,
        "display_name": ada.username,
        "bio": "",
        "private": False,
        "avatar_url": None,
        "registered_at": ada.user["created_at"],
        "status": "active",
        "mentionable_by": "everybody",
        "searchable": True,
    }
    assert (renamed.display_name, renamed.bio, renamed.private) == ("Ada", "Numbers", False)
    assert (hidden.display_name, hidden.bio, hidden.private) == ("Ada", "Numbers", True)
    assert registered.registered_at < renamed.updated_at < hidden.updated_at <= datetime.now(UTC)
    assert all(envelope.source == "/photomesh/identity" and envelope.request_id for envelope in envelopes)


async def test_events_have_no_email_address(users: ApiUsers, topics: Topics) -> None:
    ada = await users.new_user()
    await topics.wait_for("accounts", ada.id)
    [record] = [r for r in await topics.records("accounts") if r.header("ce_subject") == ada.id]
    assert record.key == ada.id.encode()
    assert record.value is not None
    assert b"@" not in record.value


async def test_concurrent_updates_make_increasing_versions(users: ApiUsers, topics: Topics) -> None:
    ada = await users.new_user()
    answers = await asyncio.gather(*(ada.update(bio=f"bio {n}") for n in range(15)))
    assert {answer.status_code for answer in answers} == {200}
    envelopes = await topics.wait_for("accounts", ada.id, until=lambda found: len(found) >= 16)
    versions = [envelope.entityversion for envelope in envelopes]
    assert len(versions) == 16
    assert versions == sorted(set(versions))
    last = envelopes[-1].data
    assert isinstance(last, AccountUpdated)
    assert last.bio == (await ada.me()).json()["bio"]
    by_tag = {answer.headers["etag"]: answer.json()["bio"] for answer in answers}
    for envelope in envelopes[1:]:
        assert isinstance(envelope.data, AccountUpdated)
        assert by_tag[f'"{envelope.entityversion}"'] == envelope.data.bio


async def test_a_refused_registration_publishes_nothing(users: ApiUsers, topics: Topics) -> None:
    ada = await users.new_user()
    expect_problem(await users.register(users.registration(ada.username)), 409, "username-taken")
    await topics.wait_for("accounts", ada.id)
    values = [record.value or b"" for record in await topics.records("accounts")]
    assert sum(f'"{ada.username}"'.encode() in value for value in values) == 1
