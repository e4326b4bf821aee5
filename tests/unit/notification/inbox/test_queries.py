"""The list of notifications and how many are unread, while groups change, hide and appear."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from photomesh_notification.errors import SightingsUnavailable
from photomesh_notification.inbox.domain import FACES, MAX_UNREAD, Filter, Group, Notification, Unread
from photomesh_notification.positions import Position, ms_of
from photomesh_notification.preferences.domain import Audience, KindPreference, Preferences
from photomesh_notification.store.list_index import LISTED
from tests.support.notification.memory_inbox import MemoryInbox

ADA, GRACE, LINUS = 101, 102, 103
POST, COMMENT, PHOTO = 501, 601, 701


@pytest.fixture
def inbox() -> MemoryInbox:
    return MemoryInbox()


def likes(inbox: MemoryInbox, number: int = 0, *actors: int, ago: float = 60, post_id: int = POST) -> Group:
    actors = actors or (ADA,)
    moment = inbox.at(-ago)
    return Group(f"like.{number:06}", "like", len(actors), False, actors, moment, moment, post_id=post_id)


def comment(inbox: MemoryInbox, kind: str = "comment", number: int = 0, *, ago: float = 50) -> Group:
    moment = inbox.at(-ago)
    return Group(f"{kind}.{number:06}", kind, 1, False, (ADA,), moment, moment, POST, COMMENT + number)


async def listed(inbox: MemoryInbox, wanted: Filter = Filter.ALL, limit: int = 50) -> list[Notification]:
    return (await inbox.inbox.page(inbox.account_id, wanted, limit)).items


async def ids(inbox: MemoryInbox, wanted: Filter = Filter.ALL) -> list[str]:
    return [one.group.id for one in await listed(inbox, wanted)]


async def unread(inbox: MemoryInbox) -> int:
    return (await inbox.inbox.unread(inbox.account_id)).count


async def test_newest_first_with_what_it_is_about(inbox: MemoryInbox) -> None:
    await inbox.write(likes(inbox, 1, GRACE, ADA))
    await inbox.write(comment(inbox))
    first, second = await listed(inbox)
    assert (first.group.kind, first.count, [one.id for one in first.accounts]) == ("comment", 1, [ADA])
    assert first.comment is not None
    assert first.comment.excerpt == "Lovely"
    assert (second.count, [one.id for one in second.accounts]) == (2, [GRACE, ADA])
    assert second.post is not None


async def test_faces_of_whom_the_reader_follows_come_first(inbox: MemoryInbox) -> None:
    actors = tuple(range(201, 209))
    await inbox.write(replace(likes(inbox, 1, *actors), count=30))
    inbox.rows.members[inbox.account_id, "like.000001"] = [*actors, *range(301, 323)]
    inbox.post.followed = {205, 310}
    (seen,) = await listed(inbox)
    assert [one.id for one in seen.accounts] == [205, 310, 201, 202]
    assert len(seen.accounts) == FACES
    assert seen.count == 30


async def test_pages_neither_jump_nor_repeat_while_groups_change(inbox: MemoryInbox) -> None:
    """Likes come and are undone, groups vanish and appear: what was there from the beginning and does not change is on
    exactly one page, in order, and nothing is on two."""
    for seed in range(20):
        inbox = MemoryInbox()
        random_ = random.Random(seed)
        groups = [likes(inbox, number, ADA, GRACE, ago=10_000 - 7 * number) for number in range(60)]
        for group in groups:
            await inbox.write(group)
        untouched = {group.id for group in groups}
        shown: list[str] = []
        as_of, after = None, None
        while True:
            page = await inbox.inbox.page(inbox.account_id, Filter.ALL, 7, after=after, as_of=as_of)
            shown += [one.group.id for one in page.items]
            as_of, after = page.as_of, page.next
            if after is None:
                break
            await inbox.clock.advance(1)
            for group in random_.sample(groups, 6):
                untouched.discard(group.id)
                match random_.choice(["like", "undo", "hide"]):
                    case "like":
                        await inbox.change(group.id, changed_at=inbox.at(0), count=3)
                    case "undo":  # of the newest: the group is older than it was
                        older = inbox.rows.groups_of[inbox.account_id][group.id]
                        if older.count:
                            await inbox.change(group.id, changed_at=inbox.at(-20_000), count=1)
                    case _:
                        await inbox.change(group.id, count=0)
            await inbox.write(likes(inbox, 1_000 + len(shown), ago=0))
        assert len(shown) == len(set(shown)), f"twice, with seed {seed}"
        assert [key for key in shown if key in untouched] == sorted(untouched, reverse=True), f"with seed {seed}"
        assert not [key for key in shown if key >= "like.001000"], "a new one is at the top of a new list only"


async def test_groups_of_the_same_moment_are_all_shown(inbox: MemoryInbox) -> None:
    every = {(await _written(inbox, number)).id for number in range(30)}
    shown: list[str] = []
    after: Position | None = None
    while True:
        page = await inbox.inbox.page(inbox.account_id, Filter.ALL, 4, after=after, as_of=ms_of(inbox.at(0)))
        shown += [one.group.id for one in page.items]
        if (after := page.next) is None:
            break
    assert len(shown) == 30
    assert set(shown) == every


async def _written(inbox: MemoryInbox, number: int, *, ago: float = 60) -> Group:
    group = likes(inbox, number, ago=ago)
    await inbox.write(group)
    return group


async def test_what_is_put_while_the_index_is_rebuilt_is_not_lost(inbox: MemoryInbox) -> None:
    old, new = likes(inbox, 1, ago=100), likes(inbox, 2, ago=50)
    await inbox.write(old)
    await inbox.write(new)
    inbox.index.lose()
    read = inbox.rows.positions

    async def positions_and_a_change(account_id: int) -> list[Position]:
        found = await read(account_id)
        await inbox.write(replace(old, changed_at=inbox.at(-10)))
        await inbox.write(likes(inbox, 3, ago=5))
        return found

    inbox.rows.positions = positions_and_a_change  # type: ignore[method-assign]
    assert await ids(inbox) == ["like.000003", "like.000001", "like.000002"]
    assert await ids(inbox) == ["like.000003", "like.000001", "like.000002"]


async def test_without_the_index_the_rows_are_read(inbox: MemoryInbox) -> None:
    await _written(inbox, 1, ago=60)
    await _written(inbox, 2, ago=30)
    inbox.index.away = True
    assert await ids(inbox) == ["like.000002", "like.000001"]
    assert await unread(inbox) == 2


async def test_a_list_has_the_newest_only(inbox: MemoryInbox) -> None:
    for number in range(LISTED + 20):
        await inbox.write(likes(inbox, number, ago=10_000 - number), indexed=False)
    shown: list[str] = []
    after: Position | None = None
    as_of = None
    while True:
        page = await inbox.inbox.page(inbox.account_id, Filter.ALL, 50, after=after, as_of=as_of)
        shown += [one.group.id for one in page.items]
        as_of = page.as_of
        if (after := page.next) is None:
            break
    assert shown == [f"like.{number:06}" for number in reversed(range(20, LISTED + 20))]


async def test_nothing_is_shown_unchecked(inbox: MemoryInbox) -> None:
    await _written(inbox, 1)
    inbox.post.away = True
    with pytest.raises(SightingsUnavailable):
        await listed(inbox)
    with pytest.raises(SightingsUnavailable):
        await unread(inbox)


async def test_what_is_hidden_from_the_reader_is_in_neither_list_nor_count(inbox: MemoryInbox) -> None:
    moment = inbox.at(-10)
    await inbox.write(likes(inbox, 1, ADA, GRACE))
    await inbox.write(comment(inbox))
    await inbox.write(Group("photo_failed.1", "photo_failed", 1, False, (), moment, moment, photo_id=PHOTO))
    assert await unread(inbox) == len(await listed(inbox)) == 3
    inbox.post.hidden = {GRACE}
    by_id = {one.group.id: one for one in await listed(inbox)}
    assert (by_id["like.000001"].count, [one.id for one in by_id["like.000001"].accounts]) == (1, [ADA])
    inbox.post.hidden = {ADA, GRACE}
    assert await ids(inbox) == ["photo_failed.1"]
    assert await unread(inbox) == 1
    inbox.post.hidden = {POST, PHOTO}
    assert await ids(inbox) == []
    inbox.post.hidden = set()
    assert await unread(inbox) == 3, "what is hidden is not gone"


async def test_a_webhook_is_shown_by_its_id_unless_it_is_not_wanted(inbox: MemoryInbox) -> None:
    moment = inbox.at(-10)
    await inbox.write(Group("webhook_failing.wh_3", "webhook_failing", 1, False, (), moment, moment, webhook_id=3))
    (seen,) = await listed(inbox)
    assert (seen.group.webhook_id, seen.count, seen.accounts) == (3, 1, ())
    assert await unread(inbox) == 1
    unlisted = Preferences({"webhook_failing": KindPreference(listed=False)})
    await inbox.preferences.replace(inbox.account_id, unlisted)
    assert await ids(inbox) == []
    assert await unread(inbox) == 0


async def test_likes_of_a_comment_that_its_post_hides(inbox: MemoryInbox) -> None:
    group = replace(comment(inbox, "comment_like"), actors=(ADA, GRACE), count=2)
    await inbox.write(group)
    inbox.post.hidden_likers = {COMMENT: {ADA}}
    (seen,) = await listed(inbox)
    assert (seen.count, [one.id for one in seen.accounts]) == (1, [GRACE])
    inbox.post.hidden_likers = {COMMENT: {ADA, GRACE}}
    assert await listed(inbox) == []


@pytest.mark.parametrize("kind", ["like", "comment_like"])
async def test_a_group_that_counts_no_more_shows_the_own_number_of_likes(inbox: MemoryInbox, kind: str) -> None:
    actors = tuple(range(201, 209))
    group = replace(likes(inbox, 1, *actors), kind=kind, comment_id=COMMENT, count=216, capped=True)
    await inbox.write(group)
    inbox.post.likes = 12_345
    (seen,) = await listed(inbox)
    assert (seen.count, seen.capped) == (12_345, False)
    inbox.post.likes = 3  # it lags behind
    (seen,) = await listed(inbox)
    assert (seen.count, seen.capped) == (216, True)
    inbox.post.followed = {201}
    (seen,) = await listed(inbox, Filter.FOLLOWING)
    assert (seen.count, seen.capped) == (1, True)


async def test_filters(inbox: MemoryInbox) -> None:
    moment = inbox.at(-10)
    await inbox.write(likes(inbox, 1, ADA, GRACE))
    await inbox.write(replace(comment(inbox, "reply", 1), actors=(GRACE,)))
    await inbox.write(replace(comment(inbox, "mention", 2, ago=40), actors=(LINUS,)))
    await inbox.write(comment(inbox, "comment", 3, ago=30))
    await inbox.write(Group("post_published.1", "post_published", 1, False, (), moment, moment, post_id=POST))
    assert await ids(inbox, Filter.MENTIONS) == ["mention.000002", "reply.000001"]
    inbox.post.followed = {GRACE}
    assert await ids(inbox, Filter.FOLLOWING) == ["reply.000001", "like.000001"]
    (_, of_following) = await listed(inbox, Filter.FOLLOWING)
    assert [one.id for one in of_following.accounts] == [GRACE]
    assert of_following.count == 1


async def test_preferences_take_effect_at_once_and_are_taken_back(inbox: MemoryInbox) -> None:
    await inbox.write(likes(inbox, 1, ADA, GRACE))
    await inbox.write(comment(inbox))
    await inbox.preferences.replace(inbox.account_id, Preferences({"like": KindPreference(listed=False)}))
    assert await ids(inbox) == ["comment.000000"]
    assert await unread(inbox) == 1
    following = Preferences({"like": KindPreference(audience=Audience.FOLLOWING)})
    await inbox.preferences.replace(inbox.account_id, following)
    assert await ids(inbox) == ["comment.000000"]
    inbox.post.followed = {GRACE}
    (_, seen) = await listed(inbox)
    assert (seen.count, [one.id for one in seen.accounts]) == (1, [GRACE])
    await inbox.preferences.replace(inbox.account_id, Preferences())
    assert await unread(inbox) == 2


async def test_what_is_not_in_the_list_may_be_sent_to_devices(inbox: MemoryInbox) -> None:
    group = likes(inbox, 1, ADA, GRACE)
    await inbox.write(group)
    unlisted = KindPreference(listed=False, audience=Audience.FOLLOWING)
    await inbox.preferences.replace(inbox.account_id, Preferences({"like": unlisted}))
    inbox.post.followed = {GRACE}
    assert await ids(inbox) == []
    seen = (await inbox.inbox.views(inbox.account_id, [group.id]))[group.id]
    assert [one.id for one in seen.accounts] == [GRACE]
    await inbox.preferences.mute_post(inbox.account_id, POST)
    assert await inbox.inbox.views(inbox.account_id, [group.id]) == {}


async def test_a_muted_post_is_quiet_about_likes_only(inbox: MemoryInbox) -> None:
    await inbox.write(likes(inbox, 1))
    await inbox.write(likes(inbox, 2, post_id=POST + 1))
    await inbox.write(comment(inbox))
    await inbox.preferences.mute_post(inbox.account_id, POST)
    assert await ids(inbox) == ["comment.000000", "like.000002"]
    assert await unread(inbox) == 2
    await inbox.preferences.unmute_post(inbox.account_id, POST)
    assert await unread(inbox) == 3


async def test_the_marker_only_moves_forward(inbox: MemoryInbox) -> None:
    await _written(inbox, 1, ago=60)
    await _written(inbox, 2, ago=30)
    assert await inbox.seen.move(inbox.account_id, inbox.at(-40)) == inbox.at(-40)
    assert [(one.group.id, one.new) for one in await listed(inbox)] == [("like.000002", True), ("like.000001", False)]
    assert await unread(inbox) == 1
    assert await inbox.seen.move(inbox.account_id, inbox.at(-50)) == inbox.at(-40), "not back"
    assert await unread(inbox) == 1
    assert await inbox.seen.move(inbox.account_id, inbox.at(1_000)) == inbox.at(0), "not beyond now"
    assert await unread(inbox) == 0
    calls = inbox.post.calls
    assert await unread(inbox) == 0
    assert inbox.post.calls == calls, "nothing new costs no call"
    await inbox.clock.advance(10)
    await inbox.change("like.000001", changed_at=inbox.at(0), count=1)
    assert await unread(inbox) == 1
    assert await inbox.seen.move(inbox.account_id, None) == inbox.at(0)
    assert await unread(inbox) == 0


async def test_unread_is_counted_to_99(inbox: MemoryInbox) -> None:
    for number in range(MAX_UNREAD):
        await _written(inbox, number, ago=1_000 - number)
    assert await inbox.inbox.unread(inbox.account_id) == Unread(MAX_UNREAD, more=False)
    await _written(inbox, 500)
    assert await inbox.inbox.unread(inbox.account_id) == Unread(MAX_UNREAD, more=True)


async def test_a_long_run_of_hidden_groups_ends_a_page_and_not_the_list(inbox: MemoryInbox) -> None:
    for number in range(400):
        await inbox.write(likes(inbox, number, LINUS, ago=1_000 - number))
    await inbox.write(likes(inbox, 900, ADA, ago=2_000))
    inbox.post.hidden = {LINUS}
    first = await inbox.inbox.page(inbox.account_id, Filter.ALL, 20)
    assert first.items == []
    after, shown = first.next, list[str]()
    while after:
        page = await inbox.inbox.page(inbox.account_id, Filter.ALL, 20, after=after, as_of=first.as_of)
        shown += [one.group.id for one in page.items]
        after = page.next
    assert shown == ["like.000900"]
