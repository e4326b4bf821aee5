"""What social-graph gives to the export of an account."""

from __future__ import annotations

from tests.integration.social_graph.api_users import ApiUsers
from tests.support.exports import pages_of


async def test_edges_by_ownership_and_page_by_page(users: ApiUsers) -> None:
    ada, *others = await users.new_users(9)
    followee, both, former, blocked, muted, asked_by, fan, blocker = others
    private = await users.new_user(private=True)
    await ada.follow(followee)
    await both.follow(ada)
    await ada.follow(both)
    await ada.follow(former)
    await ada.unfollow(former)
    await ada.block(blocked)
    await ada.mute(muted)
    await ada.follow(private)
    await fan.follow(ada)
    await blocker.block(ada)
    for fan_of_ada in (both, fan):
        assert (await ada.put(f"/v1/me/close-friends/{fan_of_ada.id}")).status_code == 204
    assert (await both.put(f"/v1/me/close-friends/{ada.id}")).status_code == 204
    assert (await ada.delete(f"/v1/me/close-friends/{both.id}")).status_code == 204
    await users.update_account(ada, private=True, version=2)
    await asked_by.follow(ada)
    await private.follow(ada)

    async def of(section: str, limit: int) -> list[str]:
        return [item["account_id"] for item in await pages_of(users.api, ada.id, section, limit=limit)]

    for limit in (1, 2, 500):
        assert await of("following", limit) == [followee.id, both.id]
        assert await of("followers", limit) == [both.id, fan.id]
        assert await of("blocks", limit) == [blocked.id]
        assert await of("mutes", limit) == [muted.id]
        assert await of("former_follows", limit) == [former.id]
        assert await of("close_friends", limit) == [fan.id]  # and not that `both` has her on its list
    for limit in (1, 3):
        requests = await pages_of(users.api, ada.id, "follow_requests", limit=limit)
        assert sorted((item["account_id"], item["direction"]) for item in requests) == sorted(
            [(private.id, "sent"), (asked_by.id, "received"), (private.id, "received")]
        )
    [item] = await pages_of(users.api, ada.id, "blocks")
    assert item.keys() == {"account_id", "username", "since"}
    assert item["username"]
