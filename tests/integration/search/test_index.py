"""What is written is found, on a real OpenSearch: versions, words, order, aliases."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from photomesh_search.errors import SearchUnavailable
from photomesh_search.indexing.domain import PostDocument, post_document
from photomesh_search.indexing.store import IndexWriter
from photomesh_search.indices.store import open_client
from photomesh_search.searching.domain import Near, post_query, prefixes
from photomesh_search.searching.store import IndexReader
from photomesh_search.texts.domain import fold
from photomesh_shared.events import Envelope
from photomesh_shared.events.posts import Place
from tests.integration.search.conftest import Searching
from tests.support.search.events import AT, account, deleted, edited, follow, post

NewId = Callable[[], int]

_SIGNS = [*range(0x20, 0x2100, 7), *range(0x20, 0x7F), *range(0x3000, 0xD7FF, 97), *range(0xE000, 0x10FFFF, 991)]


async def _posts(search: Searching, text: str, **options: object) -> list[int]:
    await search.refresh()
    given = {"author_id": None, "muted": (), "before_id": None, "size": 100, **options}
    return [hit.id for hit in await search.reader.posts(post_query(text), **given)]  # type: ignore[arg-type]


async def _accounts(
    search: Searching, text: str, followed: tuple[int, ...] = (), near: tuple[int, ...] = ()
) -> list[int]:
    await search.refresh()
    hits = await search.reader.accounts(prefixes(text), exact=text, followed=followed, near=near, after=None, size=100)
    return [hit.id for hit in hits]


async def test_words_of_every_script_find_a_post(search: Searching, new_id: NewId) -> None:
    ada = new_id()
    await search.accounts.accounts_changed([account(ada, 1)])
    captions = {
        new_id(): "Zoë in İstanbul 🌅",
        new_id(): "富士山の熱力学",
        new_id(): "ทะเลสวยมาก",
        new_id(): "Αθήνα το βράδυ",
    }
    await search.posts.posts_changed([post(one, ada, 1, text) for one, text in captions.items()])
    zoe, fuji, sea, athens = captions
    expected = {
        "zoe": zoe, "istanbul": zoe, "🌅": zoe, "熱力": fuji, "熱力学": fuji, "สวย": sea, "αθηνα": athens,
    }  # fmt: skip
    assert {text: await _posts(search, text) for text in expected} == {text: [one] for text, one in expected.items()}
    assert await _posts(search, "熱学") == []


async def test_operators_restrict(search: Searching, new_id: NewId) -> None:
    ada, ben = new_id(), new_id()
    await search.accounts.accounts_changed([account(ada, 1), account(ben, 1, "ben")])
    old, new, other = sorted(new_id() for _ in range(3))
    place = Place(name="Lake Como", latitude=46.016, longitude=9.257)
    await search.posts.posts_changed(
        [
            post(old, ada, 1, "Harbour", created_at=AT - timedelta(days=400)),
            post(new, ada, 1, "Harbour #Sunset", hashtags=("sunset",), place=place),
            post(other, ben, 1, "Harbour"),
        ]
    )
    assert await _posts(search, "harbour") == [other, new, old]
    assert await _posts(search, "harbour", author_id=ada) == [new, old]
    assert await _posts(search, "harbour", muted=[ben]) == [new, old]
    assert await _posts(search, "harbour", before_id=other) == [new, old]
    assert await _posts(search, "harbour after:2026-01-01") == [other, new]
    assert await _posts(search, "before:2026-01-01") == [old]
    assert await _posts(search, "has:place") == await _posts(search, "#sunset") == await _posts(search, "como") == [new]
    assert [(one.tag, one.accounts) for one in await search.reader.hashtags("sun", size=5)] == [("sunset", 1)]
    for behind_all in ("sunsetz", "zzz", "𝒵", "\U0010ffff"):
        assert await search.reader.hashtags(behind_all, size=5) == []
    [found] = await search.reader.places(prefixes("lake c"), None, size=5)
    assert (found.name, found.latitude, found.accounts) == ("Lake Como", 46.02, 1)
    assert await search.reader.places([], Near.rounded(46.1, 9.2, 25), size=5) == [found]
    assert await search.reader.places([], Near.rounded(48.1, 9.2, 25), size=5) == []
    assert await search.reader.account_named("ben") == ben


async def test_accounts_are_ranked_exact_followed_followers(search: Searching, new_id: NewId) -> None:
    exact, followed, star, known, other = (new_id() for _ in range(5))
    await search.accounts.accounts_changed(
        [
            account(exact, 1, "ann", "Somebody"),
            account(followed, 1, "annette", "Nobody"),
            account(star, 1, "annalisa", "Star"),
            account(known, 1, "hello", "Ann Known"),
            account(other, 1, "joanna", "Other"),
        ]
    )
    await search.follows.followers_changed([follow(1, star, 1_000_000), follow(1, known, 10)])
    assert await _accounts(search, "ann", (followed,)) == [exact, followed, star, known]
    assert await _accounts(search, "ann kno") == [known]
    assert await _accounts(search, "ann", (followed,), near=(known, followed)) == [exact, followed, known, star]


async def test_pages_of_accounts_neither_repeat_nor_skip(search: Searching, new_id: NewId) -> None:
    ids = [new_id() for _ in range(25)]
    await search.accounts.accounts_changed([account(one, 1, f"ann{number}") for number, one in enumerate(ids)])
    await search.follows.followers_changed([follow(1, one, number % 3) for number, one in enumerate(ids)])
    await search.refresh()
    found: list[int] = []
    after = None
    while True:
        hits = await search.reader.accounts(["ann"], exact="ann", followed=[], near=[], after=after, size=4)
        if not hits:
            break
        found += [hit.id for hit in hits]
        after = hits[-1].position
    assert sorted(found) == sorted(ids)


async def test_hiding_and_erasing_leave_no_content(search: Searching, new_id: NewId) -> None:
    ada, one, two = new_id(), new_id(), new_id()
    await search.accounts.accounts_changed([account(ada, 1)])
    await search.posts.posts_changed([post(one, ada, 1, "Harbour"), post(two, ada, 1, "Harbour")])
    await search.posts.posts_changed([deleted(two, ada, 2)])
    await search.accounts.accounts_changed([account(ada, 2, private=True)])
    assert await _posts(search, "harbour") == []
    stored = await search.client.search(index=f"{search.prefix}posts-read", body={"size": 10})
    assert [set(hit["_source"]) for hit in stored["hits"]["hits"]] == [{"version"}] * 2
    assert await _accounts(search, "ada") == [ada]


async def test_a_stale_event_brings_nothing_back(search: Searching, new_id: NewId) -> None:
    """Whatever the order, and however often: the index is that of the latest versions."""
    ada = new_id()
    await search.accounts.accounts_changed([account(ada, 1)])
    ids = [new_id() for _ in range(20)]
    histories: list[list[Envelope[Any]]] = [
        [post(one, ada, 1, "First"), edited(one, ada, 2, "Second")] + ([deleted(one, ada, 3)] if one % 3 == 0 else [])
        for one in ids
    ]
    events = [event for history in histories for event in history] * 2
    random.Random(7).shuffle(events)
    for start in range(0, len(events), 13):
        await search.posts.posts_changed(events[start : start + 13])
    assert await _posts(search, "first") == []
    assert sorted(await _posts(search, "second")) == sorted(one for one in ids if one % 3)


async def test_more_documents_than_one_request_takes(search: Searching, new_id: NewId) -> None:
    ada = new_id()
    await search.accounts.accounts_changed([account(ada, 1)])
    posts = [post(new_id(), ada, 1, "Harbour " + "word " * 400) for _ in range(2_300)]
    await search.posts.posts_changed(posts)
    await search.refresh()
    counted = await search.client.count(index=f"{search.prefix}posts-read")
    assert counted["count"] == 2_300
    emptied = [one async for page in search.index.shown_posts_of([ada]) for one in page]
    assert len(emptied) == 2_300


async def test_a_new_generation_takes_over_without_a_gap(search: Searching, new_id: NewId) -> None:
    ada, one, two = new_id(), new_id(), new_id()
    await search.accounts.accounts_changed([account(ada, 1)])
    await search.posts.posts_changed([post(one, ada, 1, "Harbour")])
    made = await search.indices.begin_generation()
    fresh = IndexWriter(search.client, made)
    await fresh.save_posts([document for document in [post_document(post(one, ada, 1, "Harbour"))] if document])
    await search.indices.point("write", made)
    await search.accounts.accounts_changed([account(ada, 1)])
    await search.posts.posts_changed([post(two, ada, 1, "Harbour")])
    assert await _posts(search, "harbour") == [one]
    await search.indices.point("read", made)
    assert sorted(await _posts(search, "harbour")) == sorted([one, two])
    assert sorted(await search.indices.delete_unused()) == [f"{search.prefix}accounts-1", f"{search.prefix}posts-1"]
    assert sorted(await _posts(search, "harbour")) == sorted([one, two])


async def test_hostile_queries_are_cheap_and_find_nothing(search: Searching) -> None:
    for text in ("*", "a*" * 100, '"' * 200, "(" * 200, "\\" * 200, ".*.*.*.*x", "~" * 200, "#" * 200, "{}[]<>|&@"):
        assert await _posts(search, text[:200]) == []
        assert await search.reader.hashtags(text[:200], size=5) == []
        assert await _accounts(search, text[:200]) == []


async def test_whatever_is_typed_is_answered(search: Searching) -> None:
    """`tests/unit/search/test_bodies.py` holds what the requests are bounded by; this, that these bounds are right."""
    chance = random.Random(11)
    drawn = ["".join(chr(chance.choice(_SIGNS)) for _ in range(chance.randrange(1, 40))) for _ in range(40)]
    fixed = [
        "before:0001-01-01",
        "after:1969-12-31",
        "before:9999-12-31",
        "from:\x00",
        "\ufdfa" * 200,
        "界" * 200,
        "#" + "é" * 199,
    ]
    for text in (*drawn, *fixed):
        named = fold(text)
        await search.reader.posts(post_query(text), author_id=None, muted=(), before_id=None, size=100)
        await search.reader.accounts(prefixes(text), exact=named, followed=(), near=(), after=None, size=100)
        await search.reader.places(prefixes(text), Near.rounded(-90, 180, 200), size=100)
        await search.reader.account_named(named)
        if tag := named[:100]:
            await search.reader.hashtags(tag, size=100)
    many = range(1, 80_000)
    await search.reader.posts(post_query("harbour"), author_id=None, muted=many, before_id=1, size=100)
    await search.reader.accounts(["a"], exact="a", followed=many, near=many, after=("1.5", 7), size=100)


async def test_without_a_server_it_is_a_503() -> None:
    async with open_client("http://127.0.0.1:1") as client:
        with pytest.raises(SearchUnavailable):
            await IndexReader(client, {"posts": "posts"}).hashtags("a", size=1)
        with pytest.raises(SearchUnavailable):
            await IndexWriter(client, {"posts": "posts"}).save_posts(
                [PostDocument(1, 1, 1, {"created": datetime.now(UTC).timestamp()})]
            )
