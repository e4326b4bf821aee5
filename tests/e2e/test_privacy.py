"""Going private takes effect before it is acknowledged."""

from __future__ import annotations

from demo.client import Account, Platform


async def test_a_follow_after_going_private_is_a_request(platform: Platform, ada: Account, grace: Account) -> None:
    for _ in range(10):
        await platform.call("PATCH", "/v1/me", ada, json={"private": False})
        await platform.call("DELETE", f"/v1/users/{ada.id}/follow", grace)
        await platform.call("PATCH", "/v1/me", ada, json={"private": True})
        relationship = await platform.call("PUT", f"/v1/users/{ada.id}/follow", grace)
        assert (relationship["requested"], relationship["following"]) == (True, False)
