"""Pages of lists, while edges change."""

from __future__ import annotations

import httpx

from tests.integration.social_graph.api_users import ApiUser, ApiUsers
from tests.support.problems import expect_problem


async def follow_link(viewer: ApiUser, answer: httpx.Response) -> httpx.Response | None:
    """Gets the next page by the `Link` header, which must match the body."""
    cursor = answer.json()["next_cursor"]
    if cursor is None:
        assert "link" not in answer.headers
        return None
    url = httpx.URL(answer.headers["link"].removeprefix("<").partition(">")[0])
    assert url.params["cursor"] == cursor
    return await viewer.get(url.path, **dict(url.params.items()))


async def walk(viewer: ApiUser, path: str, **query: int) -> list[str]:
    """The ids on all pages."""
    page: httpx.Response | None = await viewer.get(path, **query)
    seen: list[str] = []
    while page is not None:
        assert page.headers["cache-control"] == "private, no-cache"
        seen += [item["id"] for item in page.json()["items"]]
        page = await follow_link(viewer, page)
    return seen


async def test_accounts_that_the_viewer_follows_come_first(users: ApiUsers) -> None:
    star, ada, *fans = await users.new_users(12)
    for fan in fans:
        await fan.follow(star)
    known = [fans[7], fans[1], fans[4]]
    for other in known:
        await ada.follow(other)
    expected = [fans[n].id for n in (7, 4, 1, 9, 8, 6, 5, 3, 2, 0)]
    path = f"/v1/users/{star.id}/followers"
    for limit in (1, 2, 3, 4, 10, 50):
        assert await walk(ada, path, limit=limit) == expected
    assert await walk(star, path, limit=3) == [fan.id for fan in reversed(fans)]


async def test_pages_neither_repeat_nor_skip_while_edges_change(users: ApiUsers) -> None:
    star, ada, *fans = await users.new_users(14)
    for fan in fans:
        await fan.follow(star)
    for n in (0, 3, 6, 9):
        await ada.follow(fans[n])
    path = f"/v1/users/{star.id}/followers"
    page = await ada.get(path, limit=3)
    assert [item["id"] for item in page.json()["items"]] == [fans[9].id, fans[6].id, fans[3].id]

    await ada.unfollow(fans[9])  # shown on the first page: must not reappear among the others
    await ada.unfollow(fans[6])
    await ada.follow(fans[6])
    await ada.follow(fans[11])  # not shown yet: must not be skipped among the others
    newcomer = await users.new_user()
    await ada.follow(newcomer)
    await newcomer.follow(star)
    await fans[5].unfollow(star)  # gone
    rest: list[str] = []
    while (following := await follow_link(ada, page)) is not None:
        page = following
        rest += [item["id"] for item in page.json()["items"]]
    assert rest == [fans[0].id, newcomer.id, *(fans[n].id for n in (11, 10, 8, 7, 4, 2, 1))]


async def test_pages_of_own_lists(users: ApiUsers) -> None:
    ada = await users.new_user(private=True)
    others = await users.new_users(5)
    for other in others:
        await other.follow(ada)
        await ada.mute(other)
    newest_first = [other.id for other in reversed(others)]
    assert await walk(ada, "/v1/me/follow-requests", limit=2) == newest_first
    assert await walk(ada, "/v1/me/mutes", limit=2) == newest_first
    for other in others:
        await ada.block(other)
    assert await walk(ada, "/v1/me/blocks", limit=2) == newest_first
    assert await walk(ada, "/v1/me/mutes", limit=2) == newest_first  # so that they can be ended


async def test_pages_of_a_list_of_mostly_hidden_accounts(users: ApiUsers) -> None:
    star, ada, *fans = await users.new_users(30)
    for fan in fans:
        await fan.follow(star)
    for fan in fans[4:]:
        await fan.block(ada)
    path = f"/v1/users/{star.id}/followers"
    assert await walk(ada, path, limit=1) == [fan.id for fan in fans[3::-1]]
    assert await walk(ada, path, limit=50) == [fan.id for fan in fans[3::-1]]


async def test_a_cursor_is_bound_to_its_list_and_viewer(users: ApiUsers) -> None:
    star, ada, *fans = await users.new_users(5)
    for fan in fans:
        await fan.follow(star)
        await star.follow(fan)
    path = f"/v1/users/{star.id}/followers"
    cursor = (await ada.get(path, limit=1)).json()["next_cursor"]
    for viewer, other in ((fans[0], path), (ada, f"/v1/users/{star.id}/following"), (ada, "/v1/me/mutes")):
        expect_problem(await viewer.get(other, cursor=cursor), 400, "invalid-cursor")
    for broken in (cursor[:-1], cursor + "A", "x", "é", "%00", "A" * 300):
        expect_problem(await ada.get(path, cursor=broken), 400, "invalid-cursor")
    expect_problem(await ada.get(path, cursor="A" * 501), 422, "invalid-request", "/cursor")
