"""What a viewer may see of what happened to them, as accounts block, hide, and delete."""

from __future__ import annotations

import pytest

from photomesh_post.counts.domain import PartitionCount, PartitionRef
from photomesh_post.posts.domain import Post
from photomesh_post.sightings.domain import MAX_EXCERPT, Sightings, excerpt_of, smallest
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import (
    ADA,
    GRACE,
    LINUS,
    account,
    blocked,
    followed,
    rejected,
    unblocked,
    uploaded,
)


@pytest.fixture
async def service() -> InMemoryService:
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE), account(LINUS))
    return service


async def names(service: InMemoryService, viewer: int, *account_ids: int) -> dict[int, bool]:
    """The accounts that the viewer may see, and whether the viewer follows them."""
    found = await service.sightings.sightings(viewer, account_ids=account_ids)
    return {key: standing.follows for key, (_, standing) in found.accounts.items()}


async def test_accounts_and_whom_the_viewer_follows(service: InMemoryService) -> None:
    await service.consume(followed(ADA, GRACE), account(LINUS, private=True, version=2))
    assert await names(service, ADA, GRACE, LINUS, ADA, 999) == {GRACE: True, LINUS: False, ADA: False}


@pytest.mark.parametrize("pair", [(ADA, GRACE), (GRACE, ADA)])
async def test_a_block_hides_an_account_both_ways_as_long_as_it_stands(
    service: InMemoryService, pair: tuple[int, int]
) -> None:
    await service.consume(blocked(*pair))
    assert await names(service, ADA, GRACE, LINUS) == {LINUS: False}
    assert await names(service, GRACE, ADA, LINUS) == {LINUS: False}
    await service.consume(unblocked(*pair))
    assert await names(service, ADA, GRACE, LINUS) == {GRACE: False, LINUS: False}


@pytest.mark.parametrize("status", ["deactivated", "leaving"])
async def test_an_account_that_is_hidden_is_absent(service: InMemoryService, status: str) -> None:
    await service.consume(account(GRACE, version=2, status=status))
    assert await names(service, ADA, GRACE, LINUS) == {LINUS: False}
    await service.consume(account(GRACE, version=3))
    assert await names(service, ADA, GRACE, LINUS) == {GRACE: False, LINUS: False}


async def posts_seen(service: InMemoryService, viewer: int, *post_ids: int) -> list[Post]:
    return list((await service.sightings.sightings(viewer, post_ids=post_ids)).posts.values())


async def test_posts_follow_the_rules_of_posts(service: InMemoryService) -> None:
    post_id = await service.published_post(GRACE)
    [seen] = await posts_seen(service, ADA, post_id, 999)
    assert seen.author_id == GRACE
    found = smallest(seen.photos[0].variants)
    assert found is not None
    assert found.size == 150
    await service.consume(account(GRACE, private=True, version=2))
    assert not await posts_seen(service, ADA, post_id)
    await service.consume(followed(ADA, GRACE))
    assert await posts_seen(service, ADA, post_id)
    await service.consume(blocked(GRACE, ADA, 2))
    assert not await posts_seen(service, ADA, post_id)
    assert await posts_seen(service, GRACE, post_id)
    await service.posts.delete_post(GRACE, post_id)
    assert not await posts_seen(service, GRACE, post_id)


async def test_only_its_author_sees_a_post_that_is_not_published(service: InMemoryService) -> None:
    photo_id = service.ids.next()
    await service.consume(uploaded(photo_id))
    post_id = await service.create_post(photo_id)
    assert not await posts_seen(service, GRACE, post_id)
    [seen] = await posts_seen(service, ADA, post_id)
    assert not seen.photos
    await service.consume(rejected(photo_id))
    [seen] = await posts_seen(service, ADA, post_id)
    assert seen.reason is not None


async def comments_seen(service: InMemoryService, viewer: int, *comment_ids: int) -> dict[int, str]:
    found = await service.sightings.sightings(viewer, comment_ids=comment_ids)
    return {key: seen.excerpt for key, seen in found.comments.items()}


async def test_comments_under_an_own_post(service: InMemoryService) -> None:
    post_id = await service.published_post(ADA)
    comment = (await service.write_comment(GRACE, post_id, "Hello")).comment.id
    reply = (await service.write_comment(LINUS, post_id, "There", parent_id=comment)).comment.id
    both = {comment: "Hello", reply: "There"}
    assert await comments_seen(service, ADA, comment, reply, 999) == both
    await service.consume(blocked(LINUS, ADA))
    assert await comments_seen(service, ADA, comment, reply) == {comment: "Hello"}
    await service.consume(unblocked(LINUS, ADA), blocked(ADA, GRACE))
    assert await comments_seen(service, ADA, comment, reply) == {}, "a reply is hidden with its comment"
    await service.consume(unblocked(ADA, GRACE))
    assert await comments_seen(service, ADA, reply, comment) == both
    await service.comments.delete_comment(GRACE, comment)
    assert await comments_seen(service, ADA, comment, reply) == {}


async def test_comments_under_somebody_elses_post_end_with_a_block_of_its_author(service: InMemoryService) -> None:
    post_id = await service.published_post(LINUS)
    comment = (await service.write_comment(ADA, post_id, "First")).comment.id
    reply = (await service.write_comment(GRACE, post_id, "Reply", parent_id=comment)).comment.id
    assert await comments_seen(service, ADA, reply) == {reply: "Reply"}
    await service.consume(blocked(LINUS, GRACE))
    assert await comments_seen(service, ADA, reply) == {}
    await service.consume(unblocked(LINUS, GRACE), blocked(ADA, LINUS))
    assert await comments_seen(service, ADA, reply) == {}, "the post is hidden from the viewer"
    await service.consume(unblocked(ADA, LINUS))
    assert await comments_seen(service, ADA, reply) == {reply: "Reply"}
    await service.posts.delete_post(LINUS, post_id)
    assert await comments_seen(service, ADA, comment, reply) == {}


async def test_likes_of_an_own_comment_are_hidden_as_the_rules_of_its_post_say(service: InMemoryService) -> None:
    post_id = await service.published_post(LINUS)
    comment = (await service.write_comment(ADA, post_id)).comment.id

    async def hidden() -> frozenset[int]:
        found: Sightings = await service.sightings.sightings(
            ADA, comment_ids=[comment], likers={comment: [GRACE, LINUS]}
        )
        return found.comments[comment].hidden_ids

    assert await hidden() == frozenset()
    await service.consume(blocked(LINUS, GRACE))
    assert await hidden() == {GRACE}
    await service.consume(unblocked(LINUS, GRACE), account(GRACE, version=2, status="deactivated"))
    assert await hidden() == {GRACE}


async def test_likes_are_counted_where_they_are_asked_for_and_may_be_seen(service: InMemoryService) -> None:
    post_id, other = await service.published_post(LINUS), await service.published_post(LINUS)
    comment = (await service.write_comment(ADA, post_id)).comment.id
    await service.count_store.publish_like_counts(
        PartitionCount(PartitionRef(subject_id, bucket), 3, 1)
        for subject_id in (post_id, comment, other)
        for bucket in (0, 1)
    )

    async def counted(*ids: int) -> dict[int, int]:
        found = await service.sightings.sightings(
            ADA, post_ids=[post_id, other], comment_ids=[comment], counted_ids=ids
        )
        return dict(found.likes)

    assert await counted() == {}
    assert await counted(post_id, comment) == {post_id: 6, comment: 6}
    await service.posts.delete_post(LINUS, other)
    assert await counted(other, 999) == {}


async def test_of_photos_only_the_own_ones(service: InMemoryService) -> None:
    photo_id, of_grace = service.ids.next(), await service.ready_photo(GRACE)
    await service.consume(uploaded(photo_id), rejected(photo_id))
    found = await service.sightings.sightings(ADA, photo_ids=[photo_id, of_grace, 999])
    assert {key: photo.reason is not None for key, photo in found.photos.items()} == {photo_id: True}


def test_an_excerpt_never_ends_within_a_character() -> None:
    assert excerpt_of("short") == "short"
    assert excerpt_of("a" * MAX_EXCERPT) == "a" * MAX_EXCERPT
    assert excerpt_of("a" * (MAX_EXCERPT + 1)) == "a" * (MAX_EXCERPT - 1) + "…"
    family = "👨‍👩‍👧‍👦"
    cut = excerpt_of(family * 40)
    assert cut.removesuffix("…") == family * (len(cut) // len(family))
    assert len(cut) <= MAX_EXCERPT
