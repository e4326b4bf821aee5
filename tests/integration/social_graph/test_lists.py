"""Pages of lists, while people come and go."""

from __future__ import annotations

import httpx

from tests.integration.social_graph.people import People, Person
from tests.support.problems import expect_problem


async def follow_link(viewer: Person, answer: httpx.Response) -> httpx.Response | None:
    """The next page, by the `Link` header, which must say the same as the body."""
    cursor = answer.json()["next_cursor"]
    if cursor is None:
        assert "link" not in answer.headers
        return None
    url = httpx.URL(answer.headers["link"].removeprefix("<").partition(">")[0])
    assert url.params["cursor"] == cursor
    return await viewer.get(url.path, **dict(url.params.items()))


async def walk(viewer: Person, path: str, **query: int) -> list[str]:
    """The ids on all pages."""
    page: httpx.Response | None = await viewer.get(path, **query)
    seen: list[str] = []
    while page is not None:
        assert page.headers["cache-control"] == "private, no-cache"
        seen += [item["id"] for item in page.json()["items"]]
        page = await follow_link(viewer, page)
    return seen


async def test_whom_the_viewer_knows_come_first(people: People) -> None:
    star, ada, *fans = await people.several(12)
    for fan in fans:
        await fan.follow(star)
    known = [fans[7], fans[1], fans[4]]
    for other in known:
        await ada.follow(other)
    expected = [fans[n].id for n in (7, 4, 1, 9, 8, 6, 5, 3, 2, 0)]
    path = f"/v1/users/{star.id}/followers"
    for limit in (1, 2, 3, 4, 10, 100):
        assert await walk(ada, path, limit=limit) == expected
    assert await walk(star, path, limit=3) == [fan.id for fan in reversed(fans)]


async def test_pages_neither_repeat_nor_skip_while_edges_change(people: People) -> None:
    star, ada, *fans = await people.several(14)
    for fan in fans:
        await fan.follow(star)
    for n in (0, 3, 6, 9):
        await ada.follow(fans[n])
    path = f"/v1/users/{star.id}/followers"
    page = await ada.get(path, limit=3)
    assert [item["id"] for item in page.json()["items"]] == [fans[9].id, fans[6].id, fans[3].id]

    await ada.unfollow(fans[9])  # shown already: not to be shown again with the others
    await ada.unfollow(fans[6])
    await ada.follow(fans[6])
    await ada.follow(fans[11])  # not shown yet: not to be left out of the others
    newcomer = await people.somebody()
    await ada.follow(newcomer)
    await newcomer.follow(star)
    await fans[5].unfollow(star)  # gone
    rest: list[str] = []
    while (following := await follow_link(ada, page)) is not None:
        page = following
        rest += [item["id"] for item in page.json()["items"]]
    assert rest == [fans[0].id, newcomer.id, *(fans[n].id for n in (11, 10, 8, 7, 4, 2, 1))]


async def test_own_lists_have_pages(people: People) -> None:
    ada = await people.somebody(private=True)
    others = await people.several(5)
    for other in others:
        await other.follow(ada)
        await ada.mute(other)
    newest_first = [other.id for other in reversed(others)]
    assert await walk(ada, "/v1/me/follow-requests", limit=2) == newest_first
    assert await walk(ada, "/v1/me/mutes", limit=2) == newest_first
    for other in others:
        await ada.block(other)
    assert await walk(ada, "/v1/me/blocks", limit=2) == newest_first
    assert await walk(ada, "/v1/me/mutes", limit=2) == []


async def test_a_page_of_many_hidden_ones_ends(people: People) -> None:
    star, ada, *fans = await people.several(30)
    for fan in fans:
        await fan.follow(star)
    for fan in fans[4:]:
        await fan.block(ada)
    path = f"/v1/users/{star.id}/followers"
    assert await walk(ada, path, limit=1) == [fan.id for fan in fans[3::-1]]
    assert await walk(ada, path, limit=100) == [fan.id for fan in fans[3::-1]]


async def test_a_cursor_belongs_to_its_list_and_reader(people: People) -> None:
    star, ada, *fans = await people.several(5)
    for fan in fans:
        await fan.follow(star)
        await star.follow(fan)
    path = f"/v1/users/{star.id}/followers"
    cursor = (await ada.get(path, limit=1)).json()["next_cursor"]
    for viewer, other in ((fans[0], path), (ada, f"/v1/users/{star.id}/following"), (ada, "/v1/me/mutes")):
        expect_problem(await viewer.get(other, cursor=cursor), 400, "invalid-cursor")
    for broken in (cursor[:-1], cursor + "A", "x", "é", "%00", "A" * 300):
        expect_problem(await ada.get(path, cursor=broken), 400, "invalid-cursor")
    expect_problem(await ada.get(path, cursor="A" * 301), 422, "invalid-request", "#query/cursor")
