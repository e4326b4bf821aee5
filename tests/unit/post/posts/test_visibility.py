"""Who sees whose posts, as accounts follow, block, and become private."""

from __future__ import annotations

import random

import pytest

from photomesh_post.accounts.domain import OWN, STRANGER, Author, Standing
from photomesh_post.errors import AccountNotFound, NotYourPost, PhotoNotFound, PostNotFound
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, GRACE, LINUS, account, blocked, followed, unblocked, unfollowed

NOBODY = None
PUBLIC, PRIVATE = Author(ADA, private=False), Author(ADA, private=True)


@pytest.mark.parametrize(
    ("standing", "public", "private"),
    [
        (OWN, True, True),
        (STRANGER, True, False),
        (Standing(follows=True), True, True),
        (Standing(blocked=True), False, False),
        (Standing(follows=True, blocked=True), False, False),
    ],
)
def test_the_rule(standing: Standing, public: bool, private: bool) -> None:
    assert (standing.sees(PUBLIC), standing.sees(PRIVATE)) == (public, private)


@pytest.fixture
async def service() -> InMemoryService:
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE), account(LINUS))
    return service


@pytest.fixture
async def private_ada(service: InMemoryService) -> InMemoryService:
    await service.consume(account(ADA, private=True, version=2))
    return service


async def sees(service: InMemoryService, viewer: int | None, author: int = ADA) -> bool:
    """Whether the viewer sees the author's post; every path must agree."""
    photo = await service.ready_photo(author)
    post = await service.create_post(photo, author_id=author)
    answers = []
    for look in (service.post_queries.post(viewer, post), service.outlast(service.photo_queries.photo(viewer, photo))):
        try:
            await look
            answers.append(True)
        except (PostNotFound, PhotoNotFound):
            answers.append(False)
    try:
        found, _ = await service.post_queries.posts_by_author(viewer, author, before=None, limit=50)
    except AccountNotFound:
        found = []
    assert answers == [bool(found)] * 2
    if viewer is not None and viewer != author:
        with pytest.raises(NotYourPost if found else PostNotFound):
            await service.posts.delete_post(viewer, post)
    return bool(found)


async def test_a_follower_sees_a_private_account_until_they_stop(private_ada: InMemoryService) -> None:
    assert not await sees(private_ada, GRACE)
    await private_ada.consume(followed(GRACE, ADA))
    assert await sees(private_ada, GRACE)
    assert not await sees(private_ada, LINUS)
    assert not await sees(private_ada, NOBODY)
    await private_ada.consume(unfollowed(GRACE, ADA))
    assert not await sees(private_ada, GRACE)


async def test_being_followed_grants_nothing(private_ada: InMemoryService) -> None:
    await private_ada.consume(followed(ADA, GRACE))
    assert not await sees(private_ada, GRACE)


async def test_a_block_hides_both_ways(service: InMemoryService) -> None:
    await service.consume(followed(GRACE, ADA), followed(ADA, GRACE), blocked(ADA, GRACE, 2))
    assert not await sees(service, GRACE, ADA)
    assert not await sees(service, ADA, GRACE)
    assert await sees(service, LINUS, ADA)
    assert await sees(service, NOBODY, ADA)
    await service.consume(unblocked(ADA, GRACE, 3))
    assert await sees(service, GRACE, ADA)
    assert await sees(service, ADA, GRACE)


@pytest.mark.parametrize("status", ["deactivated", "leaving", "a status of later"])
async def test_an_account_that_is_not_active_is_hidden_from_everybody_else(
    service: InMemoryService, status: str
) -> None:
    await service.consume(followed(GRACE, ADA))
    await service.consume(account(ADA, version=2, status=status))
    for viewer in (GRACE, LINUS, NOBODY):
        assert not await sees(service, viewer)
    assert await sees(service, ADA)
    with pytest.raises(AccountNotFound):
        await service.post_queries.posts_by_author(GRACE, ADA, before=None, limit=50)
    await service.consume(account(ADA, version=3))
    assert await sees(service, NOBODY)


async def test_posts_of_an_account_are_absent_where_its_profile_is(service: InMemoryService) -> None:
    async def listed(viewer: int | None, author: int) -> int:
        found, _ = await service.post_queries.posts_by_author(viewer, author, before=None, limit=50)
        return len(found)

    unknown = max(ADA, GRACE, LINUS) + 1
    await service.consume(blocked(ADA, GRACE))
    for viewer, author in ((GRACE, ADA), (LINUS, unknown), (NOBODY, unknown)):
        with pytest.raises(AccountNotFound):
            await listed(viewer, author)
    assert await listed(ADA, GRACE) == 0, "the blocker sees the profile"
    assert await listed(unknown, unknown) == 0, "one's own account may not be known yet"
    just_registered = service.ids.next()
    assert await listed(LINUS, just_registered) == 0
    await service.consume(account(just_registered), blocked(just_registered, LINUS))
    assert await listed(LINUS, just_registered) == 0, "a block must not tell a young account from an unknown one"


async def test_two_blocks_end_one_by_one(service: InMemoryService) -> None:
    await service.consume(blocked(ADA, GRACE), blocked(GRACE, ADA), unblocked(ADA, GRACE))
    assert not await sees(service, GRACE, ADA)
    assert not await sees(service, ADA, GRACE)
    await service.consume(unblocked(GRACE, ADA))
    assert await sees(service, GRACE, ADA)


async def test_making_an_account_private_and_public_again(service: InMemoryService) -> None:
    await service.consume(followed(GRACE, ADA))
    for version, private in ((2, True), (3, False), (4, True)):
        await service.consume(account(ADA, private=private, version=version))
        assert await sees(service, GRACE)
        assert await sees(service, LINUS) is not private
        assert await sees(service, NOBODY) is not private


@pytest.mark.parametrize("seed", range(10))
async def test_events_out_of_order_and_twice(private_ada: InMemoryService, seed: int) -> None:
    history = [
        followed(GRACE, ADA, 1),
        unfollowed(GRACE, ADA, 2),
        blocked(GRACE, ADA, 3),
        unblocked(GRACE, ADA, 4),
        followed(GRACE, ADA, 5),
        blocked(ADA, GRACE, 1),
        unblocked(ADA, GRACE, 2),
    ]
    shuffled = history * 2
    random.Random(seed).shuffle(shuffled)
    await private_ada.consume(*shuffled)
    assert await sees(private_ada, GRACE)


async def test_blocks_among_many_accounts(service: InMemoryService) -> None:
    await service.consume(blocked(ADA, GRACE), blocked(LINUS, ADA), blocked(104, ADA), unblocked(104, ADA))
    assert await service.viewers.blocked_among(ADA, [ADA, GRACE, LINUS, 104, 105]) == {GRACE, LINUS}
    assert await service.viewers.blocked_among(GRACE, [ADA, LINUS]) == {ADA}
    assert await service.viewers.blocked_among(NOBODY, [ADA, GRACE]) == set()


async def test_a_replay_of_the_log_changes_nothing(service: InMemoryService) -> None:
    await service.consume(followed(GRACE, ADA), blocked(ADA, GRACE))
    before = {key: dict(cells) for key, cells in service.tables.cells.items() if key[0] == "relations"}
    await service.consume(followed(GRACE, ADA), blocked(ADA, GRACE))
    assert {key: dict(cells) for key, cells in service.tables.cells.items() if key[0] == "relations"} == before
