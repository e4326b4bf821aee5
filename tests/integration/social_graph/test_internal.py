"""Routes for other services."""

from __future__ import annotations

import asyncio
import struct

import httpx

from photomesh_shared.ids import decode
from tests.integration.social_graph.api_users import ApiUser, ApiUsers


def unpacked(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    return list(struct.unpack(f">{len(answer.content) // 8}q", answer.content))


async def test_pages_of_follower_ids(users: ApiUsers) -> None:
    star, *fans = await users.new_users(8)
    for fan in reversed(fans):
        await fan.follow(star)
    await star.mute(fans[0])
    path = f"/internal/accounts/{star.id}/followers"
    ids = [fan.number for fan in fans]
    assert unpacked(await users.api.get(path)) == ids
    first = unpacked(await users.api.get(path, params={"limit": 5}))
    assert first == ids[:5]
    assert unpacked(await users.api.get(path, params={"limit": 5, "after": first[-1]})) == ids[5:]
    assert unpacked(await users.api.get(path, params={"after": ids[-1]})) == []
    assert unpacked(await users.api.get(f"/internal/accounts/{users.unregistered_user().id}/followers")) == []


async def test_followed_and_muted_accounts(users: ApiUsers) -> None:
    ada, grace, joan, edith = await users.new_users(4)
    await ada.follow(grace)
    await ada.unfollow(grace)
    await ada.follow(grace)
    await ada.follow(joan)
    await ada.mute(joan)
    await ada.mute(edith)
    path = f"/internal/accounts/{ada.id}/following"
    body = (await users.api.get(path)).json()
    followed, muted = dict(body.pop("following")), dict(body.pop("muted"))
    assert sorted(followed) == [grace.number, joan.number]
    assert sorted(muted) == [joan.number, edith.number]
    assert followed[joan.number] == muted[joan.number], "the version is the pair's"
    assert body.pop("ended") == []
    await ada.unfollow(grace)
    await ada.unmute(edith)
    body = (await users.api.get(path)).json()
    assert body.pop("following") == [[joan.number, followed[joan.number]]]
    assert body.pop("muted") == [[joan.number, muted[joan.number]]]
    ended = dict(body.pop("ended"))
    assert sorted(ended) == [grace.number, edith.number]
    assert ended[grace.number] > followed[grace.number]
    assert ended[edith.number] > muted[edith.number]
    assert body == {}
    nobody = await users.api.get(f"/internal/accounts/{users.unregistered_user().id}/following")
    assert nobody.json() == {"following": [], "muted": [], "ended": []}
    assert nobody.headers["content-type"] == "application/json"


async def test_summary_of_an_account(users: ApiUsers) -> None:
    ada, grace = await users.new_users(2)
    await ada.follow(grace)
    await ada.block(grace)

    async def summary(of: ApiUser, viewer: ApiUser | None) -> dict[str, object]:
        query = {"viewer_id": viewer.id} if viewer else {}
        answer = await users.api.get(f"/internal/accounts/{of.id}/summary", params=query)
        assert answer.status_code == 200
        body: dict[str, object] = answer.json()
        return body

    nothing = {"followers": 0, "following": 0, "relationship": None, "blocked_by": False}
    assert (
        await summary(ada, None) == await summary(ada, ada) == await summary(users.unregistered_user(), None) == nothing
    )
    seen = await summary(grace, ada)
    assert seen["blocked_by"] is False
    assert isinstance(seen["relationship"], dict)
    assert seen["relationship"]["blocking"] is True
    assert (await summary(ada, grace))["blocked_by"] is True


async def test_an_account_is_stored_ahead_of_its_event(users: ApiUsers) -> None:
    ada, *fans = await users.new_users(4)

    async def put(version: int, *, private: bool) -> int:
        body = {
            "version": version,
            "username": "ada",
            "display_name": "Ada",
            "avatar_url": None,
            "private": private,
        }
        answer = await users.api.put(f"/internal/accounts/{ada.id}", json=body)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["version"])

    assert await put(2, private=True) == 2
    assert (await fans[0].follow(ada))["requested"] is True
    assert await fans[1].list_ids(f"/v1/users/{ada.id}/followers") == []
    await users.update_account(ada, private=False, version=1)  # the consumer is behind
    assert await put(1, private=False) == 2
    assert (await fans[1].follow(ada))["requested"] is True
    await users.update_account(ada, private=True, version=2)
    await users.update_account(ada, private=False, version=3)
    assert await put(2, private=True) == 3
    assert (await fans[2].follow(ada))["following"] is True


async def test_neighbours(users: ApiUsers) -> None:
    ada, grace, joan, edith, star, other = await users.new_users(6)
    for friend in (grace, joan, edith):
        await ada.follow(friend)
    await grace.follow(star)
    for followee in (star, other, grace, ada):
        await joan.follow(followee)
    await ada.block(other)
    await edith.block(ada)
    found = (await users.api.get(f"/internal/accounts/{ada.id}/neighbours")).json()
    assert found["followed"] == [joan.id, grace.id]
    assert found["near"] == [star.id, *sorted((grace.id, other.id), key=lambda one: decode("u", one))]
    assert found["blocked"] == [other.id]
    nobody = await users.api.get(f"/internal/accounts/{users.unregistered_user().id}/neighbours")
    assert nobody.json() == {"followed": [], "near": [], "blocked": []}


async def test_popular_accounts(users: ApiUsers) -> None:
    star, other, *fans = await users.new_users(6)
    for fan in fans:
        await fan.follow(star)
    for fan in fans[:3]:
        await fan.follow(other)
    found = (await users.api.get("/internal/popular", params={"at_least": 3})).json()
    assert [entry for entry in found if entry[0] in (star.number, other.number)] == [
        [star.number, 4],
        [other.number, 3],
    ]
    found = (await users.api.get("/internal/popular", params={"at_least": 4})).json()
    assert other.number not in [account_id for account_id, _ in found]
    assert (await users.api.get("/internal/popular")).json() == []


async def test_coalesces_concurrent_identical_reads(users: ApiUsers) -> None:
    star, *fans = await users.new_users(4)
    for fan in fans:
        await fan.follow(star)
    pool = users.api._transport.app.state.deps.store._pool  # type: ignore[attr-defined]
    reads = 0

    def count(_: object) -> None:
        nonlocal reads
        reads += 1

    connections = [await pool.acquire() for _ in range(pool.get_max_size() - 1)]  # the relay has one
    for each in connections:
        each.add_query_logger(count)
        await pool.release(each)
    path = f"/internal/accounts/{star.id}/summary"
    answers = await asyncio.gather(*(users.api.get(path) for _ in range(1_000)))
    assert {answer.json()["followers"] for answer in answers} == {3}
    assert 0 < reads <= 100
