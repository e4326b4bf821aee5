"""What viewers see of posts and photos."""

from __future__ import annotations

import pytest

from photomesh_post.errors import PhotoNotFound, PostNotFound
from photomesh_post.posts.domain import PostStatus
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, GRACE, account, rejected, uploaded

NOBODY = None


@pytest.fixture
async def service() -> InMemoryService:
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE))
    return service


async def sees_photo(service: InMemoryService, viewer: int | None, photo_id: int) -> bool:
    try:
        await service.outlast(service.photo_queries.photo(viewer, photo_id))
    except PhotoNotFound:
        return False
    return True


async def sees_post(service: InMemoryService, viewer: int | None, post_id: int) -> bool:
    try:
        await service.post_queries.post(viewer, post_id)
    except PostNotFound:
        return False
    return True


async def test_a_photo_without_a_post_is_visible_to_its_owner_only(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    assert [await sees_photo(service, viewer, photo) for viewer in (ADA, GRACE, NOBODY)] == [True, False, False]


async def test_a_published_photo_is_visible_to_everybody(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    post = await service.create_post(photo)
    for viewer in (ADA, GRACE, NOBODY):
        assert await sees_post(service, viewer, post)
        view = await service.photo_queries.photo(viewer, photo)
        assert view.post is not None
        assert view.post.id == post


async def test_a_processing_post_and_its_photos_are_visible_to_their_author_only(service: InMemoryService) -> None:
    photo, waiting = await service.ready_photo(), service.ids.next()
    await service.consume(uploaded(waiting))
    post = await service.create_post(photo, waiting)
    for viewer, allowed in ((ADA, True), (GRACE, False), (NOBODY, False)):
        assert await sees_post(service, viewer, post) is allowed
        assert await sees_photo(service, viewer, photo) is allowed
        assert await sees_photo(service, viewer, waiting) is allowed
    await service.consume(rejected(waiting))
    for viewer, allowed in ((ADA, True), (GRACE, False), (NOBODY, False)):
        assert await sees_post(service, viewer, post) is allowed
        assert await sees_photo(service, viewer, photo) is allowed
    assert (await service.photo_queries.photo(ADA, photo)).post is None, "a failed post has no photos"


async def test_posts_of_a_private_account_are_hidden(service: InMemoryService) -> None:
    photo = await service.ready_photo()
    post = await service.create_post(photo)
    await service.consume(account(ADA, private=True, version=2))
    for viewer, allowed in ((ADA, True), (GRACE, False), (NOBODY, False)):
        assert await sees_post(service, viewer, post) is allowed
        assert await sees_photo(service, viewer, photo) is allowed
        found, _ = await service.post_queries.posts_by_author(viewer, ADA, before=None, limit=10)
        assert bool(found) is allowed


async def test_posts_of_an_unknown_account_are_hidden() -> None:
    service = InMemoryService()
    photo = await service.ready_photo()
    post = await service.create_post(photo)
    assert await sees_post(service, ADA, post)
    assert not await sees_post(service, GRACE, post)
    assert not await sees_photo(service, NOBODY, photo)


async def test_pages_neither_repeat_nor_skip_while_posts_come_and_go(service: InMemoryService) -> None:
    posts = []
    for _ in range(7):
        posts.append(await service.create_post(await service.ready_photo()))
        await service.clock.advance(20 * 86_400)  # over several months
    newest_first = posts[::-1]
    seen, before = [], None
    page, before = await service.post_queries.posts_by_author(GRACE, ADA, before=None, limit=3)
    seen += [view.post.id for view in page]
    await service.create_post(await service.ready_photo())
    await service.posts.delete_post(ADA, newest_first[2])
    await service.posts.delete_post(ADA, newest_first[4])
    while before is not None:
        page, before = await service.post_queries.posts_by_author(GRACE, ADA, before=before, limit=3)
        seen += [view.post.id for view in page]
    assert seen == [post for post in newest_first if post != newest_first[4]]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_the_last_page_has_no_cursor(service: InMemoryService, limit: int) -> None:
    for _ in range(4):
        await service.create_post(await service.ready_photo())
    pages, before = [], None
    while True:
        page, before = await service.post_queries.posts_by_author(NOBODY, ADA, before=before, limit=limit)
        pages.append(len(page))
        if before is None:
            break
    assert sum(pages) == 4
    assert 0 not in pages


async def test_authors_list_all_of_their_posts_and_others_the_published_ones(service: InMemoryService) -> None:
    published, waiting = await service.create_post(await service.ready_photo()), service.ids.next()
    await service.consume(uploaded(waiting))
    processing = await service.create_post(waiting)
    own, _ = await service.post_queries.posts_by_author(ADA, ADA, before=None, limit=10)
    others, _ = await service.post_queries.posts_by_author(GRACE, ADA, before=None, limit=10)
    assert [(view.post.id, view.post.status) for view in own] == [
        (processing, PostStatus.PROCESSING),
        (published, PostStatus.PUBLISHED),
    ]
    assert [view.post.id for view in others] == [published]
