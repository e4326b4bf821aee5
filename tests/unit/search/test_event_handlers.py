"""The index has the posts of public accounts, in whatever order it hears of them."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_search.indexing.domain import post_document
from photomesh_search.indexing.event_handlers import (
    AccountEraser,
    AccountEventHandlers,
    FollowEventHandlers,
    PostEventHandlers,
)
from photomesh_shared.events import AccountErasureRequested, Envelope
from tests.support.clock import FakeClock
from tests.support.search.events import AT, account, deleted, edited, follow, post
from tests.support.search.memory_index import MemoryIndex, MemoryPosts

ADA, SUNSET, HARBOUR = 1, 11, 12


class Search:
    def __init__(self) -> None:
        self.index, self.source = MemoryIndex(), MemoryPosts()
        self.accounts = AccountEventHandlers(self.index, self.source)
        self.posts = PostEventHandlers(self.index)

    def exists(self, *envelopes: Envelope[Any]) -> None:
        """The service post has these posts."""
        for envelope in envelopes:
            document = post_document(envelope)
            assert document is not None
            self.source.posts[document.post_id] = document


@pytest.fixture
def search() -> Search:
    return Search()


async def test_posts_of_a_public_account_are_found(search: Search) -> None:
    await search.accounts.accounts_changed([account(ADA, 1)])
    await search.posts.posts_changed([post(SUNSET, ADA, 1, "Sunset #evening", hashtags=("evening",))])
    assert search.index.shown() == {SUNSET}
    assert search.index.posts[SUNSET].fields["tags"] == ["evening"]


async def test_posts_of_a_private_account_are_not_kept(search: Search) -> None:
    await search.accounts.accounts_changed([account(ADA, 1, private=True)])
    await search.posts.posts_changed([post(SUNSET, ADA, 1, "Sunset")])
    assert search.index.posts[SUNSET].fields == {}


async def test_who_does_not_want_to_be_found_is_not_and_may_come_back(search: Search) -> None:
    published = post(SUNSET, ADA, 5, "Sunset")
    search.exists(published)
    await search.accounts.accounts_changed([account(ADA, 1)])
    await search.posts.posts_changed([published])
    await search.accounts.accounts_changed([account(ADA, 2, searchable=False)])
    assert search.index.posts[SUNSET].fields == {}
    assert {search.index.accounts[ADA][name] for name in ("username", "names", "shown")} == {None, False}
    await search.posts.posts_changed([edited(SUNSET, ADA, 6, "Still there")])
    assert search.index.posts[SUNSET].fields == {}
    search.exists(post(SUNSET, ADA, 6, "Still there"))
    await search.accounts.accounts_changed([account(ADA, 3)])
    assert search.index.shown() == {SUNSET}
    assert search.index.accounts[ADA]["shown"]


async def test_posts_that_come_before_their_author_are_fetched(search: Search) -> None:
    published = post(SUNSET, ADA, 5)
    search.exists(published)
    await search.posts.posts_changed([published])
    assert search.index.shown() == set()
    await search.accounts.accounts_changed([account(ADA, 1)])
    assert search.index.shown() == {SUNSET}


async def test_going_private_empties_posts_and_coming_back_fetches_them(search: Search) -> None:
    published = post(SUNSET, ADA, 5)
    search.exists(published)
    await search.accounts.accounts_changed([account(ADA, 1)])
    await search.posts.posts_changed([published])
    await search.accounts.accounts_changed([account(ADA, 2, private=True)])
    assert search.index.posts[SUNSET].fields == {}
    await search.accounts.accounts_changed([account(ADA, 3)])
    assert search.index.shown() == {SUNSET}


async def test_accounts_of_one_batch_get_their_own_posts(search: Search) -> None:
    people = range(1, 9)
    published = [post(10 + one, one, 5) for one in people]
    search.exists(*published)
    await search.posts.posts_changed(published)
    await search.accounts.accounts_changed([account(one, 1, f"name{one}", private=one % 2 == 0) for one in people])
    assert search.index.shown() == {10 + one for one in people if one % 2}
    await search.accounts.accounts_changed([account(one, 2, f"name{one}", private=one % 2 == 1) for one in people])
    assert search.index.shown() == {10 + one for one in people if one % 2 == 0}
    assert {one: search.index.accounts[one]["filled"] for one in people} == {one: one % 2 == 0 for one in people}


@pytest.mark.parametrize("status", ["deactivated", "leaving"])
async def test_an_account_that_is_away_is_not_found(search: Search, status: str) -> None:
    await search.accounts.accounts_changed([account(ADA, 1)])
    await search.posts.posts_changed([post(SUNSET, ADA, 5)])
    await search.accounts.accounts_changed([account(ADA, 2, status=status)])
    assert search.index.accounts[ADA]["names"] is None
    assert search.index.shown() == set()


async def test_a_crash_between_an_account_and_its_posts_is_repaired(search: Search) -> None:
    """The event is handled again: what it had not done yet is done."""
    published = post(SUNSET, ADA, 5)
    search.exists(published)
    await search.accounts.accounts_changed([account(ADA, 1)])
    await search.posts.posts_changed([published])
    hidden = account(ADA, 2, private=True)
    search.index._update(ADA, "profile", 2, {"public": False, "shown": True})
    assert search.index.shown() == {SUNSET}
    await search.accounts.accounts_changed([hidden])
    assert search.index.shown() == set()
    search.index._update(ADA, "profile", 3, {"public": True})
    await search.accounts.accounts_changed([account(ADA, 3)])
    assert search.index.shown() == {SUNSET}


async def test_an_account_that_goes_private_while_its_post_is_indexed(search: Search) -> None:
    await search.accounts.accounts_changed([account(ADA, 1)])
    save, reached = search.index.save_posts, False

    async def save_late(documents: object) -> None:
        nonlocal reached
        if not reached:
            reached = True
            await search.accounts.accounts_changed([account(ADA, 2, private=True)])
        await save(documents)  # type: ignore[arg-type]

    search.index.save_posts = save_late  # type: ignore[method-assign]
    await search.posts.posts_changed([post(SUNSET, ADA, 5)])
    assert search.index.shown() == set()


async def test_an_erased_account_comes_back_by_nothing(search: Search) -> None:
    await search.accounts.accounts_changed([account(ADA, 1)])
    await search.posts.posts_changed([post(SUNSET, ADA, 5)])
    request = AccountErasureRequested.example().model_copy(update={"user_id": ADA})
    eraser = AccountEraser(search.index, search.accounts, FakeClock())
    erased = await eraser.erase(Envelope.of(request, entityversion=9))
    assert erased.counts == {"accounts": 1, "posts": 1}
    await search.accounts.accounts_changed([account(ADA, 2)])
    await search.posts.posts_changed([post(SUNSET, ADA, 5), post(HARBOUR, ADA, 6)])
    assert search.index.shown() == set()
    assert search.index.accounts[ADA]["username"] is None


async def test_the_latest_number_of_followers_counts(search: Search) -> None:
    later = AT.replace(minute=5)
    await FollowEventHandlers(search.index).followers_changed([follow(2, ADA, 2, later), follow(3, ADA, 1)])
    await FollowEventHandlers(search.index).followers_changed([follow(3, ADA, 1)])
    assert search.index.accounts[ADA]["followers"] == 3  # a rank is never zero


@given(st.integers(), st.lists(st.sampled_from(["public", "private", "deactivated"]), min_size=1, max_size=4))
def test_any_order_and_repetition_ends_the_same(seed: int, states: list[str]) -> None:
    """Topics are read side by side, and again: what counts is the latest version of each."""

    async def replay() -> None:
        search = Search()
        accounts = [
            account(ADA, number, private=state == "private", status="active" if state != "deactivated" else state)
            for number, state in enumerate(states, 1)
        ]
        posts: list[Envelope[Any]] = [
            post(SUNSET, ADA, 1),
            edited(SUNSET, ADA, 2, "Other words"),
            post(HARBOUR, ADA, 3),
            deleted(HARBOUR, ADA, 4),
        ]
        search.exists(posts[1])
        randomness = random.Random(seed)
        rounds = [[("a", number) for number in range(len(accounts))], [("p", number) for number in range(len(posts))]]
        rounds = [list(one) for one in rounds for _ in range(2)]  # everything twice
        while any(rounds):
            kind, number = randomness.choice([one for one in rounds if one]).pop(0)
            if kind == "a":
                await search.accounts.accounts_changed([accounts[number]])
            else:
                await search.posts.posts_changed([posts[number]])
        assert search.index.shown() == ({SUNSET} if states[-1] == "public" else set())
        if states[-1] == "public":
            assert search.index.posts[SUNSET].fields["words"].startswith("other words")

    asyncio.run(replay())
