"""Follows, blocks and private accounts, from their events to what each path shows."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from photomesh_shared.events import Envelope, Event
from photomesh_shared.ids import encode
from tests.integration.post.api_user import ApiUser
from tests.integration.post.conftest import NewUser
from tests.support.post.sample_events import blocked, followed, unblocked, unfollowed
from tests.support.problems import expect_problem
from tests.support.waiting import eventually

Relation = Callable[[int, int, int], Envelope[Event]]


async def _publish(user: ApiUser, relation: Relation, other: ApiUser, version: int, *, times: int = 1) -> None:
    await user.platform.publish(relation(user.account_id, other.account_id, version), times=times)


async def _published(author: ApiUser) -> tuple[str, str]:
    photo_id = await author.photo()
    return photo_id, (await author.post(photo_id))["id"]


async def _sees(viewer: ApiUser, author: ApiUser, photo_id: str, post_id: str) -> set[bool]:
    """Whether the viewer sees the post, by each path: one value if the paths agree."""
    statuses = [
        (await viewer.request("GET", path)).status_code for path in (f"/v1/posts/{post_id}", f"/v1/photos/{photo_id}")
    ]
    listed = (await viewer.list_posts(author.id))["items"]
    return {*(status == 200 for status in statuses), any(post["id"] == post_id for post in listed)}


async def _until(viewer: ApiUser, author: ApiUser, published: tuple[str, str], *, sees: bool) -> None:
    await eventually(lambda: _sees(viewer, author, *published), until=lambda seen: seen == {sees}, within=30)


async def test_a_private_account_is_visible_to_its_followers(consumer: None, new_user: NewUser, grace: ApiUser) -> None:
    ada = await new_user(private=True)
    published = await _published(ada)
    await _until(grace, ada, published, sees=False)
    await _publish(grace, followed, ada, 1)
    await _until(grace, ada, published, sees=True)
    await _publish(grace, unfollowed, ada, 2)
    await _until(grace, ada, published, sees=False)
    await _until(ada, ada, published, sees=True)


async def test_a_block_hides_both_ways_and_from_no_others(ada: ApiUser, grace: ApiUser, new_user: NewUser) -> None:
    linus = await new_user()
    of_ada, of_grace = await _published(ada), await _published(grace)
    await _publish(grace, followed, ada, 1)
    await _publish(ada, blocked, grace, 1, times=2)
    await _until(grace, ada, of_ada, sees=False)
    await _until(ada, grace, of_grace, sees=False)
    await _until(linus, ada, of_ada, sees=True)
    await _publish(ada, unblocked, grace, 2)
    await _until(grace, ada, of_ada, sees=True)
    await _until(ada, grace, of_grace, sees=True)


async def test_late_events_change_nothing(ada: ApiUser, grace: ApiUser) -> None:
    published = await _published(ada)
    await _publish(ada, blocked, grace, 3)
    await _until(grace, ada, published, sees=False)
    await _publish(ada, blocked, grace, 1)
    await _publish(ada, unblocked, grace, 2)
    await _publish(ada, unblocked, grace, 4)
    await _until(grace, ada, published, sees=True)
    await _publish(ada, blocked, grace, 3)
    await _publish(grace, blocked, ada, 1)
    await _until(grace, ada, published, sees=False)
    await _publish(grace, unblocked, ada, 2)
    await _until(grace, ada, published, sees=True)


async def test_making_an_account_private_and_public_again(ada: ApiUser, grace: ApiUser, new_user: NewUser) -> None:
    linus = await new_user()
    published = await _published(ada)
    await _publish(linus, followed, ada, 1)
    for version, private in ((2, True), (3, False), (4, True)):
        await ada.platform.register(ada.account_id, private=private, version=version)
        await _until(grace, ada, published, sees=not private)
        await _until(linus, ada, published, sees=True)


async def test_a_post_hidden_by_a_block_cannot_be_told_from_an_absent_one(
    ada: ApiUser, grace: ApiUser, new_id: Callable[[], int]
) -> None:
    photo_id, post_id = await _published(ada)
    await _publish(ada, blocked, grace, 1)
    await _until(grace, ada, (photo_id, post_id), sees=False)

    def shape(answer: httpx.Response, own: str) -> tuple[int, object, object]:
        body = {name: value for name, value in answer.json().items() if name not in ("request_id", "instance")}
        headers = {name: value for name, value in answer.headers.items() if name not in ("request-id", "date")}
        assert own not in str(body)
        return answer.status_code, body, headers

    body = {"caption": "mine"}
    for method, hidden, absent in (
        ("GET", f"/v1/posts/{post_id}", "/v1/posts/o_1"),
        ("PATCH", f"/v1/posts/{post_id}", "/v1/posts/o_1"),
        ("DELETE", f"/v1/posts/{post_id}", "/v1/posts/o_1"),
    ):
        content = body if method == "PATCH" else None
        answers = [await grace.request(method, path, content) for path in (hidden, absent)]
        expect_problem(answers[0], 404, "post-not-found")
        assert shape(answers[0], post_id) == shape(answers[1], post_id)
    # As young as ada: lists of accounts of less than a minute are empty rather than absent.
    assert await grace.list_posts(ada.id) == await grace.list_posts(encode("u", new_id()))


async def test_a_block_is_effective_ahead_of_its_event(ada: ApiUser, grace: ApiUser) -> None:
    """As social-graph writes it through. The events that follow, and earlier ones, change nothing."""
    published = await _published(ada)
    await _publish(grace, followed, ada, 1)
    states = [
        {"account_id": ada.id, "other_id": grace.id, "version": 3, "follows": False, "blocks": True},
        {"account_id": grace.id, "other_id": ada.id, "version": 2, "follows": False, "blocks": False},
    ]
    assert (await ada.api.put("/internal/relations", json={"relations": states})).status_code == 200
    assert await _sees(grace, ada, *published) == {False}
    await _publish(ada, blocked, grace, 3)
    await _publish(ada, unblocked, grace, 2)
    await _publish(grace, followed, ada, 1)
    await _publish(ada, unblocked, grace, 4)
    await _until(grace, ada, published, sees=True)


async def test_going_private_is_effective_ahead_of_its_event(ada: ApiUser, grace: ApiUser) -> None:
    published = await _published(ada)
    await _until(grace, ada, published, sees=True)
    state = {"version": 7, "username": "ada", "display_name": "Ada", "avatar_url": None, "private": True}
    assert (await ada.api.put(f"/internal/accounts/{ada.id}", json=state)).status_code == 200
    assert await _sees(grace, ada, *published) == {False}
    await ada.platform.register(ada.account_id, private=False, version=6)
    await ada.platform.register(ada.account_id, private=False, version=8)
    await _until(grace, ada, published, sees=True)
