"""``python -m benchmarks.comments``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import photomesh_local as local
from benchmarks.report import machine, ms, quantile, write
from benchmarks.users import cassandra_user
from photomesh_post.comments.store import CassandraComments
from photomesh_post.tables.rows import month_of
from photomesh_shared.ids import last_id_at
from photomesh_shared.stores.cassandra import CassandraSession, open_session

_STACK = "test"
_SIZES = 1_000, 100_000, 1_000_000
_PAGE = 21
"""Rows of a page of 20, and the one that says whether there is another."""
_PLACES = {"newest": 1.0, "middle": 0.5, "oldest": 0.0}
_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
_MONTH = timedelta(days=29)
_TEXT = "The light on that ridge, an hour before the rain came. Where is this? " * 2
_ROWS_PER_BATCH, _BATCHES_AT_ONCE = 60, 8


class Thread(NamedTuple):
    id: int
    comments: int

    def comment(self, number: int) -> int:
        """The id of one of its comments: they are spread evenly over the month."""
        return last_id_at(_BEGAN + _MONTH * ((number + 1) / self.comments))


async def fill(session: CassandraSession, thread: Thread) -> None:
    """Write a thread's rows. Raises DatabaseUnavailable."""
    insert = (
        "INSERT INTO comments_by_thread (thread_id, month, comment_id, author_id, body, entities)"
        " VALUES (?, ?, ?, ?, ?, ?);"
    )
    month = month_of(thread.comment(0))
    await session.execute("INSERT INTO months_by_thread (thread_id, month) VALUES (?, ?)", thread.id, month)
    starts = iter(range(0, thread.comments, _ROWS_PER_BATCH))

    async def insert_batches() -> None:
        for start in starts:
            numbers = range(start, min(start + _ROWS_PER_BATCH, thread.comments))
            rows = [(thread.id, month, thread.comment(number), number, _TEXT, "") for number in numbers]
            values = [value for row in rows for value in row]
            await session.execute(f"BEGIN UNLOGGED BATCH {insert * len(rows)} APPLY BATCH", *values)

    await asyncio.gather(*(insert_batches() for _ in range(_BATCHES_AT_ONCE)))


async def read(comments: CassandraComments, thread: Thread, place: float) -> float:
    """Read a page at a place of the thread, and return the seconds that it took."""
    last = thread.comments - _PAGE
    number = _PAGE + int(place * (last - _PAGE)) + random.randint(0, min(500, thread.comments // 10)) * (place == 0.5)
    began, rows = time.perf_counter(), 0
    async with aclosing(comments.newest_of(thread.id, before=thread.comment(number))) as page:
        async for _ in page:
            rows += 1
            if rows == _PAGE:
                break
    seconds = time.perf_counter() - began
    if rows != _PAGE:
        raise SystemExit(f"a page of a thread of {thread.comments} comments has {rows} rows")
    return seconds


async def measure(threads: list[Thread], rounds: int) -> dict[tuple[int, str], list[float]]:
    """Return the seconds of each page, by size of the thread and place in it."""
    times: dict[tuple[int, str], list[float]] = {}
    async with open_session(cassandra_user("post")) as session:
        for thread in threads:
            print(f"… writing {thread.comments:,} comments", flush=True)
            await fill(session, thread)
        comments = CassandraComments(session)
        print(f"… reading {rounds:,} pages of each", flush=True)
        for number in range(-rounds // 10, rounds):
            for thread in threads:
                for name, place in _PLACES.items():
                    seconds = await read(comments, thread, place)
                    if number >= 0:  # the first tenth warms up
                        times.setdefault((thread.comments, name), []).append(seconds)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.comments", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1_000, help="pages of each size and place (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the comments and of the pages")
    options = parser.parse_args()
    shrink = 10 if options.quick else 1
    local.up(_STACK, only="servers")
    now = last_id_at(datetime.now(UTC))
    threads = [Thread(now + number, size // shrink) for number, size in enumerate(_SIZES)]
    times = asyncio.run(measure(threads, options.rounds // shrink))
    base = {name: quantile(times[threads[0].comments, name], 0.5) for name in _PLACES}
    lines = [
        "# Comments of a viral month",
        "",
        f"Pages of 20 comments, {options.rounds // shrink:,} of each in turn. A month is one partition. {machine()}.",
        "",
        "| comments in the month | page at | P50 | P99 | P50 ÷ that of the smallest |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (size, name), seconds in times.items():
        p50, p99 = quantile(seconds, 0.5), quantile(seconds, 0.99)
        lines.append(f"| {size:,} | {name} | {ms(p50)} | {ms(p99)} | {p50 / base[name]:.2f} |")
    figures = [
        {"comments": size, "place": name, "p50": quantile(seconds, 0.5), "p99": quantile(seconds, 0.99)}
        for (size, name), seconds in times.items()
    ]
    print(write("comments", lines, {"pages": figures}))


if __name__ == "__main__":
    main()
