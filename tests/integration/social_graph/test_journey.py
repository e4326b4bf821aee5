"""Following, asking, blocking and muting, as people see it."""

from __future__ import annotations

from tests.integration.social_graph.conftest import Serving
from tests.integration.social_graph.people import People
from tests.support.problems import expect_problem


async def test_following_and_no_longer(people: People) -> None:
    ada, grace = await people.several(2)
    assert await ada.follow(grace) == {
        "user_id": grace.id,
        "following": True,
        "requested": False,
        "followed_by": False,
        "requested_by": False,
        "blocking": False,
        "muting": False,
    }
    assert await grace.stands_to(ada) == [{"followed_by"}]
    assert await ada.listed(f"/v1/users/{grace.id}/followers") == [ada.id]
    assert await grace.listed(f"/v1/users/{ada.id}/following") == [grace.id]
    assert (await ada.counts(), await grace.counts()) == ((0, 1), (1, 0))
    assert await ada.follow(grace) == await ada.follow(grace)
    assert await grace.counts() == (1, 0)
    assert (await ada.unfollow(grace))["following"] is False
    assert (await ada.unfollow(grace))["following"] is False
    assert await grace.stands_to(ada) == [set()]
    assert await ada.listed(f"/v1/users/{grace.id}/followers") == []
    assert (await ada.counts(), await grace.counts()) == ((0, 0), (0, 0))


async def test_what_lists_show(people: People) -> None:
    ada, grace = await people.several(2)
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


async def test_a_private_account_is_asked(people: People) -> None:
    ada, grace, joan, edith = [await people.somebody(private=n == 0) for n in range(4)]
    for other in (grace, joan, edith):
        assert (await other.follow(ada))["requested"] is True
    assert await ada.counts() == (0, 0)
    assert await ada.stands_to(grace) == [{"requested_by"}]
    assert await ada.listed("/v1/me/follow-requests") == [edith.id, joan.id, grace.id]
    assert (await ada.approve(grace))["followed_by"] is True
    assert (await ada.approve(grace))["followed_by"] is True  # again
    assert (await ada.deny(joan))["requested_by"] is False
    assert (await ada.deny(joan))["requested_by"] is False
    assert (await edith.unfollow(ada))["requested"] is False
    assert await ada.listed("/v1/me/follow-requests") == []
    assert await grace.stands_to(ada) == [{"following"}]
    assert await ada.counts() == (1, 0)
    expect_problem(await ada.put(f"/v1/me/follow-requests/{joan.id}"), 404, "follow-request-not-found")
    assert (await ada.remove(grace))["followed_by"] is False
    assert (await ada.remove(grace))["followed_by"] is False
    assert await ada.counts() == (0, 0)


async def test_everybody_who_asks_is_let_in_when_an_account_opens(people: People) -> None:
    ada, *others = [await people.somebody(private=n == 0) for n in range(4)]
    for other in others:
        await other.follow(ada)
    await people.change(ada, private=True, version=2)
    assert await ada.counts() == (0, 0)
    await people.change(ada, private=False, version=3)
    await people.change(ada, private=False, version=3)
    assert await ada.counts() == (3, 0)
    assert await ada.listed("/v1/me/follow-requests") == []
    await people.change(ada, private=True, version=2)  # late, and of no consequence
    newcomer = await people.somebody()
    assert (await newcomer.follow(ada))["following"] is True
    await people.change(ada, private=True, version=4)
    assert await ada.counts() == (4, 0)


async def test_a_block_ends_everything_between_two(people: People) -> None:
    ada, grace = await people.several(2)
    await ada.follow(grace)
    await grace.follow(ada)
    await grace.mute(ada)
    assert (await ada.block(grace))["blocking"] is True
    assert (await ada.block(grace))["blocking"] is True
    assert await ada.stands_to(grace) == [{"blocking"}]
    assert await grace.stands_to(ada) == [set()]
    assert (await ada.counts(), await grace.counts()) == ((0, 0), (0, 0))
    assert await ada.listed("/v1/me/blocks") == [grace.id]
    assert await grace.listed("/v1/me/blocks") == []
    assert await grace.listed("/v1/me/mutes") == []
    assert (await ada.unblock(grace))["blocking"] is False
    assert (await ada.unblock(grace))["blocking"] is False
    assert await grace.stands_to(ada) == [{"muting"}]
    assert await grace.listed("/v1/me/mutes") == [ada.id]
    assert (await grace.follow(ada))["following"] is True


async def test_a_block_closes_requests_both_ways(people: People) -> None:
    ada, grace = [await people.somebody(private=True) for _ in range(2)]
    await ada.follow(grace)
    await grace.follow(ada)
    await ada.block(grace)
    await ada.unblock(grace)
    assert await ada.stands_to(grace) == [set()]
    assert await grace.stands_to(ada) == [set()]
    assert await ada.listed("/v1/me/follow-requests") == []
    assert await grace.listed("/v1/me/follow-requests") == []


async def test_muting_is_quiet(people: People) -> None:
    ada, grace = await people.several(2)
    await ada.follow(grace)
    assert (await ada.mute(grace))["muting"] is True
    assert await ada.listed("/v1/me/mutes") == [grace.id]
    assert await grace.stands_to(ada) == [{"followed_by"}]
    assert await grace.listed("/v1/me/mutes") == []
    assert (await ada.unmute(grace))["muting"] is False
    assert await ada.stands_to(grace) == [{"following"}]


async def test_the_relationship_to_many_at_once(people: People) -> None:
    ada, grace, joan, edith = await people.several(4)
    stranger = people.unknown()
    await ada.follow(grace)
    await joan.follow(ada)
    await edith.block(ada)
    assert await ada.stands_to(joan, ada, stranger, grace, edith, joan) == [
        {"followed_by"},
        set(),
        set(),
        {"following"},
        set(),
    ]


async def test_nobody_follows_more_than_the_limit(serving: Serving) -> None:
    async with serving(following_limit="3") as people:
        ada, grace, joan, edith, private = [await people.somebody(private=n == 4) for n in range(5)]
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
