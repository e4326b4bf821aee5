"""What is hidden answers exactly as what does not exist."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import httpx
import pytest

from photomesh_shared.ids import IdGenerator
from tests.integration.social_graph.people import People, Person
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem

CHANGES = [
    ("PUT", "/v1/users/{}/follow"),
    ("DELETE", "/v1/users/{}/follow"),
    ("PUT", "/v1/users/{}/block"),
    ("DELETE", "/v1/users/{}/block"),
    ("PUT", "/v1/users/{}/mute"),
    ("DELETE", "/v1/users/{}/mute"),
    ("PUT", "/v1/me/follow-requests/{}"),
    ("DELETE", "/v1/me/follow-requests/{}"),
    ("DELETE", "/v1/me/followers/{}"),
]
LISTS = ["/v1/users/{}/followers", "/v1/users/{}/following"]
READS = [*LISTS, "/v1/me/relationships?user_id={}"]


def told(answer: httpx.Response, about: Person) -> tuple[int, dict[str, str], bytes]:
    """Everything of an answer that may tell one account from another."""
    body = re.sub(rb'"request_id":"[^"]*"', b"", answer.content).replace(about.id.encode(), b"them")
    headers = {name: value for name, value in answer.headers.items() if name not in ("request-id", "content-length")}
    return answer.status_code, headers, body


def old(people: People) -> Person:
    """Somebody who does not exist, and whom nobody waits for."""
    clock = MovableClock()
    clock.ahead = -timedelta(days=1)
    number = IdGenerator(1, 1, clock).next()
    return Person(people.api, number, people.issuer.headers(number))


@pytest.mark.parametrize(("method", "path"), [*CHANGES, *(("GET", path) for path in READS)])
async def test_who_blocks_is_absent(people: People, method: str, path: str) -> None:
    ada, grace = await people.several(2)
    nobody = people.unknown()
    await grace.follow(ada)
    await ada.mute(grace)
    await grace.block(ada)
    answers = [
        await people.api.request(method, path.format(other.id), headers=ada.headers) for other in (grace, nobody)
    ]
    assert told(answers[0], grace) == told(answers[1], nobody)
    if method != "GET":
        expect_problem(answers[0], 404, "account-not-found")


@pytest.mark.parametrize(("method", "path"), [change for change in CHANGES if "block" not in change[1]])
async def test_whom_one_blocks_is_absent_but_for_unblocking(people: People, method: str, path: str) -> None:
    ada, grace = await people.several(2)
    await ada.block(grace)
    answer = await people.api.request(method, path.format(grace.id), headers=ada.headers)
    expect_problem(answer, 404, "account-not-found")
    assert (await ada.unblock(grace))["blocking"] is False


@pytest.mark.parametrize("path", LISTS)
async def test_who_sees_the_lists_of_whom(people: People, path: str) -> None:
    public, private, friend, stranger, follower, blocked = [await people.somebody(private=n == 1) for n in range(6)]
    for owner in (public, private):
        for other in (friend, follower):
            await other.follow(owner)
        await owner.follow(friend)
    await private.approve(friend)
    await private.approve(follower)
    await public.block(blocked)
    await private.block(blocked)
    empty = await people.api.get(path.format(old(people).id))
    assert empty.json() == {"items": [], "next_cursor": None}

    async def seen(owner: Person, viewer: Person | None) -> bool:
        answer = await people.api.get(path.format(owner.id), headers=viewer.headers if viewer else {})
        if not answer.json()["items"]:
            assert told(answer, owner) == told(empty, owner)
        return friend.id in [item["id"] for item in answer.json()["items"]]

    assert [await seen(public, viewer) for viewer in (None, public, stranger, follower, blocked)] == [
        True,
        True,
        True,
        True,
        False,
    ]
    assert [await seen(private, viewer) for viewer in (None, private, stranger, follower, blocked)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert await public.listed(path.format(blocked.id)) == []


@pytest.mark.parametrize("path", LISTS)
async def test_lists_leave_out_whom_a_block_hides(people: People, path: str) -> None:
    ada, grace, blocking, blocked, joan = await people.several(5)
    for other in (blocking, blocked, joan):
        await other.follow(grace)
        await grace.follow(other)
    await blocking.block(ada)
    await ada.block(blocked)
    assert await ada.listed(path.format(grace.id)) == [joan.id]
    assert await joan.listed(path.format(grace.id)) == [joan.id, blocked.id, blocking.id]
    assert await blocked.listed(path.format(grace.id)) == [joan.id, blocked.id, blocking.id]


async def test_requests_of_somebody_who_hides_are_gone(people: People) -> None:
    ada = await people.somebody(private=True)
    grace = await people.somebody()
    await grace.follow(ada)
    await grace.block(ada)
    assert await ada.listed("/v1/me/follow-requests") == []


async def test_an_account_that_was_opened_just_now(people: People) -> None:
    """Its event is on the way; a request that comes before waits for it."""
    ada, late = await people.somebody(), people.unknown()
    following = asyncio.create_task(ada.follow(late))
    await people.change(late, private=False, version=1)
    assert (await following)["following"] is True
    newcomer = people.unknown()
    answer = await newcomer.put(f"/v1/users/{ada.id}/follow")
    assert expect_problem(answer, 503, "account-not-ready")["retryable"]
    assert answer.headers["retry-after"]
