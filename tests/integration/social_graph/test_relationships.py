"""Following, requesting, blocking and muting."""

from __future__ import annotations

from typing import Any

from tests.integration.social_graph.api_users import ApiUsers
from tests.integration.social_graph.conftest import FakeReaders, Serving
from tests.support.problems import expect_problem
from tests.support.waiting import eventually


async def test_follow_and_unfollow(users: ApiUsers) -> None:
    ada, grace = await users.new_users(2)
    assert await ada.follow(grace) == {
        "user_id": grace.id,
        "following": True,
        "requested": False,
        "followed_by": False,
        "requested_by": False,
        "blocking": False,
        "muting": False,
    }
    assert await grace.relations_to(ada) == [{"followed_by"}]
    assert await ada.list_ids(f"/v1/users/{grace.id}/followers") == [ada.id]
    assert await grace.list_ids(f"/v1/users/{ada.id}/following") == [grace.id]
    assert (await ada.counts(), await grace.counts()) == ((0, 1), (1, 0))
    assert await ada.follow(grace) == await ada.follow(grace)
    assert await grace.counts() == (1, 0)
    assert (await ada.unfollow(grace))["following"] is False
    assert (await ada.unfollow(grace))["following"] is False
    assert await grace.relations_to(ada) == [set()]
    assert await ada.list_ids(f"/v1/users/{grace.id}/followers") == []
    assert (await ada.counts(), await grace.counts()) == ((0, 0), (0, 0))


async def test_accounts_in_lists(users: ApiUsers) -> None:
    ada, grace = await users.new_users(2)
    await ada.follow(grace)
    page = (await ada.get(f"/v1/users/{grace.id}/followers")).json()
    assert page == {
        "items": [
            {
                "id": ada.id,
                "username": f"user{ada.number}",
                "display_name": f"User {ada.number}, 1",
                "avatar_url": None,
                "private": False,
            }
        ],
        "next_cursor": None,
    }


async def test_follow_requests(users: ApiUsers) -> None:
    ada, grace, joan, edith = [await users.new_user(private=n == 0) for n in range(4)]
    for other in (grace, joan, edith):
        assert (await other.follow(ada))["requested"] is True
    assert await ada.counts() == (0, 0)
    assert await ada.relations_to(grace) == [{"requested_by"}]
    assert await ada.list_ids("/v1/me/follow-requests") == [edith.id, joan.id, grace.id]
    assert (await ada.approve(grace))["followed_by"] is True
    assert (await ada.approve(grace))["followed_by"] is True  # again
    assert (await ada.deny(joan))["requested_by"] is False
    assert (await ada.deny(joan))["requested_by"] is False
    assert (await edith.unfollow(ada))["requested"] is False
    assert await ada.list_ids("/v1/me/follow-requests") == []
    assert await grace.relations_to(ada) == [{"following"}]
    assert await ada.counts() == (1, 0)
    expect_problem(await ada.put(f"/v1/me/follow-requests/{joan.id}"), 404, "follow-request-not-found")
    assert (await ada.remove(grace))["followed_by"] is False
    assert (await ada.remove(grace))["followed_by"] is False
    assert await ada.counts() == (0, 0)


async def test_going_public_approves_all_requests(users: ApiUsers) -> None:
    ada, *others = [await users.new_user(private=n == 0) for n in range(4)]
    for other in others:
        await other.follow(ada)
    await users.update_account(ada, private=True, version=2)
    assert await ada.counts() == (0, 0)
    await users.update_account(ada, private=False, version=3)
    await users.update_account(ada, private=False, version=3)
    assert await ada.counts() == (3, 0)
    assert await ada.list_ids("/v1/me/follow-requests") == []
    await users.update_account(ada, private=True, version=2)  # late: ignored
    newcomer = await users.new_user()
    assert (await newcomer.follow(ada))["following"] is True
    await users.update_account(ada, private=True, version=4)
    assert await ada.counts() == (4, 0)


async def test_a_block_ends_follows_in_both_directions(users: ApiUsers) -> None:
    ada, grace = await users.new_users(2)
    await ada.follow(grace)
    await grace.follow(ada)
    await grace.mute(ada)
    assert (await ada.block(grace))["blocking"] is True
    assert (await ada.block(grace))["blocking"] is True
    assert await ada.relations_to(grace) == [{"blocking"}]
    assert await grace.relations_to(ada) == [set()]
    assert (await ada.counts(), await grace.counts()) == ((0, 0), (0, 0))
    assert await ada.list_ids("/v1/me/blocks") == [grace.id]
    assert await grace.list_ids("/v1/me/blocks") == []
    assert await grace.list_ids("/v1/me/mutes") == []
    assert (await ada.unblock(grace))["blocking"] is False
    assert (await ada.unblock(grace))["blocking"] is False
    assert await grace.relations_to(ada) == [{"muting"}]
    assert await grace.list_ids("/v1/me/mutes") == [ada.id]
    assert (await grace.follow(ada))["following"] is True


async def test_a_block_closes_requests_in_both_directions(users: ApiUsers) -> None:
    ada, grace = [await users.new_user(private=True) for _ in range(2)]
    await ada.follow(grace)
    await grace.follow(ada)
    await ada.block(grace)
    await ada.unblock(grace)
    assert await ada.relations_to(grace) == [set()]
    assert await grace.relations_to(ada) == [set()]
    assert await ada.list_ids("/v1/me/follow-requests") == []
    assert await grace.list_ids("/v1/me/follow-requests") == []


async def test_muting_is_visible_to_the_viewer_only(users: ApiUsers) -> None:
    ada, grace = await users.new_users(2)
    await ada.follow(grace)
    assert (await ada.mute(grace))["muting"] is True
    assert await ada.list_ids("/v1/me/mutes") == [grace.id]
    assert await grace.relations_to(ada) == [{"followed_by"}]
    assert await grace.list_ids("/v1/me/mutes") == []
    assert (await ada.unmute(grace))["muting"] is False
    assert await ada.relations_to(grace) == [{"following"}]


async def test_list_relationships(users: ApiUsers) -> None:
    ada, grace, joan, edith = await users.new_users(4)
    stranger = users.unregistered_user()
    await ada.follow(grace)
    await joan.follow(ada)
    await edith.block(ada)
    assert await ada.relations_to(joan, ada, stranger, grace, edith, joan) == [
        {"followed_by"},
        set(),
        set(),
        {"following"},
        set(),
    ]


async def test_following_limit(serving: Serving) -> None:
    async with serving(following_limit="3") as users:
        ada, grace, joan, edith, private = [await users.new_user(private=n == 4) for n in range(5)]
        await ada.follow(grace)
        await ada.follow(private)  # a request counts
        await ada.follow(joan)
        answer = await ada.put(f"/v1/users/{edith.id}/follow")
        assert expect_problem(answer, 422, "following-limit-reached")["limit"] == 3
        assert (await ada.follow(joan))["following"] is True
        await private.approve(ada)
        assert await ada.counts() == (0, 3)
        await ada.unfollow(joan)
        await ada.follow(edith)


async def test_blocks_and_removed_followers_are_effective_when_answered(users: ApiUsers, readers: FakeReaders) -> None:
    ada, grace = await users.new_users(2)
    await grace.follow(ada)
    before = readers.calls
    await ada.remove(grace)
    assert readers.calls == before + 2  # post and feed
    assert readers.relations[grace.id, ada.id]["follows"] is False
    await grace.follow(ada)
    await ada.block(grace)
    assert readers.relations[grace.id, ada.id]["follows"] is False
    assert readers.relations[ada.id, grace.id]["blocks"] is True


async def test_a_block_that_post_and_feed_cannot_store_is_not_acknowledged(
    serving: Serving, readers: FakeReaders
) -> None:
    async with serving() as users:  # a process of its own: its circuit breakers stay open for a while
        ada, grace = await users.new_users(2)
        readers.down = True
        try:
            problem = expect_problem(await ada.put(f"/v1/users/{grace.id}/block"), 503, "restriction-pending")
        finally:
            readers.down = False
        assert problem["retryable"]
        assert await ada.list_ids("/v1/me/blocks") == [grace.id]  # stored, and published by its event

        async def repeat() -> int:
            return (await ada.put(f"/v1/users/{grace.id}/block")).status_code

        await eventually(repeat, until=lambda status: status == 200)
        assert readers.relations[ada.id, grace.id]["blocks"] is True


async def test_a_block_that_was_refused_is_repeated_in_the_background(serving: Serving, readers: FakeReaders) -> None:
    async with serving() as users:
        ada, grace = await users.new_users(2)
        readers.down = True
        try:
            expect_problem(await ada.put(f"/v1/users/{grace.id}/block"), 503, "restriction-pending")
        finally:
            readers.down = False
        found = await eventually(lambda: _now(readers.relations.get((ada.id, grace.id))), until=bool, within=60)
        assert found["blocks"] is True


async def _now(value: Any) -> Any:
    return value
