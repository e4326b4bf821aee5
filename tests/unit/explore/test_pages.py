"""Pages: what is on them, in which order, and what never is."""

from __future__ import annotations

import random

import pytest

from photomesh_explore.errors import NotShownLately
from photomesh_explore.feedback.domain import Kind
from photomesh_explore.pages.domain import Source
from photomesh_explore.pages.seen import FILTER_BITS, positions_of, was_seen
from tests.support.explore.memory import MemoryExplore


@pytest.fixture
def world() -> MemoryExplore:
    return MemoryExplore()


async def test_a_new_account_gets_trending_and_new_posts_and_chosen_hashtags(world: MemoryExplore) -> None:
    viewer = world.account()
    trending = [world.post(world.account()) for _ in range(10)]
    world.top = trending
    chosen = [world.post(world.account(), "birds") for _ in range(3)]
    others = [world.post(world.account()) for _ in range(30)]
    page = await world.page(viewer, interests=("birds",))
    by_source: dict[str, set[int]] = {}
    for one in page.items:
        by_source.setdefault(one.entry.source, set()).add(one.post.id)
    assert len(page.items) == 20
    assert by_source[Source.CHOSEN] == set(chosen)
    assert by_source[Source.TRENDING] <= set(trending)
    assert by_source[Source.FRESH] <= {*others, *trending}


async def test_what_one_likes_comes_first(world: MemoryExplore) -> None:
    viewer, favourite = world.account(), world.account()
    liked = world.post(favourite, "sunset", minutes_ago=600)
    world.like(viewer, liked)
    same_author, same_tag = world.post(favourite), world.post(world.account(), "sunset")
    for _ in range(40):
        world.post(world.account(), "traffic")
    found = await world.page(viewer, limit=10)
    assert {same_author, same_tag} <= {one.post.id for one in found.items[:4]}
    sources = {one.post.id: (one.entry.source, one.entry.about) for one in found.items}
    assert sources[same_author][0] == Source.AUTHOR
    assert sources[same_tag] == (Source.TAG, "sunset")
    assert liked not in sources


async def test_what_people_of_like_taste_like_comes_by_how_strongly_and_the_latest_like_counts_most(
    world: MemoryExplore,
) -> None:
    viewer = world.account()
    first, last = (world.post(world.account(), minutes_ago=600) for _ in range(2))
    of_first, of_last, of_both = (world.post(world.account()) for _ in range(3))
    for _ in range(20):
        world.post(world.account())
    world.like(viewer, first)
    await world.clock.advance(60)
    world.like(viewer, last)
    world.together = {first: [(of_first, 1.0), (of_both, 0.8)], last: [(of_last, 1.0), (of_both, 0.8)]}
    found = await world.page(viewer, limit=3)
    assert [one.post.id for one in found.items] == [of_both, of_last, of_first]
    assert {one.entry.source for one in found.items} == {Source.TOGETHER}


async def test_a_post_that_several_sources_have_comes_before_those_of_one(world: MemoryExplore) -> None:
    viewer = world.account()
    liked = world.post(world.account(), "sunset", minutes_ago=600)
    world.like(viewer, liked)
    strangers = [world.post(world.account()) for _ in range(5)]
    both = world.post(world.account(), "sunset")
    world.together = {liked: [(one, 1.0) for one in (*strangers, both)]}
    assert (await world.page(viewer, limit=1)).items[0].post.id == both


async def test_nothing_comes_twice_and_all_pages_have_everything(world: MemoryExplore) -> None:
    viewer = world.account()
    authors = [world.account() for _ in range(50)]
    posts = [world.post(author, minutes_ago=number) for number, author in enumerate(authors * 8)]
    found = await world.everything(viewer)
    assert len(set(found)) == len(found)
    # A Bloom filter may take some for shown that were not.
    assert len(found) >= 0.97 * len(posts)
    assert (await world.page(viewer)).items == []


async def test_a_page_has_two_of_an_author_and_a_third_of_a_hashtag_at_most(world: MemoryExplore) -> None:
    viewer = world.account()
    for author in [world.account() for _ in range(12)]:
        for _ in range(6):
            world.post(author, "sunset", "lake")
    for author in [world.account() for _ in range(12)]:
        for _ in range(2):
            world.post(author)
    position = None
    pages = 0
    while True:
        page = await world.page(viewer, position)
        authors = [one.author.id for one in page.items]
        assert all(authors.count(author) <= 2 for author in authors)
        assert sum("sunset" in one.entry.tags for one in page.items) <= 6
        pages += 1
        position = page.next_position
        if position is None:
            break
    assert pages > 6


async def test_nothing_of_oneself_of_followed_or_muted_accounts(world: MemoryExplore) -> None:
    viewer, followed, followed_lately, muted = (world.account() for _ in range(4))
    for author in (viewer, followed, followed_lately, muted):
        world.post(author)
    world.followees[viewer] = [followed]
    world.sights.follows = {(viewer, followed), (viewer, followed_lately)}
    world.mutes[viewer] = {muted}
    shown = world.post(world.account())
    assert await world.everything(viewer) == [shown]


async def test_pages_are_refilled_when_posts_are_hidden_meanwhile(world: MemoryExplore) -> None:
    viewer = world.account()
    posts = [world.post(world.account()) for _ in range(120)]
    first = await world.page(viewer)
    shown = {one.post.id for one in first.items}
    left = [one for one in posts if one not in shown]
    hidden = random.Random(1).sample(left, 70)
    world.sights.hidden = set(hidden)
    second = await world.page(viewer, first.next_position)
    assert len(second.items) == 20
    assert not {one.post.id for one in second.items} & world.sights.hidden
    rest = await world.everything(viewer)
    assert not set(rest) & world.sights.hidden
    assert len(rest) >= 8


async def test_pages_do_not_end_while_most_of_the_list_may_not_be_seen(world: MemoryExplore) -> None:
    viewer, followed = world.account(), world.account()
    world.sights.follows = {(viewer, followed)}
    for _ in range(900):
        world.post(followed, minutes_ago=1)
    last = [world.post(world.account(), minutes_ago=5_000) for _ in range(5)]
    assert sorted(await world.everything(viewer)) == sorted(last)


async def test_a_cursor_gives_the_same_page_again_without_what_is_hidden_now(world: MemoryExplore) -> None:
    viewer = world.account()
    for _ in range(100):
        world.post(world.account())
    first = await world.page(viewer, limit=10)
    second = await world.page(viewer, first.next_position, limit=10)
    world.sights.hidden = {second.items[3].post.id}
    again = await world.page(viewer, first.next_position, limit=10)
    assert [one.post.id for one in again.items] == [
        one.post.id for one in second.items if one.post.id not in world.sights.hidden
    ]
    assert again.next_position == second.next_position


async def test_what_is_new_is_shown_within_five_minutes(world: MemoryExplore) -> None:
    viewer = world.account()
    for _ in range(60):
        world.post(world.account())
    first = await world.page(viewer, limit=5)
    world.like(viewer, first.items[0].post.id)
    new = world.post(first.items[0].author.id, minutes_ago=0)
    second = await world.page(viewer, first.next_position, limit=5)
    assert new not in [one.post.id for one in second.items]
    await world.clock.advance(300)
    third = await world.page(viewer, second.next_position, limit=5)
    assert third.items[0].post.id == new
    shown = [one.post.id for page in (first, second, third) for one in page.items]
    assert len(set(shown)) == 15


async def test_without_personalisation_all_get_what_trends(world: MemoryExplore) -> None:
    ada, grace = world.account(), world.account()
    world.top = [world.post(world.account()) for _ in range(6)]
    world.like(ada, world.post(world.account(), "sunset", minutes_ago=600))
    for _ in range(30):
        world.post(world.account(), "sunset")
    found = [await world.page(viewer, personalised=False) for viewer in (ada, grace)]
    assert [one.post.id for one in found[0].items] == [one.post.id for one in found[1].items]
    assert {one.post.id for one in found[0].items} == set(world.top)


@pytest.mark.parametrize("kind", [Kind.HIDE_AUTHOR, Kind.HIDE_TAG])
async def test_feedback_hides_from_the_next_page_on(world: MemoryExplore, kind: Kind) -> None:
    viewer, bore = world.account(), world.account()
    world.top = [world.post(bore, "traffic") for _ in range(6)]
    for _ in range(60):
        world.post(world.account())
    page = await world.page(viewer, limit=10)
    of_bore = [one.post.id for one in page.items if one.author.id == bore]
    assert of_bore
    given = await world.feedback.give(viewer, of_bore[0], kind)
    rest = await world.everything(viewer)
    assert not any(world.infos[one].author_id == bore for one in rest)
    [listed] = await world.feedback.list(viewer)
    assert listed.feedback_id == given.feedback_id
    await world.feedback.remove(viewer, given.feedback_id)
    assert await world.feedback.list(viewer) == []
    after = await world.everything(viewer)
    assert any(world.infos[one].author_id == bore for one in after)


async def test_less_and_more_move_posts(world: MemoryExplore) -> None:
    viewer = world.account()
    first, second = (world.post(world.account(), tag, minutes_ago=1) for tag in ("cats", "dogs"))
    page = await world.page(viewer, limit=2)
    assert {one.post.id for one in page.items} == {first, second}
    await world.feedback.give(viewer, first, Kind.LESS)
    await world.feedback.give(viewer, second, Kind.MORE)
    for _ in range(5):
        world.post(world.account(), "cats", minutes_ago=3)
        world.post(world.account(), "dogs", minutes_ago=3)
    tags = [one.entry.tags[0] for one in (await world.page(viewer, limit=10)).items]
    assert tags[:3] == ["dogs"] * 3


async def test_why_is_for_what_was_shown(world: MemoryExplore) -> None:
    viewer = world.account()
    other, post = world.post(world.account()), world.post(world.account(), minutes_ago=5)
    world.sights.hidden = {other}
    await world.everything(viewer)
    source, about, author = await world.explore.why(viewer, post)
    assert (source, about, author.id) == (Source.FRESH, "", world.infos[post].author_id)
    with pytest.raises(NotShownLately):
        await world.explore.why(viewer, other)
    world.sights.hidden = {post}
    with pytest.raises(NotShownLately):
        await world.explore.why(viewer, post)


def test_the_filter_knows_what_was_shown_and_takes_one_in_a_hundred_others_for_it() -> None:
    bits = bytearray(FILTER_BITS // 8)
    for post_id in range(1_700):
        for position in positions_of(post_id):
            bits[position // 8] |= 0x80 >> position % 8
    assert all(was_seen([bytes(bits)], post_id) for post_id in range(1_700))
    wrong = sum(was_seen([bytes(bits)], post_id) for post_id in range(10_000, 20_000))
    assert wrong < 200
    assert not was_seen([b""], 1)
