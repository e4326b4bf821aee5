"""A hidden account is answered exactly like one that does not exist."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import httpx
import pytest

from photomesh_shared.ids import IdGenerator
from tests.integration.social_graph.api_users import ApiUser, ApiUsers
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


def distinguishable(answer: httpx.Response, about: ApiUser) -> tuple[int, dict[str, str], bytes]:
    """Everything in a response that could tell one account from another."""
    body = re.sub(rb'"request_id":"[^"]*"', b"", answer.content).replace(about.id.encode(), b"them")
    varying = ("request-id", "content-length", "etag")  # a list's tag is a hash of its body, which is compared
    headers = {name: value for name, value in answer.headers.items() if name not in varying}
    return answer.status_code, headers, body


def nonexistent_user(users: ApiUsers) -> ApiUser:
    """A user who does not exist, with an id too old to be waited for."""
    clock = MovableClock()
    clock.ahead = -timedelta(days=1)
    number = IdGenerator(1, 1, clock).next()
    return ApiUser(users.api, number, users.issuer.headers(number))


@pytest.mark.parametrize(("method", "path"), [*CHANGES, *(("GET", path) for path in READS)])
async def test_an_account_that_blocks_the_viewer_looks_absent(users: ApiUsers, method: str, path: str) -> None:
    ada, grace = await users.new_users(2)
    nobody = users.unregistered_user()
    await grace.follow(ada)
    await ada.mute(grace)
    await grace.block(ada)
    answers = [await users.api.request(method, path.format(other.id), headers=ada.headers) for other in (grace, nobody)]
    assert distinguishable(answers[0], grace) == distinguishable(answers[1], nobody)
    if method != "GET":
        expect_problem(answers[0], 404, "account-not-found")


@pytest.mark.parametrize(("method", "path"), [*CHANGES, *(("GET", path) for path in READS)])
async def test_accounts_that_block_each_other_look_absent_to_both(users: ApiUsers, method: str, path: str) -> None:
    """Also to the one who blocked back, whose block nothing shows."""
    ada, grace = await users.new_users(2)
    nobody = users.unregistered_user()
    for viewer, other in ((ada, grace), (grace, ada)):
        for blocker, blocked in ((grace, ada), (ada, grace)):  # again: some of the requests end one of the blocks
            await blocker.put(f"/v1/users/{blocked.id}/block")
        answers = [
            await users.api.request(method, path.format(them.id), headers=viewer.headers) for them in (other, nobody)
        ]
        assert distinguishable(answers[0], other) == distinguishable(answers[1], nobody)


@pytest.mark.parametrize(("method", "path"), [change for change in CHANGES if change[0] == "PUT"])
async def test_nothing_begins_with_a_blocked_account(users: ApiUsers, method: str, path: str) -> None:
    ada, grace = await users.new_users(2)
    await ada.block(grace)
    if "block" not in path:
        answer = await users.api.request(method, path.format(grace.id), headers=ada.headers)
        expect_problem(answer, 404, "account-not-found")
    assert (await ada.unblock(grace))["blocking"] is False


@pytest.mark.parametrize(("method", "path"), [change for change in CHANGES if change[0] == "DELETE"])
async def test_everything_ends_also_under_a_block(users: ApiUsers, method: str, path: str) -> None:
    ada, grace = await users.new_users(2)
    await ada.mute(grace)
    await ada.block(grace)
    assert await ada.list_ids("/v1/me/mutes") == [grace.id]
    assert (await users.api.request(method, path.format(grace.id), headers=ada.headers)).status_code == 200


async def test_a_mute_of_an_account_that_blocks_the_viewer_can_be_ended(users: ApiUsers) -> None:
    ada, grace = await users.new_users(2)
    await ada.mute(grace)
    await grace.block(ada)
    assert await ada.list_ids("/v1/me/mutes") == []
    expect_problem(await ada.delete(f"/v1/users/{grace.id}/mute"), 404, "account-not-found")
    await grace.unblock(ada)
    assert await ada.relations_to(grace) == [set()]


async def test_an_account_that_blocks_the_viewer_can_be_blocked(users: ApiUsers) -> None:
    """The block is recorded and published, and takes effect for good: unblocking by the other does not expose the
    viewer."""
    victim, stalker = await users.new_users(2)
    await stalker.block(victim)
    expect_problem(await victim.put(f"/v1/users/{stalker.id}/block"), 404, "account-not-found")
    assert await victim.list_ids("/v1/me/blocks") == []
    assert await victim.relations_to(stalker) == [set()]
    expect_problem(await stalker.delete(f"/v1/users/{victim.id}/block"), 404, "account-not-found")
    assert await victim.list_ids("/v1/me/blocks") == [stalker.id]
    assert await stalker.relations_to(victim) == [set()]
    expect_problem(await stalker.put(f"/v1/users/{victim.id}/follow"), 404, "account-not-found")
    assert (await victim.unblock(stalker))["blocking"] is False
    assert (await stalker.follow(victim))["following"] is True


@pytest.mark.parametrize("path", LISTS)
async def test_visibility_of_lists(users: ApiUsers, path: str) -> None:
    public, private, friend, stranger, follower, blocked = [await users.new_user(private=n == 1) for n in range(6)]
    for owner in (public, private):
        for other in (friend, follower):
            await other.follow(owner)
        await owner.follow(friend)
    await private.approve(friend)
    await private.approve(follower)
    await public.block(blocked)
    await private.block(blocked)
    expect_problem(await users.api.get(path.format(nonexistent_user(users).id)), 404, "account-not-found")
    empty = await users.api.get(path.format(users.unregistered_user().id))  # as young as these accounts
    assert empty.json() == {"items": [], "next_cursor": None}

    async def seen(owner: ApiUser, viewer: ApiUser | None) -> bool:
        answer = await users.api.get(path.format(owner.id), headers=viewer.headers if viewer else {})
        if not answer.json()["items"]:
            assert distinguishable(answer, owner) == distinguishable(empty, owner)
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
    assert await public.list_ids(path.format(blocked.id)) == []


@pytest.mark.parametrize("path", LISTS)
async def test_lists_leave_out_blocked_accounts(users: ApiUsers, path: str) -> None:
    ada, grace, blocking, blocked, joan = await users.new_users(5)
    for other in (blocking, blocked, joan):
        await other.follow(grace)
        await grace.follow(other)
    await blocking.block(ada)
    await ada.block(blocked)
    assert await ada.list_ids(path.format(grace.id)) == [joan.id]
    assert await joan.list_ids(path.format(grace.id)) == [joan.id, blocked.id, blocking.id]
    assert await blocked.list_ids(path.format(grace.id)) == [joan.id, blocked.id, blocking.id]


async def test_a_block_removes_the_request_from_the_list(users: ApiUsers) -> None:
    ada = await users.new_user(private=True)
    grace = await users.new_user()
    await grace.follow(ada)
    await grace.block(ada)
    assert await ada.list_ids("/v1/me/follow-requests") == []


async def test_waits_for_the_event_of_a_new_account(users: ApiUsers) -> None:
    """Its event is on the way; a request that comes before waits for it."""
    ada, late = await users.new_user(), users.unregistered_user()
    following = asyncio.create_task(ada.follow(late))
    await users.update_account(late, private=False, version=1)
    assert (await following)["following"] is True
    newcomer = users.unregistered_user()
    answer = await newcomer.put(f"/v1/users/{ada.id}/follow")
    assert expect_problem(answer, 503, "account-not-ready")["retryable"]
    assert answer.headers["retry-after"]
