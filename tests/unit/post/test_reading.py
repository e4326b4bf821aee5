"""What is shown to whom."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_post.errors import PhotoNotFound, PostNotFound
from photomesh_post.posts.domain import PhotoStatus, PostStatus
from tests.support.clock import settle
from tests.unit.post.world import ADA, GRACE, World, account, ready, rejected, uploaded

NOBODY = None


@pytest.fixture
async def world() -> World:
    world = World()
    await world.consume(account(ADA), account(GRACE))
    return world


async def sees_photo(world: World, viewer: int | None, photo_id: int) -> bool:
    try:
        await world.outlast(world.views.photo(viewer, photo_id))
    except PhotoNotFound:
        return False
    return True


async def sees_post(world: World, viewer: int | None, post_id: int) -> bool:
    try:
        await world.views.post(viewer, post_id)
    except PostNotFound:
        return False
    return True


async def test_a_photo_without_a_post_is_its_owners(world: World) -> None:
    photo = await world.photo()
    assert [await sees_photo(world, viewer, photo) for viewer in (ADA, GRACE, NOBODY)] == [True, False, False]


async def test_a_published_photo_is_everybodys(world: World) -> None:
    photo = await world.photo()
    post = await world.post(photo)
    for viewer in (ADA, GRACE, NOBODY):
        assert await sees_post(world, viewer, post)
        view = await world.views.photo(viewer, photo)
        assert view.post is not None
        assert view.post.id == post


async def test_a_processing_post_and_its_ready_photos_are_the_authors(world: World) -> None:
    photo, waiting = await world.photo(), world.ids.next()
    await world.consume(uploaded(waiting))
    post = await world.post(photo, waiting)
    for viewer, allowed in ((ADA, True), (GRACE, False), (NOBODY, False)):
        assert await sees_post(world, viewer, post) is allowed
        assert await sees_photo(world, viewer, photo) is allowed
        assert await sees_photo(world, viewer, waiting) is allowed
    await world.consume(rejected(waiting))
    for viewer, allowed in ((ADA, True), (GRACE, False), (NOBODY, False)):
        assert await sees_post(world, viewer, post) is allowed
        assert await sees_photo(world, viewer, photo) is allowed
    assert (await world.views.photo(ADA, photo)).post is None, "a failed post has no photos"


async def test_what_a_private_account_posts_is_hidden(world: World) -> None:
    photo = await world.photo()
    post = await world.post(photo)
    await world.consume(account(ADA, private=True, version=2))
    for viewer, allowed in ((ADA, True), (GRACE, False), (NOBODY, False)):
        assert await sees_post(world, viewer, post) is allowed
        assert await sees_photo(world, viewer, photo) is allowed
        found, _ = await world.views.posts_of(viewer, ADA, before=None, limit=10)
        assert bool(found) is allowed


async def test_an_account_that_nothing_is_known_of_is_hidden() -> None:
    world = World()
    photo = await world.photo()
    post = await world.post(photo)
    assert await sees_post(world, ADA, post)
    assert not await sees_post(world, GRACE, post)
    assert not await sees_photo(world, NOBODY, photo)


async def test_a_hidden_photo_answers_as_one_that_does_not_exist(world: World) -> None:
    hidden, absent = await world.photo(), world.ids.next()
    answers = []
    for photo in (hidden, absent):
        started = world.clock.monotonic()
        with pytest.raises(PhotoNotFound) as refused:
            await world.outlast(world.views.photo(GRACE, photo))
        waited = world.clock.monotonic() - started
        answers.append((str(refused.value), refused.value.extensions, refused.value.headers, round(waited)))
    assert answers[0] == answers[1]
    assert answers[0][1:] == ({"retryable": True}, {"Retry-After": "1"}, 2)


async def test_right_after_its_upload_a_photo_is_waited_for(world: World) -> None:
    photo = world.ids.next()
    looking = asyncio.create_task(world.views.photo(ADA, photo))
    await settle()
    await world.clock.advance(1)
    await world.consume(uploaded(photo))
    await world.clock.advance(0.5)
    assert (await looking).photo.status is PhotoStatus.PROCESSING


@pytest.mark.parametrize("viewer", [ADA, NOBODY])
async def test_an_old_id_is_not_waited_for(world: World, viewer: int | None) -> None:
    photo = world.ids.next()
    await world.clock.advance(90_000)
    with pytest.raises(PhotoNotFound) as refused:
        await world.views.photo(viewer, photo)
    assert "retryable" not in refused.value.extensions


async def test_nobody_waits_who_is_not_logged_in(world: World) -> None:
    with pytest.raises(PhotoNotFound):
        await world.views.photo(NOBODY, world.ids.next())


async def test_an_id_from_the_future_is_not_waited_for(world: World) -> None:
    with pytest.raises(PhotoNotFound):
        await world.views.photo(ADA, (1 << 63) - 1)


async def test_ready_before_uploaded(world: World) -> None:
    photo = world.ids.next()
    await world.consume(ready(photo))
    assert (await world.views.photo(ADA, photo)).photo.status is PhotoStatus.READY


async def test_pages_neither_repeat_nor_skip_while_posts_come_and_go(world: World) -> None:
    posts = []
    for _ in range(7):
        posts.append(await world.post(await world.photo()))
        await world.clock.advance(20 * 86_400)  # over several months
    newest_first = posts[::-1]
    seen, before = [], None
    page, before = await world.views.posts_of(GRACE, ADA, before=None, limit=3)
    seen += [view.post.id for view in page]
    await world.post(await world.photo())
    await world.service.delete(ADA, newest_first[2])
    await world.service.delete(ADA, newest_first[4])
    while before is not None:
        page, before = await world.views.posts_of(GRACE, ADA, before=before, limit=3)
        seen += [view.post.id for view in page]
    assert seen == [post for post in newest_first if post != newest_first[4]]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_the_last_page_says_that_it_is_the_last(world: World, limit: int) -> None:
    for _ in range(4):
        await world.post(await world.photo())
    pages, before = [], None
    while True:
        page, before = await world.views.posts_of(NOBODY, ADA, before=before, limit=limit)
        pages.append(len(page))
        if before is None:
            break
    assert sum(pages) == 4
    assert 0 not in pages


async def test_others_list_what_is_published_and_the_author_lists_all(world: World) -> None:
    published, waiting = await world.post(await world.photo()), world.ids.next()
    await world.consume(uploaded(waiting))
    processing = await world.post(waiting)
    own, _ = await world.views.posts_of(ADA, ADA, before=None, limit=10)
    others, _ = await world.views.posts_of(GRACE, ADA, before=None, limit=10)
    assert [(view.post.id, view.post.status) for view in own] == [
        (processing, PostStatus.PROCESSING),
        (published, PostStatus.PUBLISHED),
    ]
    assert [view.post.id for view in others] == [published]
