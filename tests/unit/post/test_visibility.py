"""Who sees whose posts, as people follow, block, and close their accounts."""

from __future__ import annotations

import random

import pytest

from photomesh_post.errors import NotYourPost, PhotoNotFound, PostNotFound
from photomesh_post.posts.domain import OWN, STRANGER, Author, Standing
from tests.unit.post.world import (
    ADA,
    GRACE,
    World,
    account,
    blocked,
    followed,
    unblocked,
    unfollowed,
)

LINUS, NOBODY = 103, None
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
async def world() -> World:
    world = World()
    await world.consume(account(ADA), account(GRACE), account(LINUS))
    return world


@pytest.fixture
async def private_world(world: World) -> World:
    await world.consume(account(ADA, private=True, version=2))
    return world


async def seen(world: World, viewer: int | None, author: int = ADA) -> bool:
    """Whether the viewer sees the author's post, by every path alike."""
    photo = await world.photo(author)
    post = await world.post(photo, author_id=author)
    answers = []
    for look in (world.views.post(viewer, post), world.outlast(world.views.photo(viewer, photo))):
        try:
            await look
            answers.append(True)
        except (PostNotFound, PhotoNotFound):
            answers.append(False)
    found, _ = await world.views.posts_of(viewer, author, before=None, limit=50)
    assert answers == [bool(found)] * 2
    if viewer is not None and viewer != author:
        with pytest.raises(NotYourPost if found else PostNotFound):
            await world.service.delete(viewer, post)
    return bool(found)


async def test_a_follower_sees_a_private_account_until_they_stop(private_world: World) -> None:
    assert not await seen(private_world, GRACE)
    await private_world.consume(followed(GRACE, ADA))
    assert await seen(private_world, GRACE)
    assert not await seen(private_world, LINUS)
    assert not await seen(private_world, NOBODY)
    await private_world.consume(unfollowed(GRACE, ADA))
    assert not await seen(private_world, GRACE)


async def test_being_followed_opens_nothing(private_world: World) -> None:
    await private_world.consume(followed(ADA, GRACE))
    assert not await seen(private_world, GRACE)


async def test_a_block_hides_both_ways(world: World) -> None:
    await world.consume(followed(GRACE, ADA), followed(ADA, GRACE), blocked(ADA, GRACE, 2))
    assert not await seen(world, GRACE, ADA)
    assert not await seen(world, ADA, GRACE)
    assert await seen(world, LINUS, ADA)
    assert await seen(world, NOBODY, ADA)
    await world.consume(unblocked(ADA, GRACE, 3))
    assert await seen(world, GRACE, ADA)
    assert await seen(world, ADA, GRACE)


async def test_two_blocks_end_one_by_one(world: World) -> None:
    await world.consume(blocked(ADA, GRACE), blocked(GRACE, ADA), unblocked(ADA, GRACE))
    assert not await seen(world, GRACE, ADA)
    assert not await seen(world, ADA, GRACE)
    await world.consume(unblocked(GRACE, ADA))
    assert await seen(world, GRACE, ADA)


async def test_closing_and_opening_an_account(world: World) -> None:
    await world.consume(followed(GRACE, ADA))
    for version, private in ((2, True), (3, False), (4, True)):
        await world.consume(account(ADA, private=private, version=version))
        assert await seen(world, GRACE)
        assert await seen(world, LINUS) is not private
        assert await seen(world, NOBODY) is not private


@pytest.mark.parametrize("seed", range(10))
async def test_events_out_of_order_and_twice(private_world: World, seed: int) -> None:
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
    await private_world.consume(*shuffled)
    assert await seen(private_world, GRACE)


async def test_with_whom_of_many_there_is_a_block(world: World) -> None:
    await world.consume(blocked(ADA, GRACE), blocked(LINUS, ADA), blocked(104, ADA), unblocked(104, ADA))
    assert await world.visibility.blocked_among(ADA, [ADA, GRACE, LINUS, 104, 105]) == {GRACE, LINUS}
    assert await world.visibility.blocked_among(GRACE, [ADA, LINUS]) == {ADA}
    assert await world.visibility.blocked_among(NOBODY, [ADA, GRACE]) == set()


async def test_a_replay_of_the_log_changes_nothing(world: World) -> None:
    await world.consume(followed(GRACE, ADA), blocked(ADA, GRACE))
    before = {key: dict(cells) for key, cells in world.store.cells.items() if key[0] == "relations"}
    await world.consume(followed(GRACE, ADA), blocked(ADA, GRACE))
    assert {key: dict(cells) for key, cells in world.store.cells.items() if key[0] == "relations"} == before
