"""Pages of lists in which some entries are hidden."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from photomesh_post.paging import PageBuilder, chunked


async def numbers(count: int) -> AsyncGenerator[int, None]:
    for number in range(count):
        yield number


async def page(count: int, limit: int, *, hidden: range = range(0), after: int = -1) -> tuple[list[str], int | None]:
    """A page of the numbers below `count`, those in `hidden` left out."""

    async def rest() -> AsyncGenerator[int, None]:
        async for number in numbers(count):
            if number > after:
                yield number

    builder = PageBuilder[int, str](limit)
    async with aclosing(chunked(rest(), limit + 1)) as chunks:
        async for chunk in chunks:
            if builder.add(chunk, [None if number in hidden else str(number) for number in chunk]):
                break
    return builder.items, builder.next_after


@pytest.mark.parametrize("limit", range(1, 8))
@pytest.mark.parametrize("hidden", [range(0), range(5), range(2, 4), range(0, 5, 2)], ids=repr)
async def test_pages_contain_every_visible_entry_once_and_are_full_but_the_last(limit: int, hidden: range) -> None:
    visible = [str(number) for number in range(5) if number not in hidden]
    items: list[str] = []
    after: int | None = -1
    while after is not None:
        found, after = await page(5, limit, hidden=hidden, after=after)
        assert after is None or len(found) == limit
        items += found
    assert items == visible


async def test_a_page_ends_after_many_hidden_entries() -> None:
    found, after = await page(2_000, 10, hidden=range(5, 1_900))
    assert found == [str(number) for number in range(5)]
    assert after is not None
    assert 500 <= after + 1 <= 511, "the first chunk behind 500 entries"
    while after is not None and len(found) == 5:
        more, after = await page(2_000, 10, hidden=range(5, 1_900), after=after)
        found += more
    assert found[5:] == [str(number) for number in range(1_900, 1_910)]


async def test_chunks() -> None:
    assert [chunk async for chunk in chunked(numbers(5), 2)] == [[0, 1], [2, 3], [4]]
    assert [chunk async for chunk in chunked(numbers(4), 2)] == [[0, 1], [2, 3]]
    assert [chunk async for chunk in chunked(numbers(0), 2)] == []
