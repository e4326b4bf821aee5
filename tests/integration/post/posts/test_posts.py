"""Posts from their creation to their publication, and edits of their texts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from photomesh_shared.events import Envelope, Event, PostCreated, PostEdited, PostFailed, PostPublished
from tests.integration.post.api_user import ApiUser
from tests.integration.post.conftest import NewUser
from tests.support.kafka import Topics
from tests.support.post.sample_events import failed, ready, rejected
from tests.support.problems import expect_problem

Make = Callable[[int, int], Envelope[Event]]
PLACE = {"name": "Lake Como", "latitude": 46.016, "longitude": 9.257}


async def test_a_post_of_ready_photos_is_published_at_once(ada: ApiUser, grace: ApiUser, topics: Topics) -> None:
    first, second = await ada.photo(), await ada.photo()
    caption = "At dusk with @grace #Sunset #日本の春"
    made = await ada.post(
        second, first, caption=caption, place=PLACE, alt_texts=[{"photo_id": first, "text": "A lake"}]
    )
    assert made["status"] == "published"
    assert (made["hashtags"], made["mentions"], made["place"]) == (["sunset", "日本の春"], ["grace"], PLACE)
    assert made["author"] == {
        "id": ada.id,
        "username": f"user{ada.account_id}",
        "display_name": "Ada L.",
        "avatar_url": None,
    }
    assert [(photo["id"], photo["alt_text"]) for photo in made["photos"]] == [(second, None), (first, "A lake")]
    assert set(made["photos"][0]["variants"]) == {"1080", "640", "320", "150"}
    assert await grace.get(f"/v1/posts/{made['id']}") == made
    photo = await grace.get(f"/v1/photos/{first}")
    assert (photo["post_id"], photo["caption"], photo["alt_text"]) == (made["id"], caption, "A lake")

    created, published = (await topics.events("posts", made["id"]))[:2]
    assert isinstance(created.data, PostCreated)
    assert isinstance(published.data, PostPublished)
    assert published.id == f"{made['id']}.published"
    assert published.entityversion > created.entityversion
    assert [len(photo.variants) for photo in published.data.photos] == [4, 4]
    assert published.data.place is not None
    assert published.data.place.model_dump() == PLACE


async def test_a_post_is_published_with_its_last_photo(ada: ApiUser, grace: ApiUser, topics: Topics) -> None:
    photos = [await ada.upload() for _ in range(3)]
    made = await ada.post(*photos)
    assert made["status"] == "processing"
    for photo_id in photos[:-1]:
        await ada.finish(photo_id, ready)
        await ada.sees(photo_id, "ready")
    seen = await ada.get(f"/v1/posts/{made['id']}")
    assert [photo["status"] for photo in seen["photos"]] == ["ready", "ready", "processing"]
    expect_problem(await grace.request("GET", f"/v1/posts/{made['id']}"), 404, "post-not-found")
    await ada.finish(photos[-1], ready)
    await grace.sees_post(made["id"], "published")
    ids = {event.id for event in await topics.events("posts", made["id"]) if isinstance(event.data, PostPublished)}
    assert ids == {f"{made['id']}.published"}


@pytest.mark.parametrize("times", range(3))
async def test_photos_that_become_ready_while_the_post_is_created(ada: ApiUser, times: int) -> None:
    photos = [await ada.upload() for _ in range(3)]
    made, *_ = await asyncio.gather(ada.post(*photos), *(ada.finish(photo_id, ready) for photo_id in photos))
    await ada.sees_post(made["id"], "published")


@pytest.mark.parametrize("outcome", [rejected, failed])
async def test_a_post_fails_for_the_reason_of_its_photo(ada: ApiUser, topics: Topics, outcome: Make) -> None:
    good, bad = await ada.photo(), await ada.upload()
    made = await ada.post(good, bad)
    await ada.finish(bad, outcome)
    seen = await ada.sees_post(made["id"], "failed")
    assert seen["reason"] == seen["photos"][1]["reason"]
    assert seen["reason"]["fix"]
    [event] = [e.data for e in await topics.events("posts", made["id"]) if isinstance(e.data, PostFailed)]
    assert event.reason.model_dump() == seen["reason"]
    again = await ada.post(good)
    assert again["status"] == "published"


async def test_the_longest_texts(ada: ApiUser) -> None:
    """Each of these characters takes 12 bytes in the request: escaped, as a surrogate pair."""
    photos = [await ada.photo() for _ in range(10)]
    alt_texts = [{"photo_id": photo, "text": "🌄" * 1_000} for photo in photos]
    post = await ada.post(*photos, caption="🌄" * 2_200, alt_texts=alt_texts)
    assert (post["caption"], {photo["alt_text"] for photo in post["photos"]}) == ("🌄" * 2_200, {"🌄" * 1_000})
    alt_texts = [{"photo_id": photo, "text": "🌅" * 1_000} for photo in photos]
    edited = await ada.edit(post["id"], caption="🌅" * 2_200, alt_texts=alt_texts)
    assert (edited["caption"], {photo["alt_text"] for photo in edited["photos"]}) == ("🌅" * 2_200, {"🌅" * 1_000})


# One photo, one post


async def test_of_concurrent_posts_with_one_photo_one_is_created(ada: ApiUser) -> None:
    shared, others = await ada.photo(), [await ada.photo() for _ in range(8)]
    answers = await asyncio.gather(
        *(ada.request("POST", "/v1/posts", {"photo_ids": [shared, other]}) for other in others)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    for answer in answers:
        if answer.status_code == 409:
            expect_problem(answer, 409, "photo-in-use", "/photo_ids/0")
    winner = next(answer for answer in answers if answer.status_code == 201).json()
    free = [photo_id for photo_id in others if photo_id not in {photo["id"] for photo in winner["photos"]}]
    await ada.post(*free)


async def test_repeated_requests_create_one_post(ada: ApiUser, topics: Topics) -> None:
    photo_id = await ada.photo()
    made = await asyncio.gather(*(ada.post(photo_id, caption="Once") for _ in range(6)))
    later = await ada.post(photo_id, caption="Once")
    assert {post["id"] for post in made} == {later["id"]}
    events = await topics.events("posts", later["id"])
    assert {(e.id, e.entityversion) for e in events if isinstance(e.data, PostCreated)} == {
        (events[0].id, events[0].entityversion)
    }
    assert (await ada.list_posts(ada.id))["items"] == [later]


async def test_idempotency_keys(ada: ApiUser) -> None:
    photo_id = await ada.photo()
    body = {"photo_ids": [photo_id], "caption": "Once"}
    first = await ada.request("POST", "/v1/posts", body, Idempotency_Key="one-and-only")
    again = await ada.request("POST", "/v1/posts", body, Idempotency_Key="one-and-only")
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    other = await ada.request("POST", "/v1/posts", body | {"caption": "Twice"}, Idempotency_Key="one-and-only")
    expect_problem(other, 422, "idempotency-key-reused")


# Editing


async def test_edits(ada: ApiUser, grace: ApiUser, topics: Topics) -> None:
    photo_id = await ada.photo()
    made = await ada.post(
        photo_id, caption="Before #one", place=PLACE, alt_texts=[{"photo_id": photo_id, "text": "A lake"}]
    )
    edited = await ada.edit(made["id"], caption="After #two")
    assert (edited["caption"], edited["hashtags"], edited["place"]) == ("After #two", ["two"], PLACE)
    assert edited["edited_at"]
    edited = await ada.edit(made["id"], place=None, alt_texts=[{"photo_id": photo_id, "text": None}])
    assert (edited["place"], edited["photos"][0]["alt_text"], edited["caption"]) == (None, None, "After #two")
    assert await grace.get(f"/v1/posts/{made['id']}") == edited
    events = await topics.events("posts", made["id"])
    assert [e.entityversion for e in events] == sorted(e.entityversion for e in events)
    last = events[-1].data
    assert isinstance(last, PostEdited)
    assert (last.caption, last.place, last.alt_texts) == ("After #two", None, (None,))


async def test_edits_of_an_old_version_are_refused(ada: ApiUser) -> None:
    made = await ada.post(await ada.photo(), caption="One")
    path = f"/v1/posts/{made['id']}"
    tag = (await ada.request("GET", path)).headers["etag"]
    done = await ada.request("PATCH", path, {"caption": "Two"}, If_Match=tag)
    assert done.status_code == 200
    assert done.headers["etag"] != tag
    late = await ada.request("PATCH", path, {"caption": "Three"}, If_Match=tag)
    expect_problem(late, 412, "precondition-failed")
    assert (await ada.get(path))["caption"] == "Two"
    both = await asyncio.gather(
        *(ada.request("PATCH", path, {"caption": text}, If_Match=done.headers["etag"]) for text in ("Four", "Five"))
    )
    assert sorted(answer.status_code for answer in both) == [200, 412]


async def test_a_deletion_of_an_old_version_is_refused(ada: ApiUser, grace: ApiUser) -> None:
    made = await ada.post(await ada.photo(), caption="One")
    path = f"/v1/posts/{made['id']}"
    tag = (await ada.request("GET", path)).headers["etag"]
    edited = (await ada.request("PATCH", path, {"caption": "Two"})).headers["etag"]
    late = await ada.request("DELETE", path, If_Match=tag)
    expect_problem(late, 412, "precondition-failed")
    assert late.headers["etag"].partition(".")[0] == edited.partition(".")[0]
    assert (await ada.get(path))["caption"] == "Two"
    assert (await ada.request("DELETE", path, If_Match=edited)).status_code == 204
    assert (await ada.request("DELETE", path, If_Match=edited)).status_code == 204
    expect_problem(await ada.request("GET", path), 404, "post-not-found")


async def test_a_list_has_an_entity_tag(ada: ApiUser) -> None:
    path = f"/v1/users/{ada.id}/posts"
    made = await ada.post(await ada.photo())
    tag = (await ada.request("GET", path)).headers["etag"]
    assert (await ada.request("GET", path, If_None_Match=tag)).status_code == 304
    assert (await ada.request("PATCH", f"/v1/posts/{made['id']}", {"caption": "Two"})).status_code == 200
    assert (await ada.request("GET", path, If_None_Match=tag)).status_code == 200


@pytest.mark.parametrize("digits", ["zzzzzzzzzzz", "00", "AzL8n0Y58m7"])
async def test_an_id_that_exists_nowhere_is_not_found(ada: ApiUser, digits: str) -> None:
    expect_problem(await ada.request("GET", f"/v1/posts/o_{digits}"), 404, "post-not-found")
    expect_problem(await ada.request("DELETE", f"/v1/posts/o_{digits}"), 404, "post-not-found")
    expect_problem(await ada.request("GET", f"/v1/photos/p_{digits}"), 404, "photo-not-found")


async def test_only_the_author_edits_and_deletes(ada: ApiUser, grace: ApiUser, new_user: NewUser) -> None:
    made = await ada.post(await ada.photo())
    path = f"/v1/posts/{made['id']}"
    expect_problem(await grace.request("PATCH", path, {"caption": "Mine"}), 403, "not-your-post")
    expect_problem(await grace.request("DELETE", path), 403, "not-your-post")
    recluse = await new_user(private=True)
    hidden = await recluse.post(await recluse.photo())
    for method, body in (("PATCH", {"caption": "Mine"}), ("DELETE", None), ("GET", None)):
        answer = await grace.request(method, f"/v1/posts/{hidden['id']}", body)
        expect_problem(answer, 404, "post-not-found")
    assert (await ada.get(path))["caption"] == ""


# Who sees what


async def test_reading_needs_no_token_but_refuses_a_forged_one(ada: ApiUser) -> None:
    photo_id = await ada.photo()
    made = await ada.post(photo_id)
    for path in (f"/v1/posts/{made['id']}", f"/v1/photos/{photo_id}", f"/v1/users/{ada.id}/posts"):
        assert (await ada.api.get(path)).status_code == 200
        forged = await ada.api.get(path, headers={"Authorization": "Bearer not.a.token"})
        expect_problem(forged, 401, "invalid-token")
    for method, path in (("POST", "/v1/posts"), ("PATCH", f"/v1/posts/{made['id']}"), ("DELETE", "/v1/posts/o_1")):
        answer = await ada.api.request(method, path, json={"photo_ids": [photo_id]} if method == "POST" else {})
        expect_problem(answer, 401, "missing-token")


async def test_posts_are_hidden_when_their_account_becomes_private(ada: ApiUser, grace: ApiUser) -> None:
    photo_id = await ada.photo()
    made = await ada.post(photo_id)
    await ada.platform.register(ada.account_id, private=True, version=2)
    path = f"/v1/posts/{made['id']}"
    await grace.until_status(path, 404)
    expect_problem(await grace.request("GET", f"/v1/photos/{photo_id}"), 404, "photo-not-found")
    assert (await grace.list_posts(ada.id)) == {"items": [], "next_cursor": None}
    assert [post["id"] for post in (await ada.list_posts(ada.id))["items"]] == [made["id"]]
    await ada.platform.register(ada.account_id, private=False, version=3)
    await grace.until_status(path, 200)


async def test_polling_a_post_is_cheap(ada: ApiUser) -> None:
    waiting = await ada.upload()
    made = await ada.post(waiting)
    path = f"/v1/posts/{made['id']}"
    tag = (await ada.request("GET", path)).headers["etag"]
    assert (await ada.request("GET", path, If_None_Match=tag)).status_code == 304
    await ada.finish(waiting, ready)
    await ada.sees_post(made["id"], "published")
    assert (await ada.request("GET", path, If_None_Match=tag)).status_code == 200
